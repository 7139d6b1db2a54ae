"""Iterate over the positions that a baseline scores, in blocks."""

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
    """Return the rows of a sparse matrix, (rows, num_items), without duplicate entries."""
    # Single precision also makes scores equal that differ only by the rounding of their sums.
    return SparseRows(common, matrix.indptr, matrix.indices, matrix.data.astype(np.float32))
