"""The incidence of sessions and items, as sparse matrices that are built block by block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.arrays import position_type
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]

_BLOCK = 2**20
"""Events whose sessions are looked at together."""


@dataclass(frozen=True, slots=True)
class RecentSessions:
    """The sessions that are among the most recent ones with one of their items.

    Sessions are ordered by the time of their last event, the most recent first; of two that end at
    the same time, the later one in the dataset is the more recent.
    """

    places: sparse.csr_array
    """(sessions, num_items) int32: the last position of each item in a session, from 1. Each row's
    items ascend."""

    ends: npt.NDArray[np.float64]
    """(sessions,) the time of each session's last event."""

    sessions_of: IntArray
    """(num_items,) the number of sessions with each item, whether they are here or not."""

    num_sessions: int
    """The number of all sessions that are not empty."""


def find_recent_sessions(sessions: Sessions, num_items: int, most: int) -> RecentSessions:
    """Return the sessions that are among the `most` most recent ones with one of their items.

    No other session is ever a neighbour in V-SKNN or STAN. What is in memory beyond them does not
    grow with the events: it is 24 bytes for each session, and some blocks of events.

    Args:
        sessions: every item index below `num_items`.
        num_items: the number of items.
        most: the number of most recent sessions of each item.
    """
    order = _recent_first(sessions)
    sessions_of = np.zeros(num_items, np.int64)
    found, chosen = [], []
    for some in _cut_into_blocks(np.diff(sessions.offsets), order):
        places = last_places(sessions.take(some), num_items)
        is_recent = _are_recent(places, sessions_of, most)
        sessions_of += np.bincount(places.indices, minlength=num_items)
        found.append(places if is_recent.all() else sparse.csr_array(places[is_recent]))
        chosen.append(some[is_recent])
    kept = np.concatenate(chosen) if chosen else order
    ends = sessions.timestamps[sessions.offsets[kept + 1] - 1].astype(np.float64)
    return RecentSessions(stack_rows(found, num_items), ends, sessions_of, len(order))


def last_places(sessions: Sessions, num_items: int) -> sparse.csr_array:
    """Return the last position of each item in each session, from 1.

    Returns:
        (sessions, num_items) int32, each row's items ascending.

    Raises:
        ValueError: an item index is not below `num_items`; SciPy would not notice.
    """
    found = sessions.item_indices
    if len(found) and not 0 <= found.min() <= found.max() < num_items:
        raise ValueError(f"item indices must be 0 to {num_items - 1}. Received: {found.max()}")
    lengths = np.diff(sessions.offsets)
    row = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    order = np.lexsort((sessions.item_indices, row))  # stable, so by position within an item
    row, items = row[order], sessions.item_indices[order]
    is_last = np.ones(len(row), np.bool_)
    is_last[:-1] = (row[1:] != row[:-1]) | (items[1:] != items[:-1])
    row, items, event = row[is_last], items[is_last], order[is_last]
    place = (event - sessions.offsets[row] + 1).astype(np.int32)
    return _make_rows(place, items, np.bincount(row, minlength=len(lengths)), num_items)


def sum_matrices(matrices: Iterable[sparse.csr_array]) -> sparse.csr_array:
    """Return the sum of at least one matrix, few of which are in memory at once."""
    sums: list[sparse.csr_array] = []
    for matrix in matrices:
        sums.append(matrix)
        # Small sums first, so that each entry is added up a few times, not once for each matrix.
        while len(sums) > 1 and sums[-2].nnz <= 2 * sums[-1].nnz:
            last = sums.pop()
            sums[-1] = sparse.csr_array(sums[-1] + last)
    while len(sums) > 1:
        last = sums.pop()
        sums[-1] = sparse.csr_array(sums[-1] + last)
    return sums[0]


def stack_rows(blocks: list[sparse.csr_array], num_items: int) -> sparse.csr_array:
    """Return matrices one above the other; the list is emptied, so that each is in memory once.

    Args:
        blocks: of `num_items` columns each.
        num_items: the number of columns.
    """
    if len(blocks) == 1:
        return blocks.pop()
    counts = np.concatenate([np.diff(block.indptr) for block in blocks] or [np.zeros(0, np.int64)])
    end = int(counts.sum())
    places, items = np.empty(end, np.int32), np.empty(end, np.int32)
    while blocks:
        block = blocks.pop()
        rows = slice(end - len(block.indices), end)
        places[rows], items[rows] = block.data, block.indices
        end = rows.start
    return _make_rows(places, items, counts, num_items)


def _make_rows(
    data: IntArray, items: IntArray, counts: IntArray, num_items: int
) -> sparse.csr_array:
    """Return a matrix of (rows, num_items) from the items and the data of its entries, row by row.

    Args:
        data, items: (entries,)
        counts: (rows,) the number of entries of each row.
        num_items: the number of columns.
    """
    cuts = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    dtype = position_type(len(items) + 1)  # one for all indices, or SciPy would copy them
    arrays = (data, items.astype(dtype, copy=False), cuts.astype(dtype, copy=False))
    return sparse.csr_array(arrays, shape=(len(counts), num_items))


def _are_recent(places: sparse.csr_array, before: IntArray, most: int) -> npt.NDArray[np.bool_]:
    """Return which sessions are among the most recent ones with an item: (sessions,).

    Args:
        places: (sessions, num_items), the most recent session first.
        before: (num_items,) the number of more recent sessions with each item.
        most: the number of most recent sessions of each item.
    """
    is_recent = np.zeros(len(places.indptr) - 1, np.bool_)
    by_item = places.tocsc()
    counts = np.diff(by_item.indptr)
    wanted = np.clip(most - before, 0, counts)
    if (wanted == counts).all():
        is_recent[by_item.indices] = True
    else:
        is_recent[by_item.indices[first_of_rows(by_item.indptr, wanted)]] = True
    return is_recent


def first_of_rows(cuts: IntArray, counts: IntArray) -> IntArray:
    """Return the positions of the first `counts` entries of each row, (rows,).

    Args:
        cuts: (rows + 1,); row r has the positions from `cuts[r]` to before `cuts[r + 1]`.
        counts: (rows,) no more than the row has.
    """
    ends = np.cumsum(counts, dtype=np.int64)
    dtype = position_type(int(cuts[-1]) + 1)
    positions = np.arange(ends[-1] if len(ends) else 0, dtype=dtype)
    positions += np.repeat((cuts[:-1] - (ends - counts)).astype(dtype), counts)
    return positions


def _recent_first(sessions: Sessions) -> IntArray:
    """Return the numbers of the sessions that are not empty, the most recent first."""
    filled = np.flatnonzero(np.diff(sessions.offsets))
    ends = sessions.timestamps[sessions.offsets[filled + 1] - 1]
    return filled[np.argsort(ends, kind="stable")[::-1]]


def _cut_into_blocks(lengths: IntArray, order: IntArray) -> Iterator[IntArray]:
    """Yield an order of sessions in pieces that have few events, or are one session.

    Args:
        lengths: (sessions,) the number of events of each.
        order: some of the sessions.
    """
    blocks = np.cumsum(lengths[order]) // _BLOCK
    cuts = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(order)]
    for begin, end in pairwise(cuts):
        yield order[begin:end]
