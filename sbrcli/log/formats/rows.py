"""Check a log row by row, to name the first bad row with its line or to leave out all bad rows.
This is slow, and only done after the fast reader has failed.
"""

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sbrcli.config.reading import SPACES
from sbrcli.log.columns.dates import find_shape, is_format, unclear_zone
from sbrcli.log.columns.epochs import DIGITS
from sbrcli.log.columns.lists import list_complaint, split_times
from sbrcli.log.columns.ratings import is_no_rating
from sbrcli.log.columns.time_columns import is_time_of_day, join_fields
from sbrcli.log.columns.time_hints import FIX_IT, time_hint
from sbrcli.log.columns.times import (
    field_seconds,
    is_in_calendar,
    is_number,
    is_short_span,
    is_words,
    unit_name,
)
from sbrcli.log.events import EVENT, ITEM_ID, RATING, SESSION_ID, TIME_OF_DAY, TIMESTAMP, USER_ID
from sbrcli.log.files.opening import LONGEST_LINE_BYTES, too_long
from sbrcli.log.files.text_encodings import recode_hint
from sbrcli.log.formats.json_documents import opened_objects
from sbrcli.log.formats.log_format import LogFormat, describe_layout
from sbrcli.log.formats.quoting import quoted_rows
from sbrcli.log.formats.separators import may_quote, split_fields

ID_NAMES = {USER_ID: "user id", SESSION_ID: "session id", ITEM_ID: "item id"}
NO_ITEM = f"the {ID_NAMES[ITEM_ID]} is empty"
NO_RATING = FIX_IT + "; or rename the column, as a log needs no ratings"

OPEN_QUOTE = (
    "a quote is opened and not closed",
    f"say --quote none where nothing is quoted; else double the quotes within a field; {FIX_IT}",
)
ESCAPED_QUOTE = (
    "a quote is opened and not closed",
    r"say --escape '\' where a backslash stands before a quote within a field",
)
ONE_UNIT = (
    "give all times in one unit, and say which with --time-unit; or leave such rows out with "
    "--skip-bad-rows"
)

ONE_ZONE = (
    "write the offset instead, as in +0900; or give a --time-format that holds the letters of the "
    "zone, which reads the times as UTC"
)

DATE_TOO = "name the column of the date, too, as in --columns time=date+time"

_NO_DATE = "is not a date, as the others are"

Complaint = tuple[str, str]
"""What is wrong with a row, and the hint."""


