"""Recognise a log by its first lines: separator, header, and where each column lies.

What is known of formats is data: `_COLUMN_NAMES` for files with a header, `_HEADERLESS` for the
rest. A new format is a new line in one of them.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files import opened, recognise_compression
from sbrcli.log.times import is_number

SAMPLE_BYTES = 1 << 16
_SAMPLE_LINES = 20

RECODE = "write it in UTF-8, as with: iconv -f latin1 -t utf-8 OLD > NEW"
"""What to do about a file in another encoding."""

_COLUMN_NAMES = {
    USER_ID: ("userid", "user"),
    SESSION_ID: ("sessionid", "session"),
    ITEM_ID: ("itemid", "movieid", "item", "movie"),
    RATING: ("rating",),
    TIMESTAMP: ("timestamp", "time"),
}
"""The names that a header may give to each column of the event table, the best first."""

_HEADER_SEPARATORS = (",", "\t", ";", "|", "::")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """What a file of events looks like.

    Args:
        name: how a person calls it.
        separator: what stands between two fields, one character or more.
        skipped_lines: lines above the first row: the header, and empty lines before it.
        is_quoted: a field in double quotes may hold the separator, quotes and line ends.
        columns: for each field of a row, its column of the event table, or None if unused.
        compression: "gzip", or None.
        time_unit: of the log's times: "s", "ms", "us" or "ns".
    """

    name: str
    separator: str
    skipped_lines: int = 0
    is_quoted: bool
    columns: tuple[str | None, ...]
    compression: str | None = None
    time_unit: str = "s"

    @property
    def has_header(self) -> bool:
        """Whether the columns are named by the file itself."""
        return self.skipped_lines > 0

    def position(self, column: str) -> int:
        """Say which field of a row holds a column of the event table, counted from 0."""
        return self.columns.index(column)


_MOVIELENS = (USER_ID, ITEM_ID, RATING, TIMESTAMP)
_HEADERLESS = (
    LogFormat(
        name="MovieLens 1M (user::item::rating::timestamp)",
        separator="::",
        is_quoted=False,
        columns=_MOVIELENS,
    ),
    LogFormat(
        name="MovieLens 100k (user, item, rating, timestamp between tabs)",
        separator="\t",
        is_quoted=False,
        columns=_MOVIELENS,
    ),
)


def recognise_format(path: Path) -> LogFormat:
    """Recognise a log by its first lines; the unit of its times is left at seconds.

    Raises:
        DataError: the file can not be read, is empty, holds no text, or is of no known layout.
    """
    first_line, lines = _sample_lines(path)
    # A row of ids like "user" and "item" must not pass for a header.
    log_format = (
        _from_rows(lines[:1]) or _from_header(path, lines[0], first_line) or _from_rows(lines)
    )
    if log_format is None:
        raise _unknown(path, lines[0], first_line)
    return replace(log_format, compression=recognise_compression(path))


def split_fields(line: str, separator: str, is_quoted: bool) -> list[str]:
    """Split one line into its fields."""
    if is_quoted:
        return next(csv.reader([line], delimiter=separator), [])
    return line.split(separator)


def normalised(name: str) -> str:
    """Write a column's name without case, spaces and underscores."""
    return re.sub(r"[\s_]", "", name).casefold()


def listed(fields: Sequence[str]) -> str:
    """Name fields in one line of a message, the first twenty of them, each cut at 40 letters."""
    shown = [field if len(field) <= 40 else f"{field[:37]}..." for field in fields[:20]]
    more = f", and {len(fields) - 20} more" if len(fields) > 20 else ""
    return ", ".join(shown) + more


def _sample_lines(path: Path) -> tuple[int, list[str]]:
    """Give the first lines of a file that are not empty, at least one, and the first's number."""
    with opened(path) as file:
        sample = file.read(SAMPLE_BYTES)
    if b"\0" in sample:
        raise DataError(
            f"{path}: binary data, not text", hint="sbr reads UTF-8 text, plain or gzipped"
        )
    # A character cut by the sample's end is no error here; a wrong one is found by its line later.
    text = sample.decode("utf-8-sig", errors="replace")
    every = re.split(r"\r\n|\n|\r", text)
    lines = [line for line in every if line]
    if not lines:
        raise DataError(
            f"{path}: the file is empty", hint="a log has one event a line: who, what and when"
        )
    # Where the sample ends within a line, that line may be cut.
    whole = max(1, len(lines) - (len(sample) == SAMPLE_BYTES))
    return every.index(lines[0]) + 1, lines[: min(_SAMPLE_LINES, whole)]


def _from_header(path: Path, line: str, line_number: int) -> LogFormat | None:
    """Recognise the header whose names say the most; None where no name is known."""
    readings = {s: split_fields(line, s, is_quoted=s != "::") for s in _HEADER_SEPARATORS}
    found = {s: _match_columns(fields) for s, fields in readings.items()}
    separator = max(found, key=lambda s: len(found[s]))
    columns, names = found[separator], readings[separator]
    if not columns:
        return None
    _check_header(f"{path} line {line_number}", names, columns)
    place = {position: column for column, position in columns.items()}
    return LogFormat(
        name=f"columns {listed(names)}",
        separator=separator,
        skipped_lines=line_number,
        is_quoted=separator != "::",
        columns=tuple(place.get(position) for position in range(len(names))),
    )


def _match_columns(names: Sequence[str]) -> dict[str, int]:
    """Find each known column's place among a header's names."""
    plain = [normalised(name) for name in names]
    return {
        column: next(plain.index(alias) for alias in aliases if alias in plain)
        for column, aliases in _COLUMN_NAMES.items()
        if any(alias in plain for alias in aliases)
    }


def _check_header(where: str, names: Sequence[str], columns: dict[str, int]) -> None:
    lacks = [] if {USER_ID, SESSION_ID} & set(columns) else ["user or session"]
    lacks += [what for what, c in (("item", ITEM_ID), ("time", TIMESTAMP)) if c not in columns]
    if lacks:
        raise DataError(
            f"{where}: no column for the {' and the '.join(lacks)}; found {listed(names)}",
            hint="name the columns userId or sessionId, itemId, and timestamp",
        )
    counts = Counter(normalised(name) for name in names)
    for position in columns.values():
        if counts[normalised(names[position])] > 1:
            raise DataError(
                f"{where}: two columns are named {names[position]}; found {listed(names)}",
                hint="rename all but one of them",
            )


def _from_rows(lines: Sequence[str]) -> LogFormat | None:
    """Recognise a file without header: one of its first rows must be as the layout says.

    One is enough, so that a wrong first row is reported as such.
    """
    return next((f for f in _HEADERLESS if any(_fits(f, line) for line in lines)), None)


def _fits(log_format: LogFormat, line: str) -> bool:
    fields = split_fields(line, log_format.separator, log_format.is_quoted)
    if len(fields) != len(log_format.columns):
        return False
    # Four fields between tabs may be anything; between double colons they are MovieLens'.
    return len(log_format.separator) > 1 or all(
        is_number(fields[log_format.position(column)]) for column in (RATING, TIMESTAMP)
    )


def _unknown(path: Path, line: str, line_number: int) -> DataError:
    if "\ufffd" in line:
        return DataError(f"{path} line {line_number}: not UTF-8 text", hint=RECODE)
    # Split where most fields come of it.
    fields = max((split_fields(line, s, s != "::") for s in _HEADER_SEPARATORS), key=len)
    return DataError(
        f"{path}: not a layout that sbr knows; its first line has {listed(fields)}",
        hint="begin the file with a line that names its columns, as in userId,itemId,timestamp",
    )
