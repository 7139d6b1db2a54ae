"""Sparse rows of scores, written out in blocks of a bounded size."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.dataset.storage import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

# A block holds at most so many scores, 4 MB, whatever the number of events; but at least one row.
_BLOCK_SCORES = 2**20
_BLOCK_ROWS = 512


def block_rows(num_items: int) -> int:
    """Say how many rows of scores a block holds at most."""
    return min(_BLOCK_ROWS, max(1, _BLOCK_SCORES // max(1, num_items)))


def scored_positions(sessions: Sessions) -> IntArray:
    """Give every position that has a next one in its session, ascending."""
    has_next = np.ones(len(sessions.items), np.bool_)
    ends = sessions.offsets[1:]
    has_next[ends[ends > sessions.offsets[:-1]] - 1] = False
    return np.flatnonzero(has_next)


def write_blocks(
    products: Iterable[tuple[IntArray, sparse.csr_array]], num_items: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Write sparse scores out, as `Scorer.score_sessions` yields them.

    Args:
        products: positions, and as many sparse rows of scores, `block_rows` at most.
        num_items: columns.
    """
    buffer = np.empty((block_rows(num_items), num_items), np.float32)
    for positions, scores in products:
        block = buffer[: len(positions)]
        # Single precision also makes one of scores that differ by the rounding of their sums.
        yield positions, scores.astype(np.float32).toarray(out=block)


def matrix_arrays(name: str, matrix: sparse.csr_array) -> dict[str, npt.NDArray]:
    """Give the arrays of a sparse matrix, by name."""
    return {
        f"{name}/data": matrix.data,
        f"{name}/indices": matrix.indices,
        f"{name}/indptr": matrix.indptr,
    }