class WrongRowError(Exception):
    """The fast reader found a bad row and does not know which.

    Args:
        log_format: the log's, with the unit of its times if it is known.
        complaint: of the fast reader.
    """

    def __init__(self, log_format: LogFormat, complaint: str) -> None:
        super().__init__(complaint)
        self.log_format = log_format


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row, its first line number, the complaint about it, if any, and its fields.

    JSON has no fields.
    """

    line: int
    text: str
    complaint: Complaint | None
    fields: Sequence[str] = ()


def check_rows(path: Path, log_format: LogFormat) -> Iterator[CheckedRow]:
    """Yield every row of a delimited text, with the complaint about it, if any.

    Raises:
        DataError: the file is damaged, or a line is too long.
    """
    first = log_format.skipped_lines + 1
    with lines_of(path, log_format) as every_line:
        # The header is one line, whatever quotes it contains.
        lines = itertools.islice(every_line, log_format.skipped_lines, None)
        rows = (
            _quoted_rows(lines, first, log_format)
            if log_format.is_quoted or log_format.escape is not None
            else _bare_rows(lines, first, log_format.separator)
        )
        columns = [(at, column) for at, column in enumerate(log_format.columns) if column]
        for line, text, fields in rows:
            # Skip empty lines.
            if text != "\n":
                wrong = _complaint(fields, text, log_format, columns) if fields else _open(text)
                yield CheckedRow(line, text, wrong, fields or ())


def _open(text: str) -> Complaint:
    return ESCAPED_QUOTE if r"\"" in text else OPEN_QUOTE


@contextmanager
def lines_of(path: Path, log_format: LogFormat) -> Iterator[Iterator[str]]:
    """Open a text to read it line by line, with invalid UTF-8 as surrogates.

    Raises:
        DataError: the file is damaged, or a line is too long (while lines are read).
    """
    with opened_objects(path, log_format.encoding, log_format.document) as file:
        source = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
        text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield _bounded_lines(path, text)
        finally:
            text.detach()  # it would close the file with it


def _bounded_lines(path: Path, text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE_BYTES):
        number += 1
        if len(line) == LONGEST_LINE_BYTES and not line.endswith(("\n", "\r")):
            raise too_long(path, number)
        yield line


def field_complaint(column: str, field: str, unit: str) -> Complaint | None:
    """Return the complaint about one field of a row, if any."""
    if column in ID_NAMES:
        return None if field else (f"the {ID_NAMES[column]} is empty", FIX_IT)
    if column == RATING and not is_no_rating(field) and not is_number(field):
        return f"rating '{field}' is not a number", NO_RATING
    if column == TIME_OF_DAY and not (is_number(field) and is_short_span(float(field))):
        return (
            f"the milliseconds '{field}' are no number from 0 to 31622400000 (a year)",
            FIX_IT,
        )
    if column == TIMESTAMP:
        return _time_complaint(field, unit)
    return None


def _time_complaint(field: str, unit: str) -> Complaint | None:
    if unit in ("auto", "dates"):
        is_time = is_number(field) if unit == "auto" else find_shape(field) is not None
        seconds = 0.0 if is_time else None
    else:
        seconds = field_seconds(field, unit)
    if seconds is not None and is_in_calendar(seconds):
        return None
    if seconds is not None:
        in_unit = "" if is_words(unit) else f", in {unit_name(unit)}"
        return f"timestamp '{field}' lies outside the years 1970 to 9999{in_unit}", ONE_UNIT
    zone = None if is_format(unit) or is_number(field) else unclear_zone(field)
    if zone is not None:
        return f"timestamp '{field}': the time zone {zone} may mean several", ONE_ZONE
    if unit in DIGITS and is_number(field):
        return f"timestamp '{field}' is not a date, in {unit_name(unit)}", ONE_UNIT
    if is_words(unit):
        does_not = f"does not have the format {unit}" if is_format(unit) else _NO_DATE
        return f"timestamp '{field}' {does_not}", FIX_IT
    return _no_number(field)


def _no_number(field: str) -> Complaint:
    if is_time_of_day(field):
        return f"timestamp '{field}' is a time of day without a date", DATE_TOO
    return f"timestamp '{field}' is not a number", time_hint(field)


def _bare_rows(
    lines: Iterator[str], first: int, separator: str
) -> Iterator[tuple[int, str, list[str]]]:
    for line, text in enumerate(lines, start=first):
        row = text.rstrip("\r\n")
        row = row.strip(" \t") if separator == SPACES else row
        yield line, row + "\n", split_fields(row, separator, is_quoted=False)


def _quoted_rows(
    lines: Iterator[str], first: int, log_format: LogFormat
) -> Iterator[tuple[int, str, list[str] | None]]:
    line = first
    for num_lines, text, fields in quoted_rows(lines, log_format):
        yield line, text + "\n", fields
        line += num_lines


def _complaint(
    fields: list[str], text: str, log_format: LogFormat, columns: list[tuple[int, str]]
) -> Complaint | None:
    if not text.isascii() and is_undecoded(text):
        return f"not {log_format.encoding or 'UTF-8'} text", recode_hint(text)
    separator = log_format.separator
    if separator != SPACES and not may_quote(separator) and _is_unclear(text, separator):
        wrong = f"a field begins or ends with a part of the separator {separator}, or holds \\x1f"
        return wrong, FIX_IT
    if len(fields) != len(log_format.columns):
        return (
            f"{len(log_format.columns)} fields expected, {len(fields)} found",
            f"{FIX_IT}; the log was read as {describe_layout(log_format)}",
        )
    if log_format.names and tuple(fields) == log_format.names:
        return "the header again", "take the line out, or leave such rows out with --skip-bad-rows"
    return _values_complaint({column: fields[at] for at, column in columns}, log_format)


def _values_complaint(by_column: dict[str, str], log_format: LogFormat) -> Complaint | None:
    if log_format.events and by_column.get(EVENT, log_format.events[0]) not in log_format.events:
        return None
    if not log_format.needs_users and by_column.get(USER_ID) == "":
        del by_column[USER_ID]
    if len(log_format.time_columns) > 1:
        wrong = joined_complaint(by_column, log_format)
        if wrong is not None:
            return wrong
        by_column.pop(TIMESTAMP, None)
    if log_format.list_separator is not None:
        return lists_complaint(by_column, log_format)
    checked = (field_complaint(c, field, log_format.time_unit) for c, field in by_column.items())
    return next((wrong for wrong in checked if wrong is not None), None)


def lists_complaint(fields: Mapping[str, str], log_format: LogFormat) -> Complaint | None:
    """Return the complaint about a row whose items, and possibly times, are lists.

    Args:
        fields: by their columns of the event table.
        log_format: the log's, with its list separator.
    """
    separator = log_format.list_separator or ""
    unlike = list_complaint(fields[ITEM_ID], fields.get(TIMESTAMP, ""), separator)
    if unlike is not None:
        return unlike, FIX_IT
    for column, field in fields.items():
        parts = split_times(field, separator) if column == TIMESTAMP else (field,)
        for part in parts if column != ITEM_ID else ():
            wrong = field_complaint(column, part, log_format.time_unit)
            if wrong is not None:
                return wrong
    return None


def joined_complaint(fields: Mapping[str, str], log_format: LogFormat) -> Complaint | None:
    """Return the complaint about a time that is spread over several columns, if any.

    Args:
        fields: values by column of the event table, without those of the path.
        log_format: the log's; times are checked once their kinds are known.
    """
    columns = [column for column in log_format.time_columns if column in fields]
    empty = next((column for column in columns if not fields[column].strip()), None)
    if empty is not None:
        return f"{log_format.name_of(empty)}, a part of the timestamp, is empty", FIX_IT
    is_known = log_format.time_kinds or is_format(log_format.time_unit)
    if not is_known or len(columns) < len(log_format.time_columns):
        return None
    joined = join_fields([fields[column] for column in columns], log_format.time_kinds)
    unit = "dates" if log_format.time_unit == "auto" else log_format.time_unit
    return _time_complaint(joined, unit)


def _is_unclear(row: str, separator: str) -> bool:
    """Return whether a row can be split in several ways, or differently from the fast reader."""
    if separator + separator[0] not in row and "\x1f" not in row:
        return False
    width = len(separator)
    runs = re.findall(re.escape(separator[0]) + f"{{{width},}}", row)
    is_one_letter = len(set(separator)) == 1
    return "\x1f" in row or (is_one_letter and any(len(run) % width for run in runs))


def is_undecoded(text: str) -> bool:
    """Return whether a text contains invalid UTF-8."""
    return any("\udc80" <= character <= "\udcff" for character in text)
