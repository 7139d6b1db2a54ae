"""Tables of plain values, and how they are written for a pipe and for a terminal."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from sbrcli.cli.escapes import printable

_CLOCK_DECIMALS = 3
"""Decimals of seconds and rates in a pipe; clocks are not more precise."""


class Unit(Enum):
    """What a float measures; it determines the format on a terminal."""

    SHARE = auto()
    """0..1, shown as a percentage."""

    SECONDS = auto()
    RATE = auto()
    """A number per second."""

    MEAN = auto()
    """A mean of counts, such as events per session."""


@dataclass(frozen=True, slots=True)
class Table:
    """A title, column names, and rows of plain values (numbers stay numbers).

    A table of two columns whose second is named "value" holds pairs of a name and a value.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    whole: Collection[str] = ()
    """Columns of ids, times and similar values, whose cells are never wrapped."""

    units: Mapping[str, Unit] = field(default_factory=dict)
    """Units by column; in a table of pairs, by the name of the pair."""

    bold: Collection[int] = ()
    """The highlighted rows, counted from 0."""

    @property
    def holds_pairs(self) -> bool:
        """Whether each row is a name and its value."""
        return len(self.columns) == 2 and self.columns[1] == "value"

    def unit_of(self, row: Sequence[object], column: int) -> Unit | None:
        """Return the unit of a cell."""
        name = row[0] if self.holds_pairs and column == 1 else self.columns[column]
        return self.units.get(str(name))

    def holds_numbers(self, column: int) -> bool:
        """Return whether a column contains only numbers and gaps."""
        return all(is_number(row[column]) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Remark:
    """A title and paragraphs, shown on a terminal instead of a table."""

    title: str
    paragraphs: Sequence[str]
    mark: str = ""
    """The bullet before each paragraph; paragraphs without one are dimmed."""


def is_number(value: object) -> bool:
    """Return whether a cell contains a number or a gap."""
    return value is None or isinstance(value, (int, float))


def tsv_lines(table: Table) -> Iterator[str]:
    """Yield a table's header and rows as tab-separated values."""
    yield "\t".join(table.columns)
    for row in table.rows:
        yield "\t".join(_for_pipe(value, table.unit_of(row, i)) for i, value in enumerate(row))


def cells_for_person(table: Table) -> list[list[str]]:
    """Format all cells for a terminal; the floats of a column have the same number of decimals."""
    decimals = [_decimals(table, column) for column in range(len(table.columns))]
    return [
        [
            _for_person(value, table.unit_of(row, column), decimals[column])
            for column, value in enumerate(row)
        ]
        for row in table.rows
    ]


def for_person(value: object) -> str:
    """Format one value for a terminal: digits grouped, only significant decimals."""
    return _for_person(value, None, None)


def size_in_words(number: int) -> str:
    """Format a number of bytes in a suitable unit: 4.1 MB."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= of:
            return f"{number / of:.1f} {unit}"
    return f"{number} B"


def figure_in_short(figure: float) -> str:
    """Format a metric of 0 to 1 with four decimals and without the leading zero: .0452."""
    return f"{figure:.4f}".removeprefix("0")


def _decimals(table: Table, column: int) -> int | None:
    """Return the number of decimals for a column's floats; None if its cells are unrelated."""
    floats = [value for row in table.rows if isinstance(value := row[column], float)]
    if not floats or not table.holds_numbers(column):
        return None
    return 4 if any(abs(value) < 10 for value in floats) else 1


def _for_person(value: object, unit: Unit | None, decimals: int | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _float_for_person(value, unit, decimals)
    return printable(str(value))


def _float_for_person(value: float, unit: Unit | None, decimals: int | None) -> str:
    if unit is Unit.SHARE:
        return _share(value)
    if unit is not None:
        decimals = 0 if unit is Unit.RATE else 1
    elif decimals is None:
        decimals = 4 if abs(value) < 10 else 1
    return f"{value:,.{decimals}f}"


def _share(value: float) -> str:
    """Format a share as a percentage: 0.4532 is 45.3 %, and 0.000123 is 0.012 %, not 0.0 %."""
    tiny = 0 < abs(value) < 0.0005
    return f"{100 * value:.2g} %" if tiny else f"{100 * value:.1f} %"


def _for_pipe(value: object, unit: Unit | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and unit in (Unit.SECONDS, Unit.RATE):
        return str(round(value, _CLOCK_DECIMALS))
    return printable(str(value))
