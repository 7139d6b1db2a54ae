"""Read a log of JSON lines: one object a line, whose keys are the columns."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import json as arrow_json

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.kind_column import add_kind_column
from sbrcli.log.columns.matching import (
    ROLE_NAMES,
    check_columns,
    listed,
    with_path_names,
    without_time,
)
from sbrcli.log.columns.time_columns import add_time_columns
from sbrcli.log.columns.times import ORDER, recognise_field
from sbrcli.log.events import EVENT, ITEM_ID, RATING, TIME_OF_DAY, TIME_PARTS, TIMESTAMP
from sbrcli.log.files.deferred_errors import errors_deferred
from sbrcli.log.files.opening import LONGEST_LINE_BYTES
from sbrcli.log.files.samples import Sample
from sbrcli.log.formats.json_documents import (
    DOCUMENT_NAMES,
    Document,
    first_values,
    opened_objects,
    recognise_document,
)
from sbrcli.log.formats.json_rows import as_text, load_object
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.nested import (
    Flattened,
    dotted,
    flatten,
    paths_of_objects,
    type_of_paths,
    values_at,
)
from sbrcli.log.formats.nested_names import match_paths
from sbrcli.log.formats.parsed import Parsed
from sbrcli.log.formats.rows import (
    WrongRowError,
)

_FIRST_OBJECTS = 20
_MORE_BYTES = 1 << 22
_MIN_ALIKE = 3
_NUMBERS = (TIME_OF_DAY, RATING)


def recognise_json(path: Path, sample: Sample, config: ReadConfig) -> LogFormat:
    """Detect the columns of JSON lines by the keys of the first objects, and which are text.

    Raises:
        DataError: the first line is not a JSON object, or a column is missing.
    """
    document, objects = _first_objects(path, sample, config)
    _refuse_columns(path, objects)
    paths, names, columns, wanted = _match(objects, sample, config)
    needed = {ITEM_ID} if config.no_time else {ITEM_ID, TIMESTAMP}
    if not needed <= columns.keys() or len(wanted.keys() - _roles(columns)):
        # The first events may have no item, such as views of a home page.
        objects = _more_objects(path, config, document) or objects
        paths, names, columns, wanted = _match(objects, sample, config)
    if config.no_time:
        columns = without_time(columns)
    rows = [[as_text(_first_at(found, way)) for way in paths] for found in objects]
    if not config.no_time and "time" not in wanted:
        columns = add_time_columns(names, columns, rows)
    columns = add_kind_column(names, columns, rows)
    check_columns(str(path), names, columns, wanted, needs_time=not config.no_time)
    place = {position: column for column, position in columns.items()}
    values = {
        column: [value for found in objects for value in values_at(found, paths[position])]
        for column, position in columns.items()
        if position < len(paths)
    }
    texts = {c for c, found in values.items() if any(isinstance(value, str) for value in found)}
    if EVENT in values and not any(isinstance(value, int) for value in values[EVENT]):
        texts.add(EVENT)
    unit = ORDER if config.no_time else config.unit_of_times
    if TIME_OF_DAY in columns:
        unit = "iso"
    elif unit == "auto" and TIMESTAMP in texts and TIME_PARTS[0] not in columns:
        times = [recognise_field(str(value)) for value in values[TIMESTAMP]]
        units = [found for found in times if found not in (None, "auto")]
        unit = units[0] if units else "auto"
    return LogFormat(
        name="JSON lines" if document is None else DOCUMENT_NAMES[document],
        kind="json",
        document=document,
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        paths=tuple(paths),
        text_columns=frozenset(texts),
        num_path_names=len(names) - len(paths),
        time_unit=unit,
    )


def _match(
    objects: list[dict[str, Any]], sample: Sample, config: ReadConfig
) -> tuple[list[tuple[str, ...]], list[str], dict[str, int], dict[str, str]]:
    """Return the paths of values, their names, the known columns among them, and those wanted."""
    paths = paths_of_objects(objects)
    names = with_path_names([dotted(way) for way in paths], sample.path_names)
    return paths, names, *match_paths(paths, names, config.named_columns)


def _roles(columns: Iterable[str]) -> set[str]:
    return {ROLE_NAMES[column] for column in columns if column in ROLE_NAMES}


def _more_objects(
    path: Path, config: ReadConfig, document: Document | None
) -> list[dict[str, Any]]:
    """Return the objects within the first megabytes of a file."""
    with opened_objects(path, config.encoding, document) as file:
        lines = file.read(_MORE_BYTES).decode("utf-8", errors="replace").splitlines()
    return [found for line in lines if isinstance(found := load_object(line), dict)]


def _first_objects(
    path: Path, sample: Sample, config: ReadConfig
) -> tuple[Document | None, list[dict[str, Any]]]:
    """Return the layout of the objects in the file, and the first of them."""
    if isinstance(load_object(sample.lines[0]), dict):
        return None, [
            found for line in sample.lines if isinstance(found := load_object(line), dict)
        ]
    document = recognise_document(sample.lines[0])
    if document is not None:
        values = first_values(path, config.encoding, document, _FIRST_OBJECTS)
        objects = [value for value in values if isinstance(value, dict) and value]
        if objects:
            return document, objects
    raise DataError(
        f"{path} line {sample.first_line}: it is not a JSON object",
        hint="write one object a line: an event, or a session with a list of its events",
    )


def _refuse_columns(path: Path, objects: list[dict[str, Any]]) -> None:
    """Raise DataError if the first object holds all events, by columns or by keys."""
    first = objects[0]
    frame = f"pandas.read_json('{path}').to_json('log.jsonl', orient='records', lines=True)"
    if {"columns", "data"} <= first.keys() and isinstance(first["data"], list):
        frame = frame.replace("')", "', orient='split')", 1)
        raise DataError(f"{path}: it holds a table of pandas, not events", hint=f"Python: {frame}")
    inner = [set(value) for value in first.values() if isinstance(value, dict) and value]
    if len(inner) < len(first) or len(first) < _MIN_ALIKE or any(i != inner[0] for i in inner):
        return
    are_rows = all(key.isdecimal() for key in inner[0])
    if not are_rows and len(inner[0]) < _MIN_ALIKE - 1:
        return
    if are_rows:
        raise DataError(
            f"{path}: it holds columns, not events, as pandas writes them", hint=f"Python: {frame}"
        )
    keys = listed(list(first)[:3])
    raise DataError(
        f"{path}: its events are the values of keys such as {keys}",
        hint=f"write one event a line: jq -c '.[]' {shlex.quote(str(path))} > log.jsonl",
    )


def parse_file(path: Path, log_format: LogFormat, _config: ReadConfig, used: list[str]) -> Parsed:
    """Parse some keys of a file of JSON; see `parse_json`."""
    flat = parse_json(path, log_format, used)
    return Parsed(flat.table, 0, flat.lists)


def parse_json(path: Path, log_format: LogFormat, used: list[str]) -> Flattened:
    """Parse some keys of a file of JSON lines.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a line is not JSON, or a value has another type than in the first lines.
    """
    paths = log_format.paths_of(used)
    schema = type_of_paths({way: _type_of(log_format, c) for c, way in paths.items()})
    try:
        with (
            opened_objects(path, log_format.encoding, log_format.document) as file,
            errors_deferred(file) as source,
        ):
            table = arrow_json.read_json(
                pa.PythonFile(source, mode="r"),
                arrow_json.ReadOptions(block_size=LONGEST_LINE_BYTES),
                arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        table.validate(full=True)  # the parser accepts bytes that are not UTF-8
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise WrongRowError(log_format, str(error)) from error
    if not table.column_names:
        return Flattened(pa.table({name: pa.array([], pa.string()) for name in used}))
    try:
        return flatten(table, paths)
    except ValueError as error:
        raise WrongRowError(log_format, str(error)) from error


def _type_of(log_format: LogFormat, column: str) -> pa.DataType:
    if column in log_format.text_columns:
        return pa.string()
    is_intact = column == TIMESTAMP and len(log_format.time_columns) > 1
    return pa.float64() if column in (TIMESTAMP, *_NUMBERS) and not is_intact else pa.int64()


def _first_at(found: Any, path: tuple[str, ...]) -> object:
    return next(values_at(found, path), None)
