"""Read and check the tables of a dataset's Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.errors import ArtefactError

if TYPE_CHECKING:
    import pyarrow as pa


def read_table(path: Path, required: list[str], optional: str = "") -> "pa.Table":
    """Read some columns of a file, or of a folder of parts.

    Required columns must not contain nulls.

    Raises:
        ArtefactError: the file is missing or damaged, or lacks a required column.
        MemoryError: an intact file does not fit into memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with damage_explained(path):
        tables = []
        for part in files_of(path):
            with pq.ParquetFile(part) as file:
                require_columns(part, file.schema_arrow, required)
                tables.append(file.read([*required, optional]))
        table = pa.concat_tables(tables)
        table.validate(full=True)  # PyArrow reads text without checking that it is UTF-8
    for name in required:
        if table[name].null_count:
            raise damaged_file(path, f"its column {name} has missing values")
    return table


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Raise what is caused by a damaged file, or a folder of parts, as the error that names it.

    Raises:
        ArtefactError: the file is missing, or the block could not read it.
        MemoryError: an intact file does not fit into memory.
    """
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise damaged_file(path, "it is missing") from error
    except MemoryError as error:  # Arrow's too; a damaged file can request any amount of memory
        misfit = find_checksum_mismatch(path)
        if misfit is None:
            raise
        raise damaged_file(path, misfit) from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise damaged_file(path, (str(error) or type(error).__name__).splitlines()[0]) from error


def require_columns(path: Path, schema: "pa.Schema", required: list[str]) -> None:
    """Check that a file has some columns.

    Raises:
        ArtefactError: it lacks one.
    """
    missing = set(required) - set(schema.names)
    if missing:
        raise damaged_file(path, f"it lacks the column {min(missing)}")


def files_of(path: Path) -> list[Path]:
    """Return a file, or the files of a folder of parts in their order.

    Raises:
        FileNotFoundError: there are none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise FileNotFoundError(path)
    return found


def require_numbers(path: Path, table: "pa.Table", integers: list[str], numbers: list[str]) -> None:
    """Check that some columns contain integers, and others integers or floats.

    Raises:
        ArtefactError: a column has another type.
    """
    import pyarrow as pa

    for name in [*integers, *numbers]:
        kind = table.schema.field(name).type
        if not pa.types.is_integer(kind) and (name in integers or not pa.types.is_floating(kind)):
            what = "integers" if name in integers else "numbers"
            raise damaged_file(path, f"its column {name} holds no {what}")


def require_text(path: Path, table: "pa.Table", names: list[str]) -> None:
    """Check that these columns, if present, contain strings.

    Raises:
        ArtefactError: a column has another type.
    """
    import pyarrow as pa

    for name in names:
        if name in table.column_names and not pa.types.is_string(table.schema.field(name).type):
            raise damaged_file(path, f"its column {name} holds no text")


def plain_ids(path: Path, table: "pa.Table", name: str) -> npt.NDArray[np.generic]:
    """Return integers that are equal exactly if the ids, integers or strings, are equal.

    Raises:
        ArtefactError: the column contains neither.
    """
    import pyarrow as pa

    column = table[name]
    if pa.types.is_nested(column.type) or pa.types.is_floating(column.type):
        raise damaged_file(path, f"its column {name} holds no ids")
    if not pa.types.is_integer(column.type):
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        column = pa.chunked_array([chunk.indices for chunk in encoded.unify_dictionaries().chunks])
    return to_numpy(column)


def to_numpy(column: "pa.ChunkedArray") -> npt.NDArray[np.generic]:
    """Return the numbers of a column; PyArrow's own conversion would load pandas."""
    return np.from_dlpack(column.combine_chunks())


def damaged_file(path: Path, what: str) -> ArtefactError:
    """Return the error that describes what is wrong with a file."""
    return ArtefactError(
        f"{path} is damaged: {what}",
        hint="make the dataset again: sbr preprocess LOG --overwrite",
    )
