"""Popularity: the items that occur most often in training."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sbrcli.config.options import Options
from sbrcli.models.baselines.blocks import blocks_of_positions
from sbrcli.models.baselines.fitted import Arrays, read_numbers
from sbrcli.models.sparse_rows import SparseRows, SparseScorer
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


def fit(training: Sessions, num_items: int, options: Options) -> "PopularityScorer":  # noqa: ARG001
    """Count how often each item occurs; see `sbrcli.models.baselines.baseline`."""
    counts = training.count_items(num_items)
    return PopularityScorer(counts.astype(np.float64))


def restore(arrays: Arrays, num_items: int, options: Options) -> "PopularityScorer":  # noqa: ARG001
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    counts = read_numbers(arrays, "counts")
    if len(counts) != num_items:
        raise ValueError(f"counts has {len(counts)} entries for {num_items} items")
    return PopularityScorer(counts)


class PopularityScorer(SparseScorer):
    """Scores each item by its number of training events, independent of the session.

    Args:
        counts: (num_items,) the number of training events of each item.
    """

    def __init__(self, counts: FloatArray) -> None:
        super().__init__(counts)

    def arrays(self) -> Arrays:
        """Return the fitted arrays, by name."""
        return {"counts": self.common.scores}

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score the items after each event, as sparse rows."""
        for positions in blocks_of_positions(sessions, self.num_items):
            cuts = np.zeros(len(positions) + 1, np.int64)
            yield positions, SparseRows(self.common, cuts, np.empty(0, np.int64), np.empty(0))

    def score_next(self, items: IntArray) -> FloatArray:  # noqa: ARG002  the protocol's
        """Score the items after the session `items`: (num_items,)."""
        return self.common.scores.copy()
