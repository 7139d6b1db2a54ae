"""Show the progress of `sbr train`: a bar, and one line per epoch."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from sbrcli.cli.output import Output
from sbrcli.cli.tables import figure_in_short
from sbrcli.reporter import Advance, ignore_progress


class TrainingProgress:
    """Show the events of a training, see `plan.Watch`, on stderr."""

    def __init__(self, output: Output, header: str = "") -> None:
        """Initialise for one training run; `header` names run and dataset and is shown first."""
        self._output = output
        self._header = header
        self._stack = ExitStack()
        self._advance: Advance = ignore_progress

    def __enter__(self) -> "TrainingProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def watch(self, what: str, count: int, figures: dict[str, Any]) -> None:
        """Show one event: bars on a terminal only, lines everywhere."""
        if what in ("pairs", "ranked"):
            self._advance(count, **figures)
            return
        self._stack.close()
        if self._header:
            self._output.note(self._header)
            self._header = ""
        if what == "loading":
            self._output.note("loading TensorFlow")
        elif what == "resumed":
            share = round(100 * figures["share"])
            self._output.note(f"resumed at {_name(figures)}, {share} %")
        elif what == "epoch":
            self._open_bar(count, _name(figures))
        elif what == "validation":
            self._open_bar(count, f"validating {_name(figures)}")
        elif what == "epoch_end":
            _tell_epoch(self._output, figures)
        elif what == "stopping":
            self._output.note("stopping, saving the place (Ctrl-C again stops at once)")

    def _open_bar(self, total: int, title: str) -> None:
        self._advance = self._stack.enter_context(self._output.progress(total, "events", title))


def _tell_epoch(output: Output, figures: Mapping[str, Any]) -> None:
    output.note(epoch_line(figures))


def epoch_line(figures: Mapping[str, Any]) -> str:
    """Format the result of an epoch in one line.

    Args:
        figures: the values of the event "epoch_end".
    """
    row = figures["row"]
    loss = row["loss"]
    parts = [_name(figures), f"loss {loss:.3f}" if loss >= 1 else f"loss {loss:.4f}"]
    if row["mrr@20"] is not None:
        star = "*" if figures["is_best"] else " "
        recall, mrr = (figure_in_short(row[name]) for name in ("recall@20", "mrr@20"))
        parts += [f"recall@20 {recall}", f"mrr@20 {mrr} {star}"]
    left = figures["seconds_left"]
    parts.append(
        write_duration(row["seconds"]) + (f", {write_duration(left)} left" if left else "")
    )
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


def _name(figures: Mapping[str, Any]) -> str:
    refit = "refit " if figures["phase"] == "refit" else ""
    epochs = str(figures["epochs"])
    return f"{refit}epoch {figures['epoch']:>{len(epochs)}}/{epochs}"
