"""What is popular: everywhere, or in the session so far."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sbrcli.dataset.storage import Sessions
from sbrcli.models.baselines.blocks import block_rows, scored_positions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class PopularityScorer:
    """Scores each item by how often it occurs in training, whatever the session.

    Args:
        training: what to count.
        num_items: how many items are scored.
    """

    def __init__(self, training: Sessions, num_items: int) -> None:
        self._counts = np.bincount(training.items, minlength=num_items).astype(np.float64)

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return len(self._counts)

    @property
    def memory_bytes(self) -> int:
        """The size of what was fitted."""
        return self._counts.nbytes

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        positions, rows = scored_positions(sessions), block_rows(self.num_items)
        for begin in range(0, len(positions), rows):
            block = positions[begin : begin + rows]
            yield block, np.broadcast_to(self._counts, (len(block), self.num_items))

    def score_next(self, items: IntArray) -> FloatArray:  # noqa: ARG002  the protocol's
        """Score what follows the session `items`: (num_items,)."""
        return self._counts.copy()


class SessionPopularityScorer:
    """Scores each item by how often the session holds it; of equals, by how often training does.

    It is the S-POP of Hidasi et al. 2016 (arXiv 1511.06939).

    Args:
        training: what to count.
        num_items: how many items are scored.
    """

    def __init__(self, training: Sessions, num_items: int) -> None:
        counts = np.bincount(training.items, minlength=num_items)
        # Below 1, so that one event in the session outweighs it.
        self._shares = counts / (len(training.items) + 1)

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return len(self._shares)

    @property
    def memory_bytes(self) -> int:
        """The size of what was fitted."""
        return self._shares.nbytes

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        positions = scored_positions(sessions)
        begins = set(sessions.offsets[:-1].tolist())
        rows = block_rows(self.num_items)
        buffer, state = np.empty((rows, self.num_items)), self._shares.copy()
        for begin in range(0, len(positions), rows):
            block = positions[begin : begin + rows]
            for row, position in zip(buffer, block.tolist(), strict=False):
                if position in begins:
                    state[:] = self._shares
                state[sessions.items[position]] += 1
                row[:] = state
            yield block, buffer[: len(block)]

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        return self._shares + np.bincount(items, minlength=self.num_items)
