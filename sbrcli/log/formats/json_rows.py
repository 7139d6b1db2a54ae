"""Check JSON object by object, to name the first bad one or to leave out all bad ones."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sbrcli.log.columns.ratings import is_no_rating
from sbrcli.log.events import EVENT, ITEM_ID, RATING, TIME_PARTS, TIMESTAMP, USER_ID
from sbrcli.log.files.text_encodings import recode_hint
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.nested import LIST, flatten_object
from sbrcli.log.formats.rows import (
    FIX_IT,
    ID_NAMES,
    CheckedRow,
    Complaint,
    field_complaint,
    is_undecoded,
    joined_complaint,
    lines_of,
)


def check_objects(path: Path, log_format: LogFormat) -> Iterator[CheckedRow]:
    """Check every line; see `rows.check_rows`."""
    with lines_of(path, log_format) as lines:
        for line, text in enumerate(lines, start=1):
            if text.strip(" \t\r\n"):
                yield CheckedRow(line, text.rstrip("\r\n") + "\n", _complaint(text, log_format))


def _complaint(text: str, log_format: LogFormat) -> Complaint | None:
    if is_undecoded(text):
        return "not UTF-8 text", recode_hint(text)
    found = load_object(text)
    if not isinstance(found, dict):
        return "it is not a JSON object, or one that names a key twice", FIX_IT
    columns = [column for column in log_format.columns if column is not None]
    paths = log_format.paths_of(columns)
    misplaced = next((wrong for c in columns if (wrong := _misplaced(found, paths[c]))), None)
    if misplaced is not None:
        return misplaced, FIX_IT
    try:
        events = list(flatten_object(dict.fromkeys(columns, found), paths))
    except ValueError as error:
        return str(error), FIX_IT
    checked = (_event_complaint(event, log_format) for event in events)
    return next((wrong for wrong in checked if wrong is not None), None)


def _misplaced(value: Any, path: tuple[str, ...]) -> str | None:
    """Return where something other than an object or list is found on the path to a value."""
    if value is None or not path:
        return None
    if path[0] == LIST:
        if not isinstance(value, list):
            return f"{_shortened(value)} stands where a list is in the first lines"
        return next((wrong for one in value if (wrong := _misplaced(one, path[1:]))), None)
    if not isinstance(value, dict):
        return f"{_shortened(value)} stands where an object is in the first lines"
    return _misplaced(value.get(path[0]), path[1:])


def _event_complaint(event: Mapping[str, Any], log_format: LogFormat) -> Complaint | None:
    if log_format.events and EVENT in event and as_text(event[EVENT]) not in log_format.events:
        return None
    checked = (_value_complaint(column, value, log_format) for column, value in event.items())
    wrong = next((wrong for wrong in checked if wrong is not None), None)
    if wrong is not None or len(log_format.time_columns) <= 1:
        return wrong
    fields = {column: as_text(value) for column, value in event.items()}
    return joined_complaint(fields, log_format)


def _value_complaint(column: str, value: Any, log_format: LogFormat) -> Complaint | None:
    if _may_be_missing(column, value, log_format):
        return None
    wrong = _type_complaint(column, value, is_text=column in log_format.text_columns)
    if wrong is not None:
        name = log_format.name_of(column) if column in TIME_PARTS else ID_NAMES.get(column, column)
        return f"the {name} {wrong}", FIX_IT
    if column == ITEM_ID and log_format.list_separator is not None:
        return None
    if column == TIMESTAMP and len(log_format.time_columns) > 1:
        return None
    return field_complaint(column, str(value), log_format.time_unit)


def _may_be_missing(column: str, value: Any, log_format: LogFormat) -> bool:
    """Return whether a value is missing and not required."""
    if column == RATING:
        return value is None or (isinstance(value, str) and is_no_rating(value))
    if column == USER_ID and not log_format.needs_users:
        return value in (None, "")
    return value is None and column == EVENT


def _type_complaint(column: str, value: Any, *, is_text: bool) -> str | None:
    """Return why a value does not have the column's type in the first lines."""
    if value is None:
        return "is missing"
    if isinstance(value, (dict, list, bool)):
        return f"is neither text nor a number: {_shortened(value)}"
    if isinstance(value, str) != is_text:
        kinds = ("a number, not text", "text, not a number")
        return f"{_shortened(value)} is {kinds[not is_text]} as in the first lines"
    if column in (*ID_NAMES, *TIME_PARTS) and not is_text and not _is_int64(value):
        return f"{_shortened(value)} is no whole number of 64 bits; write ids in quotes"
    if isinstance(value, str) and not _is_unicode(value):
        return "holds half a surrogate pair, which is no text"
    return None


def as_text(value: object) -> str:
    """Return a value as text, as in a table; an empty text for null."""
    return "" if value is None else str(value)


def load_object(line: str) -> Any:
    """Parse a line as a JSON object; None if it is not one."""
    try:
        return json.loads(line, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _is_int64(value: object) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _is_unicode(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _shortened(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
