"""Blend the scores of a network with those of a baseline.

The network's scores, times a scale, are logarithms of probabilities, up to a constant per row. A
geometric mean of two distributions is therefore a weighted sum:

    (1 - weight) * scale * score + weight * log(1 + num_items * share)

The items of the session gain terms of their own; see `sbrcli.models.blend.repeats`.

The scale is 1 for cross-entropy, whose scores are such logarithms already; for the ranking losses
see `sbrcli.evaluation.calibration`.

Here `share` is the item's share of the sum of the baseline's scores; the baseline is called the
partner. An item with score 0 gains nothing, and one with the mean score gains log 2.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.blend.repeats import NO_TERMS, RepeatTerms, events_up_to
from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
RowsOf = Callable[[IntArray], sparse.csr_array]
"""A function of positions, (rows,), that returns their scores as sparse rows, none below 0."""

# The partner processes this many events at a time, and then the network the same ones.
_EVENTS_AT_A_TIME = 2**13


class Partner(Protocol):
    """A model that scores most items 0, such as a baseline."""

    def sparse_rows(self, sessions: Sessions) -> RowsOf:
        """Return a function that computes the scores of the targets' candidates as sparse rows."""
        ...

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score what follows the session `items`, (events,) with at least one: one row."""
        ...


class HybridScorer:
    """Scores items by a network and a partner; see `sbrcli.models.scorer.Scorer`.

    Args:
        network: its scores times `scale` are logarithms of probabilities, up to a constant per row.
        partner: its scores are proportional to shares, per row, of the same items.
        weight: the partner's weight, 0 to 1.
        scale: the scale of the network's scores, above 0.
        repeats: what the session's own items gain.
    """

    def __init__(
        self,
        network: Scorer,
        partner: Partner,
        weight: float,
        scale: float = 1.0,
        repeats: RepeatTerms = NO_TERMS,
    ) -> None:
        self._network, self._partner = network, partner
        self._weight, self._scale, self._repeats = weight, scale, repeats

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._network.num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        for positions, scores, rows in score_both(self._network, self._partner, sessions):
            blended = blend(scores, rows, self._weight, self._scale)
            if not self._repeats.are_zero:
                row, items = events_up_to(sessions, positions)
                self._repeats.add_to(blended, row, items, sessions.item_indices[positions])
            yield positions, blended

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        scores = self._network.score_next(items)[None]
        rows = self._partner.sparse_next(items)
        blended = blend(scores, rows, self._weight, self._scale)
        self._repeats.add_to(blended, np.zeros(len(items), np.intp), items, items[-1:])
        return blended[0]


def blend(
    scores: FloatArray, rows: sparse.csr_array, weight: float, scale: float = 1.0
) -> FloatArray:
    """Blend a network's scores, (rows, num_items), with the sparse rows of a partner, in place."""
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

    Only positions before targets are scored.
    """
    for begin, some in _some_at_a_time(sessions):
        rows_of = partner.sparse_rows(some)
        for positions, scores in score_targets(network, some):
            yield begin + positions, scores, rows_of(positions)


def _some_at_a_time(sessions: Sessions) -> Iterator[tuple[int, Sessions]]:
    """Yield parts of whole sessions, each with the position at which it begins."""
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
