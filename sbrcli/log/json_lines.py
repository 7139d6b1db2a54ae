"""A log of JSON lines: one object a line, its keys being the columns."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import json as arrow_json

from sbrcli.errors import DataError
from sbrcli.log.columns import check_columns, with_path_names
from sbrcli.log.deferred import errors_deferred
from sbrcli.log.events import EVENT, ITEM_ID, RATING, TIME_OF_DAY, TIME_PARTS, TIMESTAMP
from sbrcli.log.files import LONGEST_LINE_BYTES, opened
from sbrcli.log.formats import RECODE, LogFormat
from sbrcli.log.nested import (
    LIST,
    Flattened,
    dotted,
    lay_flat,
    lay_object_flat,
    paths_of_objects,
    type_of_paths,
    values_at,
)
from sbrcli.log.nested_names import match_paths
from sbrcli.log.rows import (
    ID_NAMES,
    MEND,
    Complaint,
    JudgedRow,
    WrongRowError,
    field_complaint,
    is_undecoded,
    joined_complaint,
    lines_of,
)
from sbrcli.log.samples import Sample
from sbrcli.log.time_columns import add_time_columns
from sbrcli.log.times import recognise_field
from sbrcli.read_config import ReadConfig

_NUMBERS = (TIME_OF_DAY, RATING)


def recognise_json(path: Path, sample: Sample, config: ReadConfig) -> LogFormat:
    """Recognise JSON lines by the keys of the first objects, and whether ids and times are text.

    Raises:
        DataError: the first line is no JSON object, or a column is missing.
    """
    objects = [found for line in sample.lines if isinstance(found := _load(line), dict)]
    if not isinstance(_load(sample.lines[0]), dict):
        raise DataError(
            f"{path} line {sample.first_line}: it is not a JSON object",
            hint="write one object a line, as in: jq -c '.[]' OLD > NEW",
        )
    paths = paths_of_objects(objects)
    names = with_path_names([dotted(way) for way in paths], sample.path_names)
    columns, wanted = match_paths(paths, names, config.named_columns)
    if "time" not in wanted:
        rows = [[_as_text(_first_at(found, way)) for way in paths] for found in objects]
        columns = add_time_columns(names, columns, rows)
    check_columns(str(path), names, columns, wanted)
    place = {position: column for column, position in columns.items()}
    values = {
        column: [value for found in objects for value in values_at(found, paths[position])]
        for column, position in columns.items()
        if position < len(paths)
    }
    texts = {c for c, found in values.items() if any(isinstance(value, str) for value in found)}
    if EVENT in values and not any(isinstance(value, int) for value in values[EVENT]):
        texts.add(EVENT)
    unit = config.unit_of_times
    if TIME_OF_DAY in columns:
        unit = "iso"
    elif unit == "auto" and TIMESTAMP in texts and TIME_PARTS[0] not in columns:
        times = [recognise_field(str(value)) for value in values[TIMESTAMP]]
        units = [found for found in times if found not in (None, "auto")]
        unit = units[0] if units else "auto"
    return LogFormat(
        name="JSON lines",
        kind="json",
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        paths=tuple(paths),
        text_columns=frozenset(texts),
        num_path_names=len(names) - len(paths),
        time_unit=unit,
    )


def parse_json(path: Path, log_format: LogFormat, used: list[str]) -> Flattened:
    """Parse some keys of a file of JSON lines.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a line is no JSON, or a value is of another type than in the first lines.
    """
    paths = log_format.paths_of(used)
    schema = type_of_paths({way: _type_of(log_format, c) for c, way in paths.items()})
    try:
        with opened(path, log_format.encoding) as file, errors_deferred(file) as source:
            table = arrow_json.read_json(
                pa.PythonFile(source, mode="r"),
                arrow_json.ReadOptions(block_size=LONGEST_LINE_BYTES),
                arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        table.validate(full=True)  # the parser lets bytes pass that are not UTF-8
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise WrongRowError(log_format, str(error)) from error
    if not table.column_names:
        return Flattened(pa.table({name: pa.array([], pa.string()) for name in used}))
    try:
        return lay_flat(table, paths)
    except ValueError as error:
        raise WrongRowError(log_format, str(error)) from error


def judge_objects(path: Path, log_format: LogFormat) -> Iterator[JudgedRow]:
    """Judge every line; see `rows.judge_rows`."""
    with lines_of(path, log_format) as lines:
        for line, text in enumerate(lines, start=1):
            if text.strip(" \t\r\n"):
                yield JudgedRow(line, text.rstrip("\r\n") + "\n", _complaint(text, log_format))


def _type_of(log_format: LogFormat, column: str) -> pa.DataType:
    if column in log_format.text_columns:
        return pa.string()
    is_whole = column == TIMESTAMP and len(log_format.time_columns) > 1
    return pa.float64() if column in (TIMESTAMP, *_NUMBERS) and not is_whole else pa.int64()


def _complaint(text: str, log_format: LogFormat) -> Complaint | None:
    if is_undecoded(text):
        return "not UTF-8 text", RECODE
    found = _load(text)
    if not isinstance(found, dict):
        return "it is not a JSON object, or one that names a key twice", MEND
    columns = [column for column in log_format.columns if column is not None]
    paths = log_format.paths_of(columns)
    misplaced = next((wrong for c in columns if (wrong := _misplaced(found, paths[c]))), None)
    if misplaced is not None:
        return misplaced, MEND
    try:
        events = list(lay_object_flat(dict.fromkeys(columns, found), paths))
    except ValueError as error:
        return str(error), MEND
    judged = (_event_complaint(event, log_format) for event in events)
    return next((wrong for wrong in judged if wrong is not None), None)


def _misplaced(value: Any, path: tuple[str, ...]) -> str | None:
    """Say where, on the way to a value, something else stands than the object or list there."""
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
    judged = (_value_complaint(column, value, log_format) for column, value in event.items())
    wrong = next((wrong for wrong in judged if wrong is not None), None)
    if wrong is not None or len(log_format.time_columns) <= 1:
        return wrong
    fields = {column: _as_text(value) for column, value in event.items()}
    return joined_complaint(fields, log_format)


def _value_complaint(column: str, value: Any, log_format: LogFormat) -> Complaint | None:
    if value is None and column in (RATING, EVENT):
        return None
    wrong = _type_complaint(column, value, is_text=column in log_format.text_columns)
    if wrong is not None:
        name = log_format.place(column) if column in TIME_PARTS else ID_NAMES.get(column, column)
        return f"the {name} {wrong}", MEND
    if column == ITEM_ID and log_format.list_separator is not None:
        return None
    if column == TIMESTAMP and len(log_format.time_columns) > 1:
        return None
    return field_complaint(column, str(value), log_format.time_unit)


def _type_complaint(column: str, value: Any, *, is_text: bool) -> str | None:
    """Say why a value is not of the type that the column has in the first lines."""
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


def _first_at(found: Any, path: tuple[str, ...]) -> object:
    return next(values_at(found, path), None)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _load(line: str) -> Any:
    """Read a line of JSON; None where it is none."""
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
