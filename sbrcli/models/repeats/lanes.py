"""The ages of the items of sessions that are trained in lanes. NumPy only.

The lanes of an epoch are known beforehand, so the ages come from the sessions themselves: they
reach back to a session's start, whichever chunks of truncated backpropagation it is cut into.
"""

from typing import NamedTuple

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.models.repeats.ages import NOT_SEEN, SessionAges
from sbrcli.models.training.lanes import Lanes
from sbrcli.sessions import Sessions

MAX_SEEN = 2**20
"""The number of seen items that one call of the graph takes at most, on average over the calls."""


class CallRepeats(NamedTuple):
    """The seen items of the steps of one call of the graph, chunk by chunk; all int32."""

    target_ages: IntArray
    """(steps, lanes) the age of each target, from 0, or `NOT_SEEN`."""

    places: IntArray
    """(seen, 2) the row in its chunk and the item, in the order of the rows."""

    ages: IntArray
    """(seen,) the age of each, from 0."""

    cuts: IntArray
    """(chunks + 1,); chunk c has `places[cuts[c]:cuts[c + 1]]`."""


class LaneRepeats:
    """Finds the seen items of steps of lanes.

    Args:
        sessions: the sessions that are trained on.
        bptt: the number of steps in a chunk.
    """

    def __init__(self, sessions: Sessions, bptt: int) -> None:
        self._ages, self._bptt = SessionAges(sessions), bptt
        self.pairs_per_call = int(MAX_SEEN / max(self._ages.mean_seen(), 1))
        """How many pairs one call should have at most."""

    def of(self, lanes: Lanes) -> CallRepeats:
        """Return the seen items at the pairs of steps of lanes, a multiple of `bptt`."""
        events, is_pair = lanes.events, lanes.is_pair
        pairs = np.flatnonzero(is_pair)
        target_ages = np.full(events.shape, NOT_SEEN, np.int32)
        target_ages[is_pair] = self._ages.next_item(events[is_pair])
        seen = self._ages.seen(events[is_pair])
        num_chunks, chunk_rows = len(events) // self._bptt, self._bptt * events.shape[1]
        firsts = np.searchsorted(pairs, chunk_rows * np.arange(num_chunks + 1))
        places = np.empty((len(seen.rows), 2), np.int32)
        places[:, 0] = (pairs % chunk_rows)[seen.rows]
        places[:, 1] = seen.items
        cuts = np.searchsorted(seen.rows, firsts).astype(np.int32)
        return CallRepeats(target_ages, places, seen.ages.astype(np.int32, copy=False), cuts)


def nothing_seen(steps: int, num_lanes: int) -> CallRepeats:
    """Return the seen items of one chunk of padding."""
    target_ages = np.full((steps, num_lanes), NOT_SEEN, np.int32)
    none = np.zeros(0, np.int32)
    return CallRepeats(target_ages, none.reshape(0, 2), none, np.zeros(2, np.int32))
