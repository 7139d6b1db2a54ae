"""A log of JSON lines: one object a line, its keys being the columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import json as arrow_json

from sbrcli.errors import DataError
from sbrcli.log.columns import check_columns, match_columns, with_path_names
from sbrcli.log.deferred import errors_deferred
from sbrcli.log.events import EVENT, ITEM_ID, RATING, TIME_OF_DAY, TIME_PARTS, TIMESTAMP
from sbrcli.log.files import LONGEST_LINE_BYTES, opened
from sbrcli.log.formats import RECODE, LogFormat
from sbrcli.log.layouts import Sample
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
    names = list(dict.fromkeys(name for found in objects for name in found))
    width, names = len(names), with_path_names(names, sample.path_names)
    columns = match_columns(names, config.named_columns)
    if "time" not in config.named_columns:
        rows = [[_as_text(found.get(name)) for name in names] for found in objects]
        columns = add_time_columns(names, columns, rows)
    check_columns(str(path), names, columns, config.named_columns)
    place = {position: column for column, position in columns.items()}
    texts = {
        column
        for column, position in columns.items()
        if any(isinstance(found.get(names[position]), str) for found in objects)
    }
    unit = config.unit_of_times
    if TIME_OF_DAY in columns:
        unit = "iso"
    elif unit == "auto" and TIMESTAMP in texts and TIME_PARTS[0] not in columns:
        times = [str(found.get(names[columns[TIMESTAMP]])) for found in objects]
        units = [found for text in times if (found := recognise_field(text)) not in (None, "auto")]
        unit = units[0] if units else "auto"
    return LogFormat(
        name="JSON lines",
        kind="json",
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        text_columns=frozenset(texts),
        num_path_names=len(names) - width,
        time_unit=unit,
    )


def parse_json(path: Path, log_format: LogFormat, used: list[str]) -> pa.Table:
    """Parse some keys of a file of JSON lines.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a line is no JSON, or a value is of another type than in the first lines.
    """
    schema = pa.schema([(log_format.place(c), _type_of(log_format, c)) for c in used])
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
        return pa.table({name: pa.array([], pa.string()) for name in used})
    return table.select([log_format.place(column) for column in used]).rename_columns(used)


def judge_objects(path: Path, log_format: LogFormat) -> Iterator[JudgedRow]:
    """Judge every line; see `rows.judge_rows`."""
    with lines_of(path, log_format) as lines:
        for line, text in enumerate(lines, start=1):
            if text.strip(" \t\r\n"):
                yield JudgedRow(line, text.rstrip("\r\n") + "\n", _complaint(text, log_format))


def _type_of(log_format: LogFormat, column: str) -> pa.DataType:
    if column in log_format.text_columns or column == EVENT:
        return pa.string()
    is_whole = column == TIMESTAMP and len(log_format.time_columns) > 1
    return pa.float64() if column in (TIMESTAMP, *_NUMBERS) and not is_whole else pa.int64()


def _complaint(text: str, log_format: LogFormat) -> Complaint | None:
    if is_undecoded(text):
        return "not UTF-8 text", RECODE
    found = _load(text)
    if not isinstance(found, dict):
        return "it is not a JSON object, or one that names a key twice", MEND
    for name, column in zip(log_format.names, log_format.columns, strict=True):
        if column is not None:
            wrong = _value_complaint(column, found.get(name), log_format)
            if wrong is not None:
                return wrong
    if len(log_format.time_columns) > 1:
        pairs = zip(log_format.names, log_format.columns, strict=True)
        fields = {column: _as_text(found.get(name)) for name, column in pairs if column}
        return joined_complaint(fields, log_format)
    return None


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
    if isinstance(value, str) != is_text and column != EVENT:
        kinds = ("a number, not text", "text, not a number")
        return f"{_shortened(value)} is {kinds[not is_text]} as in the first lines"
    if column in (*ID_NAMES, *TIME_PARTS) and not is_text and not _is_int64(value):
        return f"{_shortened(value)} is no whole number of 64 bits; write ids in quotes"
    if isinstance(value, str) and not _is_unicode(value):
        return "holds half a surrogate pair, which is no text"
    return None


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
