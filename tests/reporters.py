"""A reporter that keeps what it is given, for tests of what a use case reports."""

from collections.abc import Iterator
from contextlib import contextmanager

from sbrcli.reporter import Advance, SilentReporter


class RecordingReporter(SilentReporter):
    """Keeps notes, warnings and events in lists, and the units of each progress in `done`."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.events: list[object] = []
        self.done: list[tuple[str, int | None, int]] = []
        """Of each progress: its description, total and units done."""
        self.steps: list[tuple[int, dict[str, object]]] = []
        """Of each report of any progress: the units, and the figures to show."""

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def event(self, event: object) -> None:
        self.events.append(event)

    @contextmanager
    def progress(self, total: int | None, unit: str, description: str) -> Iterator[Advance]:
        done = 0

        def advance(units: int, /, **figures: object) -> None:
            nonlocal done
            done += units
            self.steps.append((units, figures))

        yield advance
        self.done.append((description, total, done))
