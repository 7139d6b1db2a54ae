"""Read a log in Parquet or another file of typed columns."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.config.checks import require
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.matching import check_columns, with_path_names, without_time
from sbrcli.log.columns.time_columns import add_time_columns, may_hold_time
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import EVENT, RATING, USER_ID
from sbrcli.log.files.typed_files import (
    count_rows_by_group,
    name_typed_file,
    read_columns,
    read_first_rows,
    read_schema,
)
from sbrcli.log.formats.bad_rows import TYPES
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.nested import dotted, flatten, paths_of_schema
from sbrcli.log.formats.nested_names import match_paths
from sbrcli.log.formats.parsed import Parsed
from sbrcli.log.formats.rows import WrongRowError


def recognise_file(path: Path, config: ReadConfig, path_names: tuple[str, ...] = ()) -> LogFormat:
    """Detect the columns of a file, followed by those whose values its path holds.

    Args:
        path: the file.
        config: how the user wants it read.
        path_names: columns whose values its path holds.

    Raises:
        DataError: it is damaged, or a column is missing.
        ConfigError: an option is for text alone.
    """
    name = name_typed_file(path) or "Parquet"
    for option in ("sep", "quote", "escape", "header", "encoding"):
        asked = getattr(config, option)
        require(asked is None, f"{option} is for text, and {path} is {name}", asked)
    paths = paths_of_schema(read_schema(path, name))
    names = with_path_names([dotted(way) for way in paths], path_names)
    columns, wanted = match_paths(paths, names, config.named_columns)
    if config.no_time:
        columns = without_time(columns)
    elif "time" not in wanted:
        likely = [way[0] for way in paths if len(way) == 1 and may_hold_time(way[0])]
        rows = read_first_rows(path, name, likely) if len(likely) > 1 else []
        texts = [[_as_text(row.get(one)) for one in names] for row in rows]
        columns = add_time_columns(names, columns, texts)
    check_columns(str(path), names, columns, wanted, needs_time=not config.no_time)
    place = {position: column for column, position in columns.items()}
    return LogFormat(
        name=name,
        kind="parquet",
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        paths=tuple(paths),
        num_path_names=len(names) - len(paths),
        time_unit=ORDER if config.no_time else config.unit_of_times,
    )


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def parse_file(path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]) -> Parsed:
    """Read some columns.

    Args:
        path: the file.
        log_format: its detected format.
        config: with `skip_bad_rows`, events that lack a value other than the rating are left out.
        used: columns of the event table.

    Raises:
        DataError: it is damaged, or a row lacks a value.
        WrongRowError: two lists of a row have different lengths.
    """
    paths = log_format.paths_of(used)
    top = list(dict.fromkeys(way[0] for way in paths.values()))
    groups = log_format.row_groups
    table = read_columns(path, name_typed_file(path) or log_format.name, top, groups)
    try:
        flat = flatten(table, paths)
    except ValueError as error:
        raise WrongRowError(log_format, str(error)) from error
    whole = _rows_without_gaps(path, flat.table, used, log_format)
    if whole is None:
        return Parsed(flat.table, 0, flat.lists)
    if not config.skip_bad_rows:
        at = pc.index(whole, False).as_py()  # pyright: ignore
        row = at if flat.rows is None else int(flat.rows[at])
        row += sum(count_rows_by_group(path)[: groups[0]]) if groups else 0
        names = ", ".join(log_format.name_of(column) for column in used)
        raise DataError(
            f"{path} row {row + 1}: a value is missing among {names}",
            hint="correct the row, or leave such rows out with --skip-bad-rows",
        )
    kept = flat.table.filter(whole)
    return Parsed(kept, flat.table.num_rows - kept.num_rows, flat.lists)


def _rows_without_gaps(
    path: Path, table: pa.Table, used: list[str], log_format: LogFormat
) -> pa.ChunkedArray | None:
    """Return which rows have all values; None if all rows do."""
    whole = None
    for column in used if table.num_rows else ():
        if column in (RATING, EVENT) or (column == USER_ID and not log_format.needs_users):
            continue
        kind = table[column].type
        if pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
            raise DataError(
                f"{path}: the {column.replace('_', ' ')} column is of type {kind}",
                hint=TYPES,
            )
        if table[column].null_count:
            is_there = table[column].is_valid()
            whole = is_there if whole is None else pc.and_(whole, is_there)  # pyright: ignore
    if whole is not None and log_format.events and EVENT in used:
        kinds, wanted = table[EVENT].cast(pa.string()), pa.array(log_format.events)
        is_other = pc.invert(pc.is_in(kinds, wanted))  # pyright: ignore
        whole = pc.or_(whole, is_other)  # pyright: ignore
        return None if pc.all(whole).as_py() else whole  # pyright: ignore
    return whole
