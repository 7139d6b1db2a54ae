"""A neural model and one that counts, blended: each knows what the other does not.

The network's scores, times a scale, are logarithms of probabilities, up to a number that is the
same for all of a next item's candidates. So a product of two distributions, each to a power, is a
weighted sum:

    (1 - weight) * scale * score + weight * log(1 + num_items * share)

The scale is 1 for cross-entropy, whose scores are such logarithms as they are; for the ranking
losses see `sbrcli.evaluation.calibration`.

Here `share` is the item's part of what the counting model, the partner, gives to all items
together. An item to which it gives nothing gains nothing, one with an even share gains log 2.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
RowsOf = Callable[[IntArray], sparse.csr_array]
"""Given positions, (rows,), gives their scores as sparse rows, none below 0."""

# The partner follows so many events at a time before the network is asked for the same.
_EVENTS_AT_A_TIME = 2**13


class Partner(Protocol):
    """A model that scores most items 0."""

    def sparse_rows(self, sessions: Sessions) -> RowsOf:
        """Return a function that computes the scores of what follows the events before targets."""
        ...

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score what follows the session `items`, (events,) with at least one: one row."""
        ...


class HybridScorer:
    """Scores by a network and a partner; see `sbrcli.models.scorer.Scorer`.

    Args:
        network: its scores times `scale` are logarithms of probabilities, each row's up to a
            number.
        partner: scores that are shares, each row's up to a factor, of the same items.
        weight: the partner's, 0 to 1.
        scale: above 0.
    """

    def __init__(
        self, network: Scorer, partner: Partner, weight: float, scale: float = 1.0
    ) -> None:
        self._network, self._partner = network, partner
        self._weight, self._scale = weight, scale

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._network.num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        for positions, scores, rows in score_both(self._network, self._partner, sessions):
            yield positions, blend(scores, rows, self._weight, self._scale)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        scores = self._network.score_next(items)[None]
        rows = self._partner.sparse_next(items)
        return blend(scores, rows, self._weight, self._scale)[0]


def blend(
    scores: FloatArray, rows: sparse.csr_array, weight: float, scale: float = 1.0
) -> FloatArray:
    """Blend a network's scores, (rows, num_items), with as many sparse rows of a partner's."""
    totals = np.add.reduceat(np.append(rows.data, 0.0), rows.indptr[:-1])
    counts = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(counts)), counts)
    blended = np.multiply(scores, (1 - weight) * scale, dtype=np.float32)
    gained = np.log1p(scores.shape[1] / totals[row] * rows.data)
    blended[row, rows.indices] += (weight * gained).astype(np.float32)
    return blended


def score_both(
    network: Scorer, partner: Partner, sessions: Sessions
) -> Iterator[tuple[IntArray, FloatArray, sparse.csr_array]]:
    """Yield positions, the network's scores and the partner's sparse rows, block by block.

    Both are of what precedes the events asked for, and of nothing else.
    """
    for begin, some in _some_at_a_time(sessions):
        rows_of = partner.sparse_rows(some)
        for positions, scores in score_targets(network, some):
            yield begin + positions, scores, rows_of(positions)


def _some_at_a_time(sessions: Sessions) -> Iterator[tuple[int, Sessions]]:
    """Cut sessions into parts of whole sessions, with the place at which each part begins."""
    part = sessions.offsets[:-1] // _EVENTS_AT_A_TIME
    cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), sessions.num_sessions]
    for first, last in itertools.pairwise(cuts):
        begin, end = sessions.offsets[first], sessions.offsets[last]
        yield (
            int(begin),
            Sessions(
                sessions.item_indices[begin:end],
                sessions.offsets[first : last + 1] - begin,
                sessions.timestamps[begin:end],
                None if sessions.targets is None else sessions.targets[begin:end],
            ),
        )
