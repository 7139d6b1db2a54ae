"""Scores that depend on the session's last item alone: rows of a matrix, item by item."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.dataset.storage import Sessions
from sbrcli.models.baselines.blocks import (
    block_rows,
    matrix_arrays,
    scored_positions,
    write_blocks,
)

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class LastItemScorer:
    """Scores what follows an item by that item's row.

    Args:
        matrix: (num_items, num_items) sparse; what it does not hold is scored 0.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        self._matrix = sparse.csr_array(matrix, dtype=np.float32)
        self._num_items = len(matrix.indptr) - 1

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._num_items

    @property
    def memory_bytes(self) -> int:
        """The size of what was fitted."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, npt.NDArray]:
        """Give all that was fitted, by name."""
        return matrix_arrays("matrix", self._matrix)

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        return write_blocks(self._rows(sessions), self.num_items)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        return self.sparse_next(items).toarray()[0]

    def sparse_rows(self, sessions: Sessions) -> Callable[[IntArray], sparse.csr_array]:
        """Give what gives the sparse scores of what follows events of these sessions."""
        return lambda positions: self._matrix[sessions.items[positions]]

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score what follows the session `items`, as one sparse row."""
        return self._matrix[items[-1:]]

    def _rows(self, sessions: Sessions) -> Iterator[tuple[IntArray, sparse.csr_array]]:
        positions, rows = scored_positions(sessions), block_rows(self.num_items)
        for begin in range(0, len(positions), rows):
            block = positions[begin : begin + rows]
            yield block, self._matrix[sessions.items[block]]
