"""A log's file → a table of the columns that are used, whatever kind of file it is."""

from pathlib import Path

import pyarrow as pa

from sbrcli.log.delimited import parse_text
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.files import EmptyLogError
from sbrcli.log.formats import LogFormat
from sbrcli.log.lists import OpenedLists, open_lists
from sbrcli.log.rows import WrongRowError
from sbrcli.read_config import ReadConfig


def open_cells(
    path: Path, table: pa.Table, log_format: LogFormat
) -> tuple[pa.Table, OpenedLists | None]:
    """Make an event of each item of a list, where `--list-sep` says that cells are lists.

    Raises:
        EmptyLogError: all lists are empty.
        WrongRowError: a list holds objects, or has another length than the one beside it.
    """
    if log_format.list_separator is None:
        return table, None
    try:
        table, lists = open_lists(table, log_format.list_separator)
    except ValueError as error:
        raise WrongRowError(log_format, str(error)) from error
    if not table.num_rows:
        raise EmptyLogError(
            f"{path}: each of its lists is empty", hint="a list has one item or more"
        )
    return table, lists


def parse_table(
    path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]
) -> tuple[pa.Table, int]:
    """Parse the columns that are used, and count the rows that Parquet lacks values in.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a row cannot be parsed.
    """
    in_path = {column: value for column, _, value in log_format.path_columns}
    in_file = [column for column in used if column not in in_path]
    table, gaps = _parse_file(path, log_format, config, in_file)
    for column in in_path.keys() & set(used):
        text = pa.scalar(in_path[column], pa.string())
        repeated = pa.repeat(text, table.num_rows)
        is_time = column == TIMESTAMP
        table = table.append_column(column, repeated if is_time else repeated.dictionary_encode())
    return table, gaps


def _parse_file(
    path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]
) -> tuple[pa.Table, int]:
    if log_format.kind == "json":
        from sbrcli.log.json_lines import parse_json

        return parse_json(path, log_format, used), 0
    if log_format.kind == "parquet":
        from sbrcli.log.parquet import parse_parquet

        return parse_parquet(path, log_format, used, skips_gaps=config.skip_bad_rows)
    return parse_text(path, log_format, used), 0
