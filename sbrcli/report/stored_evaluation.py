"""The stored evaluation of a run, checked before it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.leaderboard import Difference, LeaderboardRow
from sbrcli.evaluation.metrics import ALWAYS_STORED, is_known
from sbrcli.evaluation.slices import Slice
from sbrcli.evaluation.verdict import SIGNIFICANT
from sbrcli.models.registry import DEFAULT_FAMILY
from sbrcli.workflow.run_facts import EVALUATION_FILE
from sbrcli.workflow.stored_evaluations import read_evaluation


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """The stored evaluation of a run on test."""

    metrics: dict[str, float]
    metrics_unknown_as_miss: dict[str, float]
    protocol: dict[str, Any]
    leaderboard: tuple[LeaderboardRow, ...]
    """Empty if the run was not compared with other models."""

    verdict: str
    slices: tuple[Slice, ...]
    """Empty if the metrics were not computed by slice."""

    model: str = DEFAULT_FAMILY
    """The run's name in the leaderboard."""


def read_stored_evaluation(run: Run) -> StoredEvaluation | None:
    """Read a run's stored evaluation on test; None if it was not evaluated.

    Raises:
        ArtefactError: the file is damaged.
    """
    found = read_evaluation(run, EvaluateConfig())
    if not found:
        return None
    try:
        return StoredEvaluation(
            metrics=_metrics(found["metrics"]),
            metrics_unknown_as_miss=_metrics(found["metrics_unknown_as_miss"]),
            protocol=dict(found["protocol"]),
            leaderboard=tuple(_standing(row) for row in found.get("leaderboard") or ()),
            verdict=_verdict(found),
            slices=tuple(_slice(row) for row in found.get("slices") or ()),
            model=run.model,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(
            f"{run.path / EVALUATION_FILE} is damaged: it is not what sbr evaluate writes",
            hint="delete it; sbr evaluate writes it again",
        ) from error


def cuts_of(metrics: Mapping[str, float]) -> tuple[int, ...]:
    """Return the cut-offs of metrics, ascending: {"mrr@5": …, "recall@20": …} has 5 and 20."""
    return tuple(sorted({int(name.partition("@")[2]) for name in metrics}))


def _verdict(found: dict[str, Any]) -> str:
    """Return the verdict; one by an earlier sbr is reworded."""
    return str(found.get("verdict") or "").replace(": the difference is real", f": {SIGNIFICANT}")


def _metrics(found: Any) -> dict[str, float]:
    """Read metrics, leaving out those that a later version of sbr has added.

    Raises:
        ValueError, TypeError, AttributeError: no version of sbr stores such metrics.
    """
    metrics = {str(name): float(value) for name, value in found.items() if is_known(name)}
    is_intact = all(f"{name}@{k}" in metrics for k in cuts_of(metrics) for name in ALWAYS_STORED)
    if not metrics or not is_intact:
        raise ValueError("a metric is missing")
    return metrics


def _standing(row: Any) -> LeaderboardRow:
    metrics = _metrics(row["metrics"])
    return LeaderboardRow(
        model=str(row["model"]),
        metrics=metrics,
        interval={name: _pair(row["interval"][name]) for name in metrics},
        to_best=_difference(row["to_best"]) if row["to_best"] else None,
        coverage=float(row["coverage"]),
        mean_popularity=float(row["mean_popularity"]),
        gini=float(row["gini"]),
        events_per_second=float(row["events_per_second"]),
        memory_bytes=int(row["memory_bytes"]),
        options=str(row["options"]) if row["options"] else None,
    )


def _difference(found: Any) -> Difference:
    return Difference(
        model=str(found["model"]),
        metric=str(found["metric"]),
        share=None if found["share"] is None else float(found["share"]),
        interval=None if found["interval"] is None else _pair(found["interval"]),
        absolute=float(found["absolute"]),
        absolute_interval=_pair(found["absolute_interval"]),
        p_value=float(found["p_value"]),
    )


def _slice(row: Any) -> Slice:
    bounds = row.get("interval") or {}  # earlier versions of sbr stored none
    return Slice(
        str(row["slice"]),
        str(row["value"]),
        int(row["events"]),
        _metrics(row["metrics"]),
        {name: _pair(pair) for name, pair in bounds.items() if is_known(name)},
    )


def _pair(found: Any) -> tuple[float, float]:
    low, high = found
    return float(low), float(high)
