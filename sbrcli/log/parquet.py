"""A log in Parquet: one file, or a folder of parts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sbrcli.bounds import require
from sbrcli.errors import DataError
from sbrcli.log.bad_rows import TYPES
from sbrcli.log.columns import check_columns, match_columns
from sbrcli.log.events import EVENT, RATING
from sbrcli.log.files import explained
from sbrcli.log.formats import LogFormat
from sbrcli.read_config import ReadConfig

_MOST_ROWS_PER_BYTE = 10
_ALWAYS_ALLOWED_ROWS = 10_000_000
_MOST_EXPANSION = 1000
_ALWAYS_ALLOWED_BYTES = 1 << 28


def list_parts(path: Path) -> Sequence[Path]:
    """Name the Parquet files of a folder, in the order of their names; a file is itself the one.

    Raises:
        DataError: the folder can not be read, or holds none.
    """
    if not path.is_dir():
        return [path]
    with explained(path):
        parts = sorted(
            part
            for part in path.rglob("*.parquet")
            if part.is_file() and not any(w[0] in "._" for w in part.relative_to(path).parts)
        )
    if not parts:
        raise DataError(
            f"{path} is a folder, not a file", hint="name the file in it that holds the events"
        )
    return parts


def recognise_parquet(path: Path, config: ReadConfig) -> LogFormat:
    """Recognise the columns of the first part.

    Raises:
        DataError: it is damaged, or a column is missing.
        ConfigError: an option is for text alone.
    """
    for option in ("sep", "header", "encoding"):
        asked = getattr(config, option)
        require(asked is None, f"{option} is for text, and {path} is Parquet", asked)
    parts = list_parts(path)
    with explained(parts[0]), _damage_told(parts[0]), _opened(parts[0]) as file:
        names = file.schema_arrow.names
    columns = match_columns(names, config.named_columns)
    check_columns(str(path), names, columns, config.named_columns)
    place = {position: column for column, position in columns.items()}
    name = "Parquet" if len(parts) == 1 else f"Parquet in {len(parts):,} parts"
    return LogFormat(
        name=name,
        kind="parquet",
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        time_unit=config.time_unit,
    )


def parse_parquet(
    path: Path, log_format: LogFormat, used: list[str], *, skips_gaps: bool
) -> tuple[pa.Table, int]:
    """Read some columns of all parts.

    Args:
        path: the file, or the folder of parts.
        log_format: what it was recognised as.
        used: columns of the event table.
        skips_gaps: leave rows out that lack one of them, ratings aside.

    Returns:
        The table, and how many rows were left out.

    Raises:
        DataError: a part is damaged or lacks a column, or a row lacks a value.
    """
    names = [log_format.place(column) for column in used]
    tables, left_out = [], 0
    for part in list_parts(path):
        table = _read_part(part, names).rename_columns(used)
        whole = _rows_without_gaps(part, table, used)
        if whole is not None and not skips_gaps:
            row = pc.index(whole, False).as_py()  # pyright: ignore
            raise DataError(
                f"{part} row {row + 1}: a value is missing among {', '.join(names)}",
                hint="mend the row, or leave such rows out with --skip-bad-rows",
            )
        if whole is not None:
            kept = table.filter(whole)
            left_out += table.num_rows - kept.num_rows
            table = kept
        tables.append(table)
    try:
        return _joined(tables), left_out
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: its parts have columns of different types: {str(error).splitlines()[0]}",
            hint="write all parts with the same types",
        ) from error


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Lay tables end to end, also where one writer has encoded its text and another has not."""
    if len({table.schema for table in tables}) > 1:
        tables = [_without_dictionaries(table) for table in tables]
    return pa.concat_tables(tables, promote_options="permissive")


def _without_dictionaries(table: pa.Table) -> pa.Table:
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))


def _read_part(path: Path, names: list[str]) -> pa.Table:
    with explained(path), _damage_told(path), _opened(path) as file:
        missing = [name for name in names if name not in file.schema_arrow.names]
        if missing:
            raise DataError(
                f"{path}: it lacks the column {missing[0]} that the first part has",
                hint="take the part out, or write it with the same columns",
            )
        _refuse_bomb(path, file.metadata)
        # Each group by itself: a footer's number of rows is not believed before they are there.
        table = pa.concat_tables(
            [file.read_row_group(group, columns=names) for group in range(file.num_row_groups)]
            or [file.schema_arrow.empty_table()]
        )
        if table.num_rows != file.metadata.num_rows:
            raise _damaged(
                path, f"{file.metadata.num_rows:,} rows promised, {table.num_rows:,} found"
            )
        table.validate(full=True)  # PyArrow reads text without looking whether it is UTF-8
        return table.select(names)


def _opened(path: Path) -> pq.ParquetFile:
    # Else a time of Spark's old type would be taken for nanoseconds: beyond 2262, for another year.
    return pq.ParquetFile(path, coerce_int96_timestamp_unit="us")


def _refuse_bomb(path: Path, metadata: pq.FileMetaData) -> None:
    """Refuse what claims to hold far more than its bytes can."""
    size = path.stat().st_size
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    claimed_bytes = sum(group.total_byte_size for group in groups)
    claimed_rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if claimed_rows > max(_ALWAYS_ALLOWED_ROWS, _MOST_ROWS_PER_BYTE * size):
        raise _damaged(path, f"it claims {claimed_rows:,} rows in {size:,} bytes")
    if claimed_bytes > max(_ALWAYS_ALLOWED_BYTES, _MOST_EXPANSION * size):
        raise _damaged(path, f"it claims {claimed_bytes:,} bytes in {size:,}")


def _rows_without_gaps(path: Path, table: pa.Table, used: list[str]) -> pa.ChunkedArray | None:
    """Tell which rows have all values; None where all rows have."""
    whole = None
    for column in used if table.num_rows else ():
        if column in (RATING, EVENT):
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
    return whole


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, ValueError, MemoryError, OverflowError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's, not PyArrow's
        said = (str(error) or "no memory").splitlines()[0]
        raise _damaged(path, said) from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: the Parquet file is damaged: {what}", hint="copy or download it again"
    )
