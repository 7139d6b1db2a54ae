"""The ages of the items of sessions that are trained in lanes. NumPy only.

The lanes of an epoch are known beforehand, so the ages come from the sessions themselves: they
reach back to a session's start, whichever chunks of truncated backpropagation it is cut into.

Most items of a long session have the greatest age. Where a session goes on in a lane over a whole
chunk, the items that it had before the chunk are therefore the lane's base: all rows of the lane
get the term of the greatest age for them, and a row's own places correct it where the age is
another one.
"""

from typing import NamedTuple

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.models.repeats.ages import AGES, NOT_SEEN, SeenItems, SessionAges, mean_seen
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

    codes: IntArray
    """(seen,) the age of each, from 0; plus `AGES` where the item is in the lane's base."""

    cuts: IntArray
    """(chunks + 1,); chunk c has `places[cuts[c]:cuts[c + 1]]`."""

    base_places: IntArray
    """(based, 2) the lane and the item of each of the lanes' bases."""

    base_cuts: IntArray
    """(chunks + 1,); chunk c has `base_places[base_cuts[c]:base_cuts[c + 1]]`."""


class LaneRepeats:
    """Finds the seen items of steps of lanes.

    Args:
        sessions: the sessions that are trained on.
        bptt: the number of steps in a chunk.
    """

    def __init__(self, sessions: Sessions, bptt: int) -> None:
        self._ages, self._bptt = SessionAges(sessions), bptt

    def of(self, lanes: Lanes) -> CallRepeats:
        """Return the seen items at the pairs of steps of lanes, a multiple of `bptt`."""
        events, is_pair = lanes.events, lanes.is_pair
        num_chunks, num_lanes = len(events) // self._bptt, events.shape[1]
        borders = self._borders(lanes)  # (chunks, lanes)
        chunk, lane = np.nonzero(borders >= 0)
        base = self._ages.seen(borders[chunk, lane] - 1)
        base_cuts = np.searchsorted(chunk[base.rows], np.arange(num_chunks + 1))

        target_ages = np.full(events.shape, NOT_SEEN, np.int32)
        target_ages[is_pair] = self._ages.next_item(events[is_pair])
        step, lane_of_pair = np.nonzero(is_pair)
        seen, codes = self._seen(events[is_pair], borders[step // self._bptt, lane_of_pair])
        rows = (step % self._bptt * num_lanes + lane_of_pair)[seen.rows]
        cuts = np.searchsorted(step[seen.rows], self._bptt * np.arange(num_chunks + 1))
        return CallRepeats(
            target_ages,
            _stack(rows, seen.items),
            codes.astype(np.int32, copy=False),
            cuts.astype(np.int32),
            _stack(lane[base.rows], base.items),
            base_cuts.astype(np.int32),
        )

    def _borders(self, lanes: Lanes) -> IntArray:
        """Return the first event of each chunk in the lanes that have a base there, else -1.

        They are the lanes in which a session goes on from before the chunk, and none starts.
        """
        shape = (-1, self._bptt, lanes.events.shape[1])
        first = lanes.events.reshape(shape)[:, 0].astype(np.int64)
        is_walked = (lanes.is_pair | (lanes.inputs < 0)).reshape(shape)[:, 0]
        starts = lanes.starts.reshape(shape).any(axis=1)
        has_base = is_walked & ~starts & (first > self._ages.begins(first))
        return np.where(has_base, first, -1)

    def _seen(self, events: IntArray, borders: IntArray) -> tuple[SeenItems, IntArray]:
        """Return the items seen by events that the lanes' bases do not fully describe, with codes.

        Args:
            events: (pairs,) the events of the inputs.
            borders: (pairs,) the first event of the chunk, or -1 where the lane has no base.
        """
        begins = self._ages.begins(events)
        # What occurred last before both the chunk and the other ages has the base's term.
        latest = np.maximum(begins, np.minimum(borders, events - (AGES - 2)))
        seen = self._ages.seen(events, np.where(borders < 0, begins, latest))
        in_base = self._ages.first[seen.places] < borders[seen.rows]
        codes = seen.ages + AGES * in_base
        kept = codes < 2 * AGES - 1
        return SeenItems(*(part[kept] for part in seen)), codes[kept]


def _stack(rows: IntArray, items: IntArray) -> IntArray:
    places = np.empty((len(rows), 2), np.int32)
    places[:, 0], places[:, 1] = rows, items
    return places


def limit_pairs(sessions: Sessions) -> int:
    """Return how many pairs of these sessions one call of the graph should have at most."""
    return int(MAX_SEEN / max(mean_seen(sessions.offsets), 1))


def nothing_seen(steps: int, num_lanes: int) -> CallRepeats:
    """Return the seen items of one chunk of padding."""
    target_ages = np.full((steps, num_lanes), NOT_SEEN, np.int32)
    none, cuts = np.zeros(0, np.int32), np.zeros(2, np.int32)
    return CallRepeats(target_ages, none.reshape(0, 2), none, cuts, none.reshape(0, 2), cuts)
