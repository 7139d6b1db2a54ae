"""What a use case reports while it works: notes, warnings, progress and events.

A use case calls its `Reporter`; the caller of the use case decides what the reporter does. That of
the command line writes to stderr and draws bars, and `SILENT` drops everything.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with the number of units just done, and with figures to show by keyword."""

    def __call__(self, done: int, /, **figures: object) -> None:
        """Advance the progress."""


class Reporter(Protocol):
    """Takes what a use case reports while it works."""

    def note(self, text: str) -> None:
        """Take a fact that is worth knowing, such as how a log was read."""

    def warn(self, text: str) -> None:
        """Take a possible problem, which does not stop the work."""

    def progress(
        self, total: int | None, unit: str, description: str
    ) -> AbstractContextManager[Advance]:
        """Return a context whose value is called as units are done.

        Args:
            total: the number of units, or None if it is unknown.
            unit: what is counted, in the plural, as in "events".
            description: what is going on, as in "evaluate".
        """
        ...

    def event(self, event: object) -> None:
        """Take something that happened, such as the end of an epoch.

        Args:
            event: an object of a type that the module that reports it defines.
        """


class SilentReporter:
    """A reporter that drops everything; the base of reporters that keep only some of it."""

    def note(self, text: str) -> None:
        """Drop a note."""

    def warn(self, text: str) -> None:
        """Drop a warning."""

    @contextmanager
    def progress(self, total: int | None, unit: str, description: str) -> Iterator[Advance]:  # noqa: ARG002
        """Show no progress."""
        yield ignore_progress

    def event(self, event: object) -> None:
        """Drop an event."""


def ignore_progress(_done: int, /, **_figures: object) -> None:
    """Drop the progress of a task; the default of functions that take an `Advance`."""


SILENT = SilentReporter()
