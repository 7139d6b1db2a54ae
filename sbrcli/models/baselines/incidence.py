"""The incidence of sessions and items, as sparse matrices."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]


def session_items(sessions: Sessions, num_items: int) -> sparse.csr_array:
    """Return a matrix with a 1 for each item of a session, the most recent session first.

    Sessions are ordered by the time of their last event; of two that end at the same time, the
    later one in the dataset is the more recent. Empty sessions have no row.

    Returns:
        (sessions, num_items) float64, each row's items ascending.
    """
    places = last_places(sessions, num_items)
    ones = np.ones(len(places.data))
    return sparse.csr_array((ones, places.indices, places.indptr), shape=places.shape)


def last_places(sessions: Sessions, num_items: int) -> sparse.csr_array:
    """Return the last position of each item in a session, from 1; otherwise as `session_items`.

    Returns:
        (sessions, num_items) int64, each row's items ascending.
    """
    lengths = np.diff(sessions.offsets)
    filled = np.flatnonzero(lengths)
    row_of = np.empty(len(lengths), np.int64)
    row_of[filled[_recent_first(sessions)]] = np.arange(len(filled))
    row = np.repeat(row_of, lengths)
    place = np.arange(len(row)) - np.repeat(sessions.offsets[:-1], lengths) + 1
    order = np.lexsort((sessions.item_indices, row))  # stable, so by position within an item
    row, items, place = row[order], sessions.item_indices[order], place[order]
    is_last = np.ones(len(row), np.bool_)
    is_last[:-1] = (row[1:] != row[:-1]) | (items[1:] != items[:-1])
    entries = (place[is_last], (row[is_last], items[is_last]))
    return sparse.csr_array(entries, shape=(len(filled), num_items))


def session_ends(sessions: Sessions) -> npt.NDArray[np.float64]:
    """Return the time of each session's last event, in the order of `session_items`."""
    return _ends(sessions)[_recent_first(sessions)].astype(np.float64)


def _recent_first(sessions: Sessions) -> IntArray:
    """Return the order of the non-empty sessions, numbered without the empty ones."""
    return np.argsort(_ends(sessions), kind="stable")[::-1]


def _ends(sessions: Sessions) -> npt.NDArray[np.generic]:
    filled = np.diff(sessions.offsets) > 0
    return sessions.timestamps[sessions.offsets[1:][filled] - 1]
