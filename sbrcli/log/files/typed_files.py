"""Open files of typed columns: Parquet, Feather and Arrow, ORC."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sbrcli.errors import DataError
from sbrcli.log.files.deferred_errors import require_memory
from sbrcli.log.files.opening import explained

_MAGIC = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"ORC": "ORC",
    b"\xff\xff\xff\xff": "Arrow stream",
}
MAGIC_BYTES = 8

_FIRST_ROWS = 20
_MAX_ROWS_PER_BYTE = 10
_ALWAYS_ALLOWED_ROWS = 10_000_000
_MAX_EXPANSION = 1000
_ALWAYS_ALLOWED_BYTES = 1 << 28


def name_typed(first_bytes: bytes) -> str | None:
    """Return the type of a file of typed columns by its first bytes; None if it is none."""
    found = next((name for magic, name in _MAGIC.items() if first_bytes.startswith(magic)), None)
    # UTF-16 may begin with ff fe, and text in an unknown encoding with anything; the first message
    # of a stream is neither empty nor longer than 2 GiB.
    if found == "Arrow stream" and not 0 < int.from_bytes(first_bytes[4:8], "little") < 1 << 31:
        return None
    return found


def name_typed_file(path: Path) -> str | None:
    """Return the type of a file of typed columns; None if it is none.

    Raises:
        DataError: it cannot be opened.
    """
    with explained(path), path.open("rb") as file:
        return name_typed(file.read(MAGIC_BYTES))


def read_schema(path: Path, name: str) -> pa.Schema:
    """Return the columns of a file of typed columns.

    Raises:
        DataError: it is damaged.
    """
    with explained(path), _damage_told(path, name):
        if name == "Parquet":
            with _opened(path) as file:
                return file.schema_arrow
        if name == "ORC":
            return _orc_file(path).schema
        return _read_arrow(path, name, with_rows=False).schema


def read_first_rows(path: Path, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the first rows of a file of typed columns, of some columns; see `read_columns`."""
    if name != "Parquet":
        return read_columns(path, name, columns).slice(0, _FIRST_ROWS).to_pylist()
    with explained(path), _damage_told(path, name), _opened(path) as file:
        batch = next(file.iter_batches(_FIRST_ROWS, columns=list(columns)), None)
        return [] if batch is None else batch.to_pylist()


def count_rows_by_group(path: Path) -> list[int]:
    """Return the number of rows of each row group of a Parquet file.

    Raises:
        DataError: it is damaged.
    """
    with explained(path), _damage_told(path, "Parquet"), _opened(path) as file:
        _refuse_bomb(path, file.metadata)
        return [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]


def read_columns(
    path: Path, name: str, columns: Sequence[str], groups: Sequence[int] | None = None
) -> pa.Table:
    """Read some columns of a file of typed columns.

    Args:
        path: the file.
        name: its type, as `name_typed` returns it.
        columns: distinct names at the top level.
        groups: of Parquet, the row groups to read; None reads all.

    Raises:
        DataError: it is damaged.
    """
    with explained(path), _damage_told(path, name):
        if name == "Parquet":
            table = _read_parquet(path, columns, groups)
        elif name == "ORC":
            table = _orc_file(path).read(columns=list(columns))
        else:
            table = _read_arrow(path, name, with_rows=True)
        table.validate(full=True)  # PyArrow does not check that text is UTF-8
        return table.select(columns)


def _read_parquet(path: Path, columns: Sequence[str], groups: Sequence[int] | None) -> pa.Table:
    with _opened(path) as file:
        _refuse_bomb(path, file.metadata)
        # Read each group separately: the number of rows in a footer is not trusted.
        table = pa.concat_tables(
            [
                file.read_row_group(at, columns=list(columns))
                for at in (range(file.num_row_groups) if groups is None else groups)
            ]
            or [file.schema_arrow.empty_table()]
        )
        promised = file.metadata.num_rows
        if groups is not None:
            promised = sum(file.metadata.row_group(at).num_rows for at in groups)
        if table.num_rows != promised:
            raise damaged(path, "Parquet", f"{promised:,} rows promised, {table.num_rows:,} found")
        return table


def _opened(path: Path) -> pq.ParquetFile:
    # Else Spark's old type of times would be read as nanoseconds, which is wrong after 2262.
    return pq.ParquetFile(path, coerce_int96_timestamp_unit="us")


def _orc_file(path: Path) -> Any:
    from pyarrow import orc

    return orc.ORCFile(path)


def _read_arrow(path: Path, name: str, *, with_rows: bool) -> pa.Table:
    """Read an Arrow file, or its schema alone."""
    with pa.memory_map(str(path)) as source:
        if name == "Arrow":
            reader = pa.ipc.open_file(source)
            return reader.read_all() if with_rows else reader.schema.empty_table()
        with pa.ipc.open_stream(source) as stream:
            return stream.read_all() if with_rows else stream.schema.empty_table()


def _refuse_bomb(path: Path, metadata: pq.FileMetaData) -> None:
    """Raise DataError if a file claims to hold far more than its bytes can."""
    size = path.stat().st_size
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    claimed_bytes = sum(group.total_byte_size for group in groups)
    claimed_rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if claimed_rows > max(_ALWAYS_ALLOWED_ROWS, _MAX_ROWS_PER_BYTE * size):
        raise damaged(path, "Parquet", f"it claims {claimed_rows:,} rows in {size:,} bytes")
    if claimed_bytes > max(_ALWAYS_ALLOWED_BYTES, _MAX_EXPANSION * size):
        raise damaged(path, "Parquet", f"it claims {claimed_bytes:,} bytes in {size:,}")


@contextmanager
def _damage_told(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, ValueError, MemoryError, OverflowError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the error of the system, not PyArrow's
        require_memory()  # if it raises, the file is not at fault
        said = (str(error) or "no memory").splitlines()[0]
        raise damaged(path, name, said) from error


def damaged(path: Path, name: str, what: str) -> DataError:
    """Return the error that a file is damaged."""
    return DataError(
        f"{path}: the {name} file is damaged: {what}", hint="copy or download it again"
    )
