"""The detected format of a log."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sbrcli.config.reading import SPACES
from sbrcli.log.columns.matching import ROLE_NAMES
from sbrcli.log.columns.times import ORDER, unit_name
from sbrcli.log.events import RATING, SESSION_ID, TIME_OF_DAY, TIME_PARTS, TIMESTAMP

_SEPARATOR_NAMES = {
    **{",": "comma", "\t": "tab", ";": "semicolon", " ": "space"},
    **{SPACES: "runs of spaces"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """The format of a file of events.

    Args:
        name: as messages call it.
        kind: "text" if delimited, "json", or another one of `registry.FILE_KINDS`.
        names: of the columns in the log; without a header, their numbers from 1.
        columns: for each name, its column in the event table, or None if unused.
        paths: for JSON and Parquet, the path to the values of each name (see `nested`).
        separator: between two fields of a row of text, one character or more.
        skipped_lines: number of lines above the first row, including the header.
        num_lines_above: how many of these are above the header, or above the first row.
        is_quoted: a field in quotes may hold the separator, quotes and line ends.
        quote: the character that quotes a field if `is_quoted`.
        escape: the character that escapes the next one; None if there is none.
        num_spanning: number of rows with a quoted field that spans lines.
        has_open_quotes: whether a quoted field is not closed, so that its row is bad.
        document: layout of JSON objects in the file (see `json_documents`); None for one a line.
        compression: "gzip", "bzip2", "xz", "zstd" or "zip", or None.
        encoding: of the text; None is UTF-8.
        text_columns: for JSON, the columns of the event table whose values are text.
        path_columns: columns of the event table whose value the file's path holds, each with its
            key and the value for all rows.
        list_separator: between the items of one cell; None if each cell is one item.
        num_path_names: how many of the last names are keys of the path; 0 after detection.
        time_unit: a unit of numbers as for `--time-unit`, "iso" or another shape of written dates
            (see `dates`), or a format as for `--time-format`; "auto" and "dates" if the times
            themselves show it.
        doubts: sentences on what was assumed without certainty.
        events: the selected types of events; other rows may lack everything else.
        row_groups: of a piece of a Parquet file, the row groups that it has; None for all.
        time_kinds: what each column of a time in several columns holds (see `time_columns`); empty
            until that is known.
    """

    name: str
    kind: str = "text"
    names: tuple[str, ...] = ()
    columns: tuple[str | None, ...]
    paths: tuple[tuple[str, ...], ...] = ()
    separator: str = ""
    skipped_lines: int = 0
    num_lines_above: int = 0
    is_quoted: bool = False
    quote: str = '"'
    escape: str | None = None
    document: Literal["array", "values", "python"] | None = None
    compression: str | None = None
    encoding: str | None = None
    num_spanning: int = 0
    has_open_quotes: bool = False
    text_columns: frozenset[str] = frozenset()
    time_unit: str = "auto"
    path_columns: tuple[tuple[str, str, str | None], ...] = ()
    num_path_names: int = 0
    doubts: tuple[str, ...] = ()
    list_separator: str | None = None
    time_kinds: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    row_groups: tuple[int, ...] | None = None

    @property
    def has_header(self) -> bool:
        """Whether the first line of a text names the columns."""
        return self.skipped_lines > self.num_lines_above

    @property
    def has_lines(self) -> bool:
        """Whether it is text, whose bad rows can be checked one by one."""
        return self.kind in ("text", "json")

    @property
    def row_word(self) -> str:
        """The word for a row in messages."""
        return "object" if self.document in ("array", "values") else "line"

    def position(self, column: str) -> int:
        """Return the index of the field that holds a column of the event table."""
        return self.columns.index(column)

    def paths_of(self, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the paths to the values of some columns of the event table."""
        return {column: self.paths[self.position(column)] for column in columns}

    def has(self, column: str) -> bool:
        """Return whether the log has a column of the event table, in its file or in its path."""
        return column in self.columns or any(column == c for c, _, _ in self.path_columns)

    @property
    def needs_users(self) -> bool:
        """Whether a row must have a user, which it need not if it has a session."""
        return not self.has(SESSION_ID)

    @property
    def time_columns(self) -> tuple[str, ...]:
        """The columns of the event table that hold the time, most often one."""
        return tuple(c for c in (TIMESTAMP, *TIME_PARTS) if self.has(c))

    @property
    def known_columns(self) -> tuple[str, ...]:
        """The columns of the event table that the log has, in its file and in its path."""
        return (*(c for c in self.columns if c), *(c for c, _, _ in self.path_columns))

    def name_of(self, column: str) -> str:
        """Return the log's name for a column of the event table; without a header, its number."""
        in_path = next((key for c, key, _ in self.path_columns if c == column), None)
        if in_path is not None:
            return in_path
        position = self.position(column)
        return self.names[position] if self.names else str(position + 1)


def ordered(log_format: LogFormat) -> LogFormat:
    """Return the format of a log whose events are read in the order of the file, without times."""
    times = (TIMESTAMP, *TIME_PARTS, TIME_OF_DAY)
    columns = tuple(None if column in times else column for column in log_format.columns)
    return replace(log_format, columns=columns, time_unit=ORDER)


def describe_layout(log_format: LogFormat) -> str:
    """Return a description of the layout: `MovieLens 1M ("::" separated, no header)`."""
    traits = []
    if log_format.kind == "text":
        separator = log_format.separator
        shown = separator if separator.isprintable() else ascii(separator)[1:-1]
        traits.append(_SEPARATOR_NAMES.get(separator, f'"{shown}"') + " separated")
        on_line = f" on line {log_format.skipped_lines}" if log_format.num_lines_above else ""
        traits.append(f"header{on_line}" if log_format.has_header else "no header")
    traits += [text for text in (log_format.encoding, log_format.compression) if text]
    return log_format.name + (f" ({', '.join(traits)})" if traits else "")


def describe_format(log_format: LogFormat) -> str:
    """Return a description of the layout and its columns in one line.

    For example `MovieLens 1M ("::" separated, no header): user=1, item=2, time=4 in seconds`, with
    columns as in `--columns`.
    """
    columns = [c for c in ROLE_NAMES if log_format.has(c) and c not in (RATING, TIME_OF_DAY)]
    words = [_describe_column(log_format, column) for column in columns]
    words += ["in the order of the file, without a time"] if log_format.time_unit == ORDER else []
    return f"{describe_layout(log_format)}: {', '.join(words)}"


def _describe_column(log_format: LogFormat, column: str) -> str:
    columns = log_format.time_columns if column == TIMESTAMP else (column,)
    words = f"{ROLE_NAMES[column]}={'+'.join(map(log_format.name_of, columns))}"
    if column == TIMESTAMP and TIME_OF_DAY in log_format.columns:
        return f"{words} plus {log_format.name_of(TIME_OF_DAY)} in milliseconds"
    is_typed = not log_format.has_lines and log_format.time_unit == "iso" and len(columns) == 1
    if column != TIMESTAMP or is_typed:
        return words
    return f"{words} in {unit_name(log_format.time_unit)}"
