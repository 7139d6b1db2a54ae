"""The first lines of a text, by which its format is detected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

SAMPLE_LINES = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """The first non-empty lines of a text, and their numbers, counted from 1."""

    numbers: Sequence[int]
    lines: Sequence[str]
    path_names: tuple[str, ...] = ()
    """Further columns, whose values the file's path holds."""

    @property
    def first_line(self) -> int:
        """The number of the first line."""
        return self.numbers[0]

    def below(self, count: int) -> "Sample":
        """Return the sample without its first lines."""
        return replace(self, numbers=self.numbers[count:], lines=self.lines[count:])

    def head(self) -> "Sample":
        """Return enough of its lines to detect a table."""
        return replace(self, numbers=self.numbers[:SAMPLE_LINES], lines=self.lines[:SAMPLE_LINES])
