"""Show the progress of `sbr tune`: a bar for the trial at work, and one line for each ended."""

from contextlib import ExitStack
from typing import Any

from sbrcli.cli.output import Output
from sbrcli.cli.tables import figure_in_short
from sbrcli.cli.training_progress import write_duration
from sbrcli.models.training.events import (
    EpochStarted,
    LibrariesLoading,
    StepsDone,
    StopRequested,
    TargetsRanked,
    TrainingEvent,
    TrainingResumed,
    ValidationStarted,
)
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.workflow.tuning.events import TrialEnded, TrialStarted, TuneEvent
from sbrcli.workflow.tuning.result import Trial, shown_options


class TuningProgress:
    """Show the events of a tuning on stderr."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stack = ExitStack()
        self._advance: Advance = ignore_progress
        self._trial = ""
        self._figures: dict[str, str] = {}
        self._is_loaded = False

    def __enter__(self) -> "TuningProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, event: TuneEvent | TrainingEvent) -> None:
        """Show one event: bars on a terminal only, lines everywhere."""
        if isinstance(event, (StepsDone, TargetsRanked)):
            self._advance(event.num_targets, **self._figures)
            return
        self._stack.close()
        match event:
            case LibrariesLoading():
                if not self._is_loaded:
                    self._output.note("loading TensorFlow")
                self._is_loaded = True
            case TrialStarted():
                self._trial = f"trial {event.trial.number}/{event.trials}"
                self._figures = _figures(event)
            case TrialEnded():
                self._output.note(trial_line(event))
            case TrainingResumed():
                self._output.note(f"{self._trial} resumed in epoch {event.epoch}/{event.epochs}")
            case EpochStarted():
                self._open_bar(event.num_targets, f"epoch {event.epoch}/{event.epochs}")
                if event.num_done:
                    self._advance(event.num_done)
            case ValidationStarted():
                self._open_bar(event.num_targets, f"validating {event.epoch}/{event.epochs}")
            case StopRequested():
                self._output.note("stopping (Ctrl-C again stops at once)")

    def _open_bar(self, total: int, title: str) -> None:
        bar = self._output.progress(total, "events", f"{self._trial}, {title}")
        self._advance = self._stack.enter_context(bar)


def _figures(event: TuneEvent) -> dict[str, str]:
    figures = {}
    if event.best is not None:
        figures["best"] = _value(event.best)
    if event.seconds_left is not None:
        figures["left"] = write_duration(event.seconds_left)
    return figures


def trial_line(event: TrialEnded) -> str:
    """Format what came of a trial in one line."""
    trial = event.trial
    width = len(str(event.trials))
    parts: list[Any] = [f"trial {trial.number:>{width}}/{event.trials}"]
    if trial.state == "failed":
        parts.append(f"failed: {trial.error}")
    else:
        is_best = event.best is not None and event.best.number == trial.number
        star = "*" if is_best else " "
        parts.append(f"mrr@20 {_value(trial)} {star}")
    if trial.state == "pruned":
        parts.append(f"pruned after epoch {trial.epochs}")
    parts.append(shown_options(trial.options))
    if trial.seconds is not None:
        left = event.seconds_left
        clock = write_duration(trial.seconds)
        parts.append(clock + (f", {write_duration(left)} left" if left else ""))
    return "  ".join(parts)


def _value(trial: Trial) -> str:
    return "-" if trial.valid_mrr is None else figure_in_short(trial.valid_mrr)
