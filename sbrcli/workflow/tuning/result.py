"""What `sbr tune` reports: the trials, the best of them, and the command that trains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sbrcli.config.search_space import written
from sbrcli.errors import TrainingError

State = Literal["complete", "pruned", "failed", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting of the options, and its outcome."""

    number: int
    """Counted from 1."""

    options: Mapping[str, Any]
    """The searched options as they were trained with, by their names in Python."""

    valid_mrr: float | None = None
    """mrr@20 on valid after the best epoch; of a pruned trial, of the best epoch until then."""

    state: State
    seconds: float | None = None
    epochs: int = 0
    """Epochs that were trained."""

    best_epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    """All metrics on valid after the best epoch."""

    error: str | None = None
    """Why the trial failed."""

    dataset: str | None = None
    """The dataset of a grid's trial; None if it is that of the whole tuning."""

    run: str | None = None
    """The run that holds its model; only a grid keeps runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneResult:
    """The outcome of `sbr tune`; `asdict` is its JSON document."""

    study: str | None
    """The study's name; None for a grid, whose runs are kept instead."""

    dataset: str
    model: str
    monitor: str
    """The metric on valid that decides which trial is best."""

    trials: Sequence[Trial]
    best: Trial | None
    command: str | None
    """The command that trains the best trial as a run; None if no trial is complete."""

    importance: Mapping[str, float] = field(default_factory=dict)
    """The share of the variation in the metric that each option explains, the greatest first."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    """The space, the fixed options and the estimated time."""

    run: str | None = None
    """The run that `--train` made."""


def best_trial(trials: Sequence[Trial], monitor: str) -> Trial | None:
    """Return the complete trial of the best metric, the first of equals; None without any."""
    complete = [one for one in trials if one.state == "complete" and monitor in one.metrics]
    return max(complete, key=lambda one: (one.metrics[monitor], -one.number), default=None)


def require_some_complete(trials: Sequence[Trial]) -> None:
    """Check that not all trials that have ended have failed.

    Raises:
        TrainingError: all have.
    """
    ended = [one for one in trials if one.state != "running"]
    failed = [one for one in ended if one.state == "failed"]
    if failed and len(failed) == len(ended):
        raise TrainingError(
            f"no trial is complete: {len(failed)} failed, the first with: {failed[0].error}",
            hint="search lower learning rates or smaller networks",
        )


def estimate_seconds(
    done: Sequence[Trial], left: int, limit: float | None, of_default: float | None = None
) -> float | None:
    """Return the estimated time of the remaining trials.

    Args:
        done: trials that have ended, whose mean time is taken.
        left: the number of remaining trials.
        limit: the time limit, or None.
        of_default: the estimated time of the trial of the defaults, if none has ended.

    Returns:
        At most the time limit; None if nothing is known.
    """
    seconds = [one.seconds for one in done if one.seconds is not None]
    mean = sum(seconds) / len(seconds) if seconds else of_default
    if mean is None:
        return limit
    return left * mean if limit is None else min(left * mean, limit)


def shown_options(options: Mapping[str, Any]) -> str:
    """Write options in one line, as in "hsz 128, dropout 0.25"."""
    return ", ".join(
        f"{name.replace('_', '-')} {_shown(written(value))}" for name, value in options.items()
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
