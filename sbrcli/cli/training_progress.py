"""Show the progress of `sbr train`: a bar, and one line per epoch."""

from contextlib import ExitStack

from sbrcli.cli.output import Output
from sbrcli.cli.tables import figure_in_short
from sbrcli.models.training.events import (
    EpochEnded,
    EpochEvent,
    EpochStarted,
    LibrariesLoading,
    StepsDone,
    StopRequested,
    TargetsRanked,
    TrainingEvent,
    TrainingPlanned,
    TrainingResumed,
    ValidationStarted,
)
from sbrcli.reporter import Advance, ignore_progress


class TrainingProgress:
    """Show the events of a training on stderr."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._header = ""
        self._stack = ExitStack()
        self._advance: Advance = ignore_progress

    def __enter__(self) -> "TrainingProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, event: TrainingEvent) -> None:
        """Show one event: bars on a terminal only, lines everywhere."""
        if isinstance(event, StepsDone):
            self._advance(event.num_targets, loss=f"{event.loss:.4f}")
            return
        if isinstance(event, TargetsRanked):
            self._advance(event.num_targets)
            return
        if isinstance(event, TrainingPlanned):  # shown when the training begins
            self._header = f"run {event.run} on dataset {event.dataset}"
            return
        self._stack.close()
        if self._header:
            self._output.note(self._header)
            self._header = ""
        match event:
            case LibrariesLoading():
                self._output.note("loading TensorFlow")
            case TrainingResumed():
                self._output.note(f"resumed at {_name(event)}, {round(100 * event.done_share)} %")
            case EpochStarted():
                self._open_bar(event.num_targets, _name(event))
                if event.num_done:
                    self._advance(event.num_done)
            case ValidationStarted():
                self._open_bar(event.num_targets, f"validating {_name(event)}")
            case EpochEnded():
                self._output.note(epoch_line(event))
            case StopRequested():
                self._output.note("stopping after a checkpoint (Ctrl-C again stops at once)")

    def _open_bar(self, total: int, title: str) -> None:
        self._advance = self._stack.enter_context(self._output.progress(total, "events", title))


def epoch_line(event: EpochEnded) -> str:
    """Format the result of an epoch in one line."""
    loss = event.loss
    parts = [_name(event), f"loss {loss:.3f}" if loss >= 1 else f"loss {loss:.4f}"]
    if event.metrics:
        star = "*" if event.is_best else " "
        recall, mrr = (figure_in_short(event.metrics[name]) for name in ("recall@20", "mrr@20"))
        parts += [f"recall@20 {recall}", f"mrr@20 {mrr} {star}"]
    left = event.seconds_left
    parts.append(write_duration(event.seconds) + (f", {write_duration(left)} left" if left else ""))
    return "  ".join(parts)


def write_duration(seconds: float) -> str:
    """Format a duration in a suitable unit: 0.4 s, 45 s, 12 min, 3 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _name(event: EpochEvent) -> str:
    refit = "refit " if event.phase == "refit" else ""
    return f"{refit}epoch {event.epoch:>{len(str(event.epochs))}}/{event.epochs}"
