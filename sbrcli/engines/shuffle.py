"""Group the rows of many tables by part, through Arrow files that all workers can read.

Each table becomes a file with one record batch for each part. A part is then read from all files,
in their order. Nothing is compressed, so that reading a part maps only its own bytes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from sbrcli.arrays import IntArray
from sbrcli.engines.temporary_files import replacing


def write_by_part(path: Path, table: pa.Table, part_of_row: IntArray, num_parts: int) -> None:
    """Write a table's rows part by part; the rows of a part keep their order.

    The file appears whole, and a second attempt replaces it.

    Args:
        path: of the file.
        table: without nested columns.
        part_of_row: (rows,) from 0 to num_parts - 1.
        num_parts: how many record batches the file has.
    """
    small = part_of_row.astype(np.uint16)  # sorted by radix
    rows = table.take(pa.array(np.argsort(small, kind="stable"))).combine_chunks()
    whole = rows.to_batches()[0] if rows.num_rows else _empty(table.schema)
    ends = np.cumsum(np.bincount(small, minlength=num_parts))
    with replacing(path) as temporary, pa.ipc.new_file(str(temporary), table.schema) as writer:
        begin = 0
        for end in ends.tolist():
            writer.write_batch(whole.slice(begin, end - begin))
            begin = end


def read_part(paths: Sequence[Path], number: int) -> list[pa.RecordBatch]:
    """Return the rows of a part, one record batch of each file."""
    found = []
    for path in paths:
        with pa.memory_map(str(path)) as source:
            found.append(pa.ipc.open_file(source).get_batch(number))
    return found


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table into an Arrow file of one record batch, which appears whole."""
    rows = table.combine_chunks()
    with replacing(path) as temporary, pa.ipc.new_file(str(temporary), table.schema) as writer:
        writer.write_batch(rows.to_batches()[0] if rows.num_rows else _empty(table.schema))


def read_table(path: Path) -> pa.RecordBatch:
    """Map an Arrow file that `write_table` has written."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).get_batch(0)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
