"""Name the first bad row of a log, or leave out and count all of them."""

import itertools
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.events import EVENT
from sbrcli.log.files.blocks import refused_blocks
from sbrcli.log.files.opening import explained
from sbrcli.log.files.spool import renamed
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.rows import FIX_IT, NO_ITEM, CheckedRow, WrongRowError, check_rows
from sbrcli.log.formats.separators import split_fields

_FIRST_ROWS = 10_000

TYPES = "ids are text or whole numbers, times are timestamps or numbers since 1970"
"""Hint on the types of columns in Parquet."""


@dataclass(frozen=True, slots=True)
class BadRows:
    """The number of bad rows left out, and what is wrong with the first one."""

    count: int
    first: str

    def after(self, earlier: "BadRows | None") -> "BadRows":
        """Return the sum with the rows that were left out before."""
        return self if earlier is None else BadRows(earlier.count + self.count, earlier.first)


def name_wrong_row(
    path: Path,
    wrong: WrongRowError,
    accepts: Callable[[Path, LogFormat], bool] = lambda _path, _format: False,
) -> DataError:
    """Return the error for the first bad row with its line, or else with the complaint of the fast
    reader.

    Args:
        path: the log's file.
        wrong: the complaint of the fast reader.
        accepts: returns whether the fast reader accepts a text, which is not checked then.

    Raises:
        DataError: the file itself is damaged.
    """
    log_format = wrong.log_format
    if not log_format.has_lines:
        return DataError(f"{path}: {wrong}", hint=TYPES)
    for block, block_format, num_lines in refused_blocks(path, log_format, accepts):
        with renamed(block, path):
            row = _first_wrong(_check(block, block_format))
        if row is not None:
            line = row.line + num_lines
            is_first = line == log_format.skipped_lines + 1
            return _wrong_row(path, replace(row, line=line), log_format, is_first)
    checked = _check(path, log_format)
    row = _first_wrong(checked)
    if row is not None:
        return _wrong_row(path, row, log_format, row.line == log_format.skipped_lines + 1)
    said = str(wrong).splitlines()[0]
    return DataError(
        f"{path}: it cannot be read: {said}",
        hint="correct what that says, or write the log in another format, as Parquet",
    )


def _first_wrong(rows: Iterator[CheckedRow]) -> CheckedRow | None:
    return next((row for row in rows if row.complaint is not None), None)


def _wrong_row(path: Path, row: CheckedRow, log_format: LogFormat, is_first: bool) -> DataError:
    assert row.complaint is not None
    message, hint = row.complaint
    if message == NO_ITEM and log_format.kind == "text" and EVENT in log_format.columns:
        kind = _kind_with_items(path, log_format)
        if kind is not None:
            hint = f"where events of some kinds have no item, --event {kind} reads others; {hint}"
    if is_first and _names_columns(row.text, log_format):
        hint = f"if line {row.line} names the columns, add --header; else {FIX_IT}"
    return DataError(f"{path} {log_format.row_word} {row.line}: {message}", hint=hint)


def _kind_with_items(path: Path, log_format: LogFormat) -> str | None:
    """Return the most frequent type among the first valid events; None if none is valid."""
    kinds: Counter[str] = Counter()
    at = log_format.position(EVENT)
    for row in itertools.islice(_check(path, log_format), _FIRST_ROWS):
        if row.complaint is None and row.fields[at].strip():
            kinds[row.fields[at]] += 1
    return shlex.quote(kinds.most_common(1)[0][0]) if kinds else None


def _names_columns(row: str, log_format: LogFormat) -> bool:
    """Return whether the first row of a text without header may be a header: no field has a
    digit.
    """
    if log_format.kind != "text" or log_format.has_header:
        return False
    fields = split_fields(row.rstrip("\n"), log_format.separator, is_quoted=False)
    return len(fields) == len(log_format.columns) and not any(
        any(map(str.isdigit, field)) for field in fields
    )


def write_good_rows(path: Path, log_format: LogFormat, copy: Path) -> tuple[LogFormat, BadRows]:
    """Copy the good rows of a log as plain text without header.

    Returns:
        The format of the copy, and the rows left out.

    Raises:
        DataError: the file is damaged, or all of its rows are bad.
    """
    kept = count = 0
    first = ""
    with explained(copy), copy.open("w", encoding="utf-8", newline="") as file:
        for row in _check(path, log_format):
            if row.complaint is None:
                file.write(row.text)
                kept += 1
            else:
                first = first or f"{log_format.row_word} {row.line}: {row.complaint[0]}"
                count += 1
    if not kept:
        raise DataError(
            f"{path}: none of {count:,} rows can be an event; the first is wrong on {first}",
            hint="see whether --columns, --sep and --time-unit say what the log has",
        )
    plain = replace(
        log_format,
        skipped_lines=0,
        num_lines_above=0,
        document=None,
        compression=None,
        encoding=None,
        has_open_quotes=False,
    )
    return plain, BadRows(count, first)


def _check(path: Path, log_format: LogFormat) -> Iterator[CheckedRow]:
    if log_format.kind == "json":
        from sbrcli.log.formats.json_rows import check_objects

        return check_objects(path, log_format)
    return check_rows(path, log_format)
