"""Scores that depend only on the session's last item: rows of a matrix."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.blocks import blocks_of_positions, rows_of_matrix
from sbrcli.models.baselines.fitted import Arrays, matrix_arrays, read_matrix
from sbrcli.models.sparse_rows import SparseRows, SparseScorer
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class LastItemScorer(SparseScorer):
    """Scores the items after an item by that item's row.

    Args:
        matrix: (num_items, num_items) sparse; missing entries have score 0.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        super().__init__(np.zeros(len(matrix.indptr) - 1, np.float32))
        self._matrix = sparse.csr_array(matrix, dtype=np.float32)

    def arrays(self) -> Arrays:
        """Return the fitted arrays, by name."""
        return matrix_arrays("matrix", self._matrix)

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score the items after each event, as sparse rows."""
        rows_of = self.sparse_rows(sessions)
        for positions in blocks_of_positions(sessions, self.num_items):
            yield positions, rows_of_matrix(rows_of(positions), self.common)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`: (num_items,)."""
        return self.sparse_next(items).toarray()[0]

    def sparse_rows(self, sessions: Sessions) -> Callable[[IntArray], sparse.csr_array]:
        """Return a function that computes sparse scores at positions of the sessions."""
        return lambda positions: self._matrix[sessions.item_indices[positions]]

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score the items after the session `items`, as one sparse row."""
        return self._matrix[items[-1:]]


def restore_last_item(arrays: Arrays, num_items: int) -> LastItemScorer:
    """Restore a scorer from its `arrays()`.

    Raises:
        ValueError: the arrays are damaged, or of another number of items.
    """
    matrix = read_matrix(arrays, "matrix", num_items)
    num_rows = len(matrix.indptr) - 1
    if num_rows != num_items:
        raise ValueError(f"matrix has {num_rows} rows for {num_items} items")
    return LastItemScorer(matrix)
