"""The positions that a baseline scores, block by block."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.sparse_rows import CommonScores, SparseRows, block_rows
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]


def blocks_of_positions(sessions: Sessions, num_items: int) -> Iterator[IntArray]:
    """Yield the positions that precede a target, ascending, in blocks."""
    positions, rows = np.flatnonzero(sessions.target_mask[1:]), block_rows(num_items)
    for begin in range(0, len(positions), rows):
        yield positions[begin : begin + rows]


def rows_of_matrix(matrix: sparse.csr_array, common: CommonScores) -> SparseRows:
    """Take rows of a sparse matrix, (rows, num_items), that holds each item of a row once."""
    # Single precision also makes one of scores that differ by the rounding of their sums.
    return SparseRows(common, matrix.indptr, matrix.indices, matrix.data.astype(np.float32))
