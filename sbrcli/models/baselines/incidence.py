"""The incidence of sessions and items, as sparse matrices that are built block by block."""

from collections.abc import Iterable
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
class Holders:
    """The most recent sessions with each item, item by item, the most recent first."""

    sessions: IntArray
    """(holders,) int64, the type that NumPy indexes by: the rows of the incidence."""

    data: IntArray
    """(holders,) int32, what the incidence says of the item in the session."""

    cuts: IntArray
    """(num_items + 1,) int64; item i has the holders from `cuts[i]` to before `cuts[i + 1]`."""


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
    # Memory is taken only where it is written to.
    data, items = (np.empty(len(sessions.item_indices), np.int32) for _ in range(2))
    chosen, counts, filled = [], [], 0
    for begin, end in pairwise(_cut_into_blocks(sessions, order)):
        some = order[begin:end]
        places = last_places(sessions.take(some), num_items)
        is_recent = _are_recent(places, sessions_of, most)
        sessions_of += np.bincount(places.indices, minlength=num_items)
        if not is_recent.all():
            places = sparse.csr_array(places[is_recent])
        written = slice(filled, filled + places.nnz)
        data[written], items[written] = places.data, places.indices
        filled = written.stop
        chosen.append(some[is_recent])
        counts.append(np.diff(places.indptr))
    kept = np.concatenate(chosen)
    ends = sessions.timestamps[sessions.offsets[kept + 1] - 1].astype(np.float64)
    places = _make_rows(data[:filled], items[:filled], np.concatenate(counts), num_items)
    return RecentSessions(places, ends, sessions_of, len(order))


def find_holders(incidence: sparse.csr_array, num_items: int, most: int) -> Holders:
    """Return the first rows with each item.

    Args:
        incidence: (sessions, num_items) integers, the most recent session first.
        num_items: the number of items.
        most: the number of rows of an item.
    """
    num_sessions = len(incidence.indptr) - 1
    counts = np.zeros(num_items, np.int64)
    for begin in range(0, incidence.nnz, _BLOCK):
        items = incidence.indices[begin : begin + _BLOCK]
        counts += np.bincount(items, minlength=num_items)
    cuts = np.concatenate(([0], np.cumsum(np.minimum(counts, most))))
    sessions, data = np.empty(cuts[-1], np.int64), np.empty(cuts[-1], np.int32)
    filled = cuts[:-1].copy()
    for begin, end in pairwise(_cut_rows(incidence.indptr[1:])):
        is_whole = end - begin == num_sessions
        by_item = (incidence if is_whole else incidence[begin:end]).tocsc()
        wanted = np.minimum(np.diff(by_item.indptr), cuts[1:] - filled)
        source = count_up_from(by_item.indptr[:-1], wanted)
        to = slice(None) if is_whole else count_up_from(filled, wanted)
        sessions[to] = by_item.indices[source]
        sessions[to] += begin
        data[to] = by_item.data[source]
        filled += wanted
    return Holders(sessions, data, cuts)


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
        is_recent[by_item.indices[count_up_from(by_item.indptr[:-1], wanted)]] = True
    return is_recent


def count_up_from(begins: IntArray, counts: IntArray) -> IntArray:
    """Return consecutive positions of each row, row by row.

    Args:
        begins: (rows,) the first position of each.
        counts: (rows,) how many.
    """
    ends = np.cumsum(counts, dtype=np.int64)
    positions = np.arange(ends[-1] if len(ends) else 0)
    positions += np.repeat(begins - (ends - counts), counts)
    return positions


def _recent_first(sessions: Sessions) -> IntArray:
    """Return the numbers of the sessions that are not empty, the most recent first."""
    filled = np.flatnonzero(np.diff(sessions.offsets))
    ends = sessions.timestamps[sessions.offsets[filled + 1] - 1]
    order = filled[np.argsort(ends, kind="stable")[::-1]]
    return order.astype(position_type(sessions.num_sessions), copy=False)


def _cut_into_blocks(sessions: Sessions, order: IntArray) -> list[int]:
    """Return where an order of sessions is cut, so that pieces have few events or one session."""
    lengths = sessions.offsets[order + 1]
    lengths -= sessions.offsets[order]
    return _cut_rows(np.cumsum(lengths, out=lengths))


def _cut_rows(ends: IntArray) -> list[int]:
    """Return where rows are cut, so that pieces have few entries or are one row.

    Args:
        ends: ascending, the number of entries up to the end of each row.
    """
    blocks = ends // _BLOCK
    return [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
