"""Rows of scores in which few items differ from the scores that all rows have in common.

Ranks can be computed from them without the dense rows; see `sbrcli.evaluation.sparse_ranks`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

# The maximum number of scores in a dense block, 4 MB; a block has at least one row.
_BLOCK_SCORES = 2**20
_BLOCK_ROWS = 512


class CommonScores:
    """The scores of the items that a row does not override.

    Args:
        scores: (num_items,), none NaN.
    """

    def __init__(self, scores: FloatArray) -> None:
        self.scores = scores
        self.best_first = np.argsort(-scores, kind="stable")
        """(num_items,) items by descending score; of equal scores, the lower index comes first."""

        self.ascending = scores[self.best_first[::-1]]


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Rows of scores, stored as the items whose scores differ from the common ones.

    Args:
        common: the scores of all other items.
        cuts: (rows + 1,); row r has `items[cuts[r]:cuts[r + 1]]`, without duplicates.
        items: (entries,) item indices.
        values: (entries,) their scores, of the same type as the common ones, none NaN.
    """

    common: CommonScores
    cuts: IntArray
    items: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def __getitem__(self, kept: BoolArray) -> "SparseRows":
        """Return the rows for which `kept`, (rows,), is true."""
        lengths = np.diff(self.cuts)
        entries = np.repeat(kept, lengths)
        cuts = np.concatenate(([0], np.cumsum(lengths[kept])))
        return SparseRows(self.common, cuts, self.items[entries], self.values[entries])

    def rows_of_entries(self) -> IntArray:
        """Return the row of each entry: (entries,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.cuts))

    def write(self, out: FloatArray) -> None:
        """Write the dense rows to (rows, num_items)."""
        out[:] = self.common.scores
        out[self.rows_of_entries(), self.items] = self.values


class SparseScorer(ABC):
    """A `sbrcli.models.scorer.Scorer` whose rows are sparse.

    Args:
        common: (num_items,) the scores of items that a session does not change.
    """

    def __init__(self, common: FloatArray) -> None:
        self.common = CommonScores(common)

    @property
    def num_items(self) -> int:
        """The number of items."""
        return len(self.common.scores)

    @property
    def memory_bytes(self) -> int:
        """The bytes of the fitted arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray]:
        """Return the fitted arrays, by name."""

    @abstractmethod
    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Yield the blocks of `score_sessions` as sparse rows, at most `block_rows` in each."""

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score the item after each event; see `sbrcli.models.scorer.Scorer`."""
        buffer = np.empty((block_rows(self.num_items), self.num_items), self.common.scores.dtype)
        for positions, rows in self.score_sparsely(sessions):
            block = buffer[: len(positions)]
            rows.write(block)
            yield positions, block


def block_rows(num_items: int) -> int:
    """Return the maximum number of rows in a block."""
    return min(_BLOCK_ROWS, max(1, _BLOCK_SCORES // max(1, num_items)))
