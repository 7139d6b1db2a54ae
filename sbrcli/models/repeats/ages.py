"""How many events ago a session's items occurred last. NumPy only.

The age of an item after an event is 1 if it is the item of that event, 2 if it occurred last one
event before, and so on; ages of `AGES` and more count as one. After the events a b a c the ages are
c 1, a 2, b 3. Arrays hold ages from 0: age 1 is the index 0 of the learned terms.
"""

from typing import NamedTuple

import numpy as np

from sbrcli.arrays import IntArray, position_type
from sbrcli.sessions import Sessions

AGES = 6
"""The number of distinct ages; the last one means this age or more."""

NOT_SEEN = AGES
"""The age of an item that the session does not contain."""


class SeenItems(NamedTuple):
    """The items that sessions have had by some events, each once for an event."""

    rows: IntArray
    """(seen,) the place of the event among those asked for, ascending."""

    items: IntArray
    """(seen,) item indices."""

    ages: IntArray
    """(seen,) the age of each, from 0; ascending within a row."""

    places: IntArray
    """(seen,) the position at which each occurred last."""


class SessionAges:
    """Finds the ages of the items of sessions.

    Args:
        sessions: the sessions.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._items, self._offsets = sessions.item_indices, sessions.offsets
        events = len(self._items)
        session = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
        order = np.lexsort((self._items, session))  # stable: equal ones stay in their order
        is_again = (self._items[order][1:] == self._items[order][:-1]) & (
            session[order][1:] == session[order][:-1]
        )
        earlier, later = order[:-1][is_again], order[1:][is_again]
        self._type = position_type(events + 1)
        # Where the item of an event occurs next in its session, last, and first.
        self._next = np.full(events, events, self._type)
        self._previous = np.full(events, -1, self._type)
        self._next[earlier], self._previous[later] = later, earlier
        self.first = np.empty(events, self._type)
        is_first = np.concatenate((np.ones(min(events, 1), np.bool_), ~is_again))
        self.first[order] = order[is_first][np.cumsum(is_first) - 1]
        self._has_repeats = len(later) > 0

    def next_item(self, events: IntArray) -> IntArray:
        """Return the age, after some events, of the item of the next event: (events,).

        Args:
            events: positions in the sessions' `item_indices`, none a session's last event.

        Returns:
            0 to `AGES` - 1, or `NOT_SEEN`.
        """
        previous = self._previous[events.astype(self._type) + 1]
        return np.where(previous < 0, NOT_SEEN, np.minimum(events - previous, AGES - 1))

    def begins(self, events: IntArray) -> IntArray:
        """Return the positions of the first events of the sessions of some events."""
        return self._offsets[np.searchsorted(self._offsets, events, side="right") - 1]

    def seen(self, events: IntArray, since: IntArray | None = None) -> SeenItems:
        """Return the items that the sessions of some events have had by then, newest first.

        Args:
            events: (events,) positions in the sessions' `item_indices`.
            since: (events,) the first position to look at for each; by default its session's first.
        """
        counts = events - (self.begins(events) if since is None else since) + 1
        firsts = np.cumsum(counts) - counts
        # Millions of numbers, so the fewest and smallest arrays: back = 0, 1, 2 … for each event.
        total = int(counts.sum())
        rows = np.repeat(np.arange(len(events), dtype=self._type), counts)
        back = np.arange(total, dtype=position_type(total))
        back -= firsts.astype(back.dtype)[rows]
        places = events.astype(self._type)[rows]
        places -= back
        if self._has_repeats:
            # Where an item occurs again by then, only its last occurrence stands.
            is_last = self._next[places] > places + back
            rows, places, back = rows[is_last], places[is_last], back[is_last]
        ages = np.minimum(back, AGES - 1, out=back)
        return SeenItems(rows, self._items[places], ages, places)


def mean_seen(offsets: IntArray) -> float:
    """Return about how many items `SessionAges.seen` finds for an event, the mean over all events.

    Args:
        offsets: (sessions + 1,) those of the sessions.
    """
    lengths = np.diff(offsets)
    total = int(lengths.sum())
    return (int(np.dot(lengths, lengths)) + total) / 2 / max(total, 1)
