"""A log in Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sbrcli.bounds import require
from sbrcli.errors import DataError
from sbrcli.log.bad_rows import TYPES
from sbrcli.log.columns import check_columns, match_columns, with_path_names
from sbrcli.log.deferred import require_memory
from sbrcli.log.events import EVENT, RATING
from sbrcli.log.files import explained
from sbrcli.log.formats import LogFormat
from sbrcli.log.time_columns import add_time_columns, may_hold_time
from sbrcli.read_config import ReadConfig

_FIRST_ROWS = 20
_MOST_ROWS_PER_BYTE = 10
_ALWAYS_ALLOWED_ROWS = 10_000_000
_MOST_EXPANSION = 1000
_ALWAYS_ALLOWED_BYTES = 1 << 28


def recognise_parquet(
    path: Path, config: ReadConfig, path_names: tuple[str, ...] = ()
) -> LogFormat:
    """Recognise the columns of a file, and behind them those that its path gives.

    Raises:
        DataError: it is damaged, or a column is missing.
        ConfigError: an option is for text alone.
    """
    for option in ("sep", "header", "encoding"):
        asked = getattr(config, option)
        require(asked is None, f"{option} is for text, and {path} is Parquet", asked)
    with explained(path), _damage_told(path), _opened(path) as file:
        own = file.schema_arrow.names
        names = with_path_names(own, path_names)
        columns = match_columns(names, config.named_columns)
        if "time" not in config.named_columns:
            columns = add_time_columns(names, columns, _first_rows(file, names))
    check_columns(str(path), names, columns, config.named_columns)
    place = {position: column for column, position in columns.items()}
    return LogFormat(
        name="Parquet",
        kind="parquet",
        names=tuple(names),
        columns=tuple(place.get(position) for position in range(len(names))),
        num_path_names=len(names) - len(own),
        time_unit=config.unit_of_times,
    )


def _first_rows(file: pq.ParquetFile, names: list[str]) -> list[list[str]]:
    """Return the first rows as texts, those columns alone that a time can lie in."""
    likely = [name for name in file.schema_arrow.names if may_hold_time(name)]
    batch = next(file.iter_batches(_FIRST_ROWS, columns=likely), None) if len(likely) > 1 else None
    if batch is None:
        return []
    rows = batch.to_pylist()
    return [["" if row.get(n) is None else str(row.get(n)) for n in names] for row in rows]


def parse_parquet(
    path: Path, log_format: LogFormat, used: list[str], *, skips_gaps: bool
) -> tuple[pa.Table, int]:
    """Read some columns.

    Args:
        path: the file.
        log_format: what it was recognised as.
        used: columns of the event table.
        skips_gaps: leave rows out that lack one of them, ratings aside.

    Returns:
        The table, and how many rows were left out.

    Raises:
        DataError: it is damaged, or a row lacks a value.
    """
    names = [log_format.place(column) for column in used]
    table = _read_columns(path, names).rename_columns(used)
    whole = _rows_without_gaps(path, table, used)
    if whole is None:
        return table, 0
    if not skips_gaps:
        row = pc.index(whole, False).as_py()  # pyright: ignore
        raise DataError(
            f"{path} row {row + 1}: a value is missing among {', '.join(names)}",
            hint="mend the row, or leave such rows out with --skip-bad-rows",
        )
    kept = table.filter(whole)
    return kept, table.num_rows - kept.num_rows


def _read_columns(path: Path, names: list[str]) -> pa.Table:
    with explained(path), _damage_told(path), _opened(path) as file:
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
        require_memory()  # where it raises, the file is not at fault
        said = (str(error) or "no memory").splitlines()[0]
        raise _damaged(path, said) from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: the Parquet file is damaged: {what}", hint="copy or download it again"
    )
