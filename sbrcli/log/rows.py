"""Read a log row by row to name the first wrong row by its line: slow, and only after the fast
reader has failed.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files import opened
from sbrcli.log.formats import RECODE, LogFormat
from sbrcli.log.times import PER_SECOND, UNIT_NAMES, is_in_calendar, is_number

_ID_NAMES = {USER_ID: "user id", SESSION_ID: "session id", ITEM_ID: "item id"}


def find_wrong_row(path: Path, log_format: LogFormat) -> DataError | None:
    """Find the first row of a log that can not be an event, and say why; None if all can.

    Raises:
        DataError: the file itself is damaged.
    """
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            for line, fields in _numbered_rows(text, log_format):
                wrong = _complaint(fields, log_format)
                if wrong is not None:
                    return DataError(f"{path} line {line}: {wrong[0]}", hint=wrong[1])
        finally:
            text.detach()  # it would close the file with it
    return None


def _numbered_rows(text: TextIO, log_format: LogFormat) -> Iterator[tuple[int, list[str] | None]]:
    """Give the rows below the header with the line on which each begins; empty lines are none.

    A row is None where a field has no end.
    """
    if log_format.is_quoted:
        rows = _quoted_rows(text, log_format.separator)
    else:
        rows = (
            (line, row.rstrip("\r\n").split(log_format.separator))
            for line, row in enumerate(text, start=1)
        )
    for line, fields in rows:
        if line > log_format.skipped_lines and fields not in ([], [""]):
            yield line, fields


def _quoted_rows(text: TextIO, separator: str) -> Iterator[tuple[int, list[str] | None]]:
    reader = csv.reader(text, delimiter=separator)
    begins = 1
    try:
        for fields in reader:
            yield begins, fields
            begins = reader.line_num + 1
    except csv.Error:
        yield begins, None


def _complaint(fields: list[str] | None, log_format: LogFormat) -> tuple[str, str] | None:
    """Say what is wrong with a row, and what to do about it."""
    if fields is None:
        return "a quote is opened and not closed", "double the quotes within a field"
    if any(not field.isascii() and _is_undecoded(field) for field in fields):
        return "not UTF-8 text", RECODE
    if len(fields) != len(log_format.columns):
        return (
            f"{len(log_format.columns)} fields expected, {len(fields)} found",
            f"mend the line, or take it out; the log was read as {log_format.name}",
        )
    for column, field in zip(log_format.columns, fields, strict=True):
        wrong = _field_complaint(column, field, log_format.time_unit)
        if wrong is not None:
            return wrong
    return None


def _field_complaint(column: str | None, field: str, unit: str) -> tuple[str, str] | None:
    if column in _ID_NAMES and not field:
        return f"the {_ID_NAMES[column]} is empty", "give it an id, or take the line out"
    if column == RATING and field and not is_number(field):
        return f"rating '{field}' is not a number", "mend the line, or take it out"
    if column == TIMESTAMP and not is_number(field):
        return f"timestamp '{field}' is not a number", "convert the column to Unix seconds"
    if column == TIMESTAMP and not is_in_calendar(float(field) / PER_SECOND[unit]):
        return (
            f"timestamp '{field}' lies outside the years 1 to 9999, in {UNIT_NAMES[unit]}",
            "give all times in one unit, such as Unix seconds",
        )
    return None


def _is_undecoded(field: str) -> bool:
    """Tell whether bytes were kept that are not UTF-8."""
    return any("\udc80" <= character <= "\udcff" for character in field)
