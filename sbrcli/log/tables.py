"""Read the used columns of a log's file into a table, whatever its format."""

from pathlib import Path

import pyarrow as pa

from sbrcli.config.reading import ReadConfig
from sbrcli.log.columns.lists import open_lists
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.files.opening import EmptyLogError
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.parsed import Parsed
from sbrcli.log.formats.registry import parse_file
from sbrcli.log.formats.rows import WrongRowError


def parse_table(path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]) -> Parsed:
    """Parse the used columns, and open lists.

    Raises:
        DataError: the file is damaged, or holds no event.
        WrongRowError: a row cannot be parsed.
    """
    in_path = {column: value for column, _, value in log_format.path_columns}
    in_file = [column for column in used if column not in in_path]
    parsed = parse_file(path, log_format, config, in_file)
    table, lists = parsed.table, parsed.lists
    if not table.num_rows and lists is None:
        has_header = log_format.has_header
        raise EmptyLogError(
            f"{path}: no event below the header" if has_header else f"{path}: it holds no event",
            hint="a log has one event a line below it"
            if has_header
            else "a log has one event a row: who, what and when",
        )
    for column in in_path.keys() & set(used):
        text = pa.scalar(in_path[column], pa.string())
        repeated = pa.repeat(text, table.num_rows)
        is_time = column == TIMESTAMP
        table = table.append_column(column, repeated if is_time else repeated.dictionary_encode())
    if log_format.list_separator is not None:
        try:
            table, cells = open_lists(table, log_format.list_separator)
        except ValueError as error:
            raise WrongRowError(log_format, str(error)) from error
        lists = cells or lists
    if not table.num_rows:
        raise EmptyLogError(
            f"{path}: each of its lists is empty", hint="a list has one item or more"
        )
    return Parsed(table, parsed.gaps, lists)
