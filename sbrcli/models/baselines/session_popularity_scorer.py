"""Session popularity: the items that occur most often in the session so far."""

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


def fit(training: Sessions, num_items: int, options: Options) -> "SessionPopularityScorer":  # noqa: ARG001
    """Count how often each item occurs; see `sbrcli.models.baselines.baseline`."""
    counts = training.count_items(num_items)
    # Below 1, so that one event in the session outweighs it.
    return SessionPopularityScorer(counts / (len(training.item_indices) + 1))


def restore(arrays: Arrays, num_items: int, options: Options) -> "SessionPopularityScorer":  # noqa: ARG001
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    shares = read_numbers(arrays, "shares")
    if len(shares) != num_items:
        raise ValueError(f"shares has {len(shares)} entries for {num_items} items")
    return SessionPopularityScorer(shares)


class SessionPopularityScorer(SparseScorer):
    """Scores each item by its events in the session; among equals, by those in training.

    It is the S-POP of Hidasi et al. 2016 (arXiv 1511.06939).

    Args:
        shares: (num_items,) each item's share of the events, below 1.
    """

    def __init__(self, shares: FloatArray) -> None:
        super().__init__(shares)

    def arrays(self) -> Arrays:
        """Return the fitted arrays, by name."""
        return {"shares": self.common.scores}

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score the items after each event, as sparse rows."""
        held: dict[int, float] = {}
        counted = 0
        for positions in blocks_of_positions(sessions, self.num_items):
            cuts, items, values = [0], [], []
            session = np.searchsorted(sessions.offsets, positions, side="right") - 1
            starts = sessions.offsets[session].tolist()
            for start, position in zip(starts, positions.tolist(), strict=True):
                if counted <= start:  # no event of this session has been counted
                    held, counted = {}, start
                for item in sessions.item_indices[counted : position + 1].tolist():
                    held[item] = 1 + held.get(item, float(self.common.scores[item]))
                counted = position + 1
                items += held.keys()
                values += held.values()
                cuts.append(len(items))
            rows = SparseRows(
                self.common, np.array(cuts), np.array(items, np.int64), np.array(values)
            )
            yield positions, rows

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`: (num_items,)."""
        return self.common.scores + np.bincount(items, minlength=self.num_items)
