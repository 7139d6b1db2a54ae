"""Add the events of a newer log to the sessions that a run has learned from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.continuation import (
    Continued,
    Learned,
    NewerSessions,
    find_by_events,
    find_by_id,
)
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.sessions import Sessions, block_bounds


@dataclass(frozen=True, slots=True)
class Additions:
    """The number of events that a log adds to the sessions of a run."""

    added: Counts
    """New events that are learned from, sessions that begin with them, and new items."""

    continued: int
    """How many earlier sessions go on."""

    dropped: dict[str, Counts]
    """New events that are left out, by reason."""


@dataclass(frozen=True, slots=True)
class Grown:
    """The sessions of a run with those of a newer log."""

    learned: Learned

    newer: Sessions
    """What the log adds, and to which sessions: (sessions with new events)."""

    newer_ids: list[int | str]
    """The ids of these sessions."""

    earlier: IntArray
    """The earlier session that each of them continues, which then stands in its place; -1 for a
    session that begins in the log."""

    earlier_lengths: IntArray
    """The number of events of each earlier session; 0 for a session that begins in the log."""

    item_ids: list[str]
    """Those known before, then the new ones in order of appearance."""

    additions: Additions

    @property
    def last_time(self) -> int | float:
        """The time of the last event, in seconds since 1970 UTC."""
        if not len(self.newer.timestamps):
            return self.learned.last_time
        return max(self.learned.last_time, self.newer.timestamps.max().item())

    def blocks(self) -> Iterator[tuple[Sessions, pa.Array]]:
        """Yield all sessions with their ids, some at a time: first those that do not go on.

        The ids are all int64, or all strings.
        """
        times = np.result_type(self.learned.sessions.timestamps, self.newer.timestamps)
        are_integers = self.learned.has_integer_ids and all(
            isinstance(one, int) for one in self.newer_ids
        )
        kind = pa.int64() if are_integers else pa.string()
        for block, ids in chain(self._others(), self._newest(kind)):
            seconds = block.timestamps.astype(times, copy=False)
            yield replace(block, timestamps=seconds, targets=None), ids.cast(kind)

    def _others(self) -> Iterator[tuple[Sessions, pa.Array]]:
        """Yield the earlier sessions that do not go on."""
        go_on = np.sort(self.earlier[self.earlier >= 0])
        for begin, block, ids in self.learned.blocks():
            first, last = np.searchsorted(go_on, (begin, begin + block.num_sessions))
            if first == last:
                yield block, ids
            elif last - first < block.num_sessions:
                stays = np.ones(block.num_sessions, np.bool_)
                stays[go_on[first:last] - begin] = False
                yield block.only(stays), ids.filter(pa.array(stays))

    def _newest(self, kind: pa.DataType) -> Iterator[tuple[Sessions, pa.Array]]:
        """Yield the sessions with new events, with the earlier events of those that go on."""
        before, newer = self.learned.sessions, self.newer
        more = np.diff(newer.offsets)
        offsets = np.concatenate(([0], np.cumsum(self.earlier_lengths + more)))
        for begin, end in block_bounds(offsets):
            lengths, own = self.earlier_lengths[begin:end], newer.part(begin, end)
            places = offsets[begin : end + 1] - offsets[begin]
            old = _ranges(before.offsets[self.earlier[begin:end]], lengths)
            old_places = _ranges(places[:-1], lengths)
            own_places = _ranges(places[:-1] + lengths, more[begin:end])
            items = np.empty(places[-1], np.int32)
            items[old_places], items[own_places] = before.item_indices[old], own.item_indices
            times = np.empty(places[-1], np.result_type(before.timestamps, newer.timestamps))
            times[old_places], times[own_places] = before.timestamps[old], own.timestamps
            ids = self.newer_ids[begin:end]
            texts = ids if kind == pa.int64() else [str(one) for one in ids]
            yield Sessions(items, places, times), pa.array(texts, kind)


def grow(learned: Learned, cut: pd.DataFrame, config: PrepareConfig) -> Grown:
    """Add a log's later events to sessions.

    A continued session keeps its earlier events: those of `learned`, found by the session's id,
    and later ones that the log has of it. Sessions made by gaps have no lasting id; they are found
    by their earlier events, which the log must hold. An item is new if the log has enough events
    of it in sessions that are long enough.

    Args:
        learned: the sessions so far.
        cut: the log in sessions, as `build.cut_into_sessions` returns it.
        config: how the earlier sessions were made: its session rule and filters hold here too.
    """
    offsets = session_offsets(cut)
    is_new = cut[TIMESTAMP].to_numpy() > learned.last_time
    indices, item_ids = _encode(learned.item_ids, cut, offsets, config)
    log = _find_newer(cut, offsets, indices, is_new)
    if _has_gaps(config):
        found, earlier_ids, largest = find_by_events(learned, log)
        numbers = count(largest + 1)
    else:
        found, earlier_ids, numbers = find_by_id(learned, log), dict(enumerate(log.ids)), count()

    owners = log.owners
    taken = _take_later(log, owners, found, config)
    num_new, num_taken = _count(owners[taken & log.is_new], log), _count(owners[taken], log)
    lengths = found.lengths + num_taken
    is_long = lengths >= config.min_session_length
    taken &= is_long[owners]
    items, used = _renumber(log.sessions.item_indices[taken], len(learned.item_ids))

    rare = cut.loc[is_new & (indices < 0), ITEM_ID]
    num_short = np.count_nonzero(log.is_new & ~is_long[owners])
    dropped = {
        "short_sessions": Counts(int(num_short), int(np.count_nonzero(~is_long))),
        "rare_items": Counts(len(rare), 0, rare.nunique()),
    }
    begun = int(np.count_nonzero(num_new[is_long] == lengths[is_long]))
    added = Counts(int(num_new[is_long].sum()), begun, len(used))
    chosen = np.flatnonzero(is_long)
    newer_offsets = np.concatenate(([0], np.cumsum(num_taken[chosen])))
    return Grown(
        learned,
        Sessions(items, newer_offsets, log.sessions.timestamps[taken]),
        [earlier_ids[at] if at in earlier_ids else next(numbers) for at in chosen.tolist()],
        found.numbers[chosen],
        found.lengths[chosen],
        [*learned.item_ids, *(item_ids[index] for index in used)],
        Additions(added, len(chosen) - begun, dropped),
    )


def _has_gaps(config: PrepareConfig) -> bool:
    return config.session is not None and SessionRule.parse(config.session).kind == "gap"


def _encode(
    known: list[str], cut: pd.DataFrame, offsets: IntArray, config: PrepareConfig
) -> tuple[IntArray, list[str]]:
    """Return the events' item indices, -1 for rare items, and the ids of all items."""
    codes, ids = pd.factorize(cut[ITEM_ID])
    lengths = np.diff(offsets)
    is_long = np.repeat(lengths >= config.min_session_length, lengths)
    counts = np.bincount(codes[is_long], minlength=len(ids))
    index_of = {item_id: index for index, item_id in enumerate(known)}
    item_ids, indices = list(known), np.full(len(ids), -1, np.int32)
    for code, item_id in enumerate(map(str, ids)):
        index = index_of.get(item_id, -1)
        if index < 0 and counts[code] >= config.min_item_support:
            index = len(item_ids)
            item_ids.append(item_id)
        indices[code] = index
    return indices[codes], item_ids


def _find_newer(
    cut: pd.DataFrame, offsets: IntArray, indices: IntArray, is_new: BoolArray
) -> NewerSessions:
    """Return the log's sessions with new events, without its rare items."""
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    is_kept = indices >= 0
    chosen = np.zeros(len(offsets) - 1, np.bool_)
    chosen[owners[is_new & is_kept]] = True
    rows = np.flatnonzero(is_kept & chosen[owners])
    lengths = np.bincount(owners[rows], minlength=len(chosen))[chosen]
    return NewerSessions(
        Sessions(
            indices[rows],
            np.concatenate(([0], np.cumsum(lengths))),
            cut[TIMESTAMP].to_numpy()[rows],
        ),
        cut[SESSION_ID].iloc[offsets[:-1][chosen]].tolist(),
        is_new[rows],
    )


def _take_later(
    log: NewerSessions, owners: IntArray, found: Continued, config: PrepareConfig
) -> BoolArray:
    """Return which of the log's events are added: (events,)."""
    items = log.sessions.item_indices
    goes_on = found.numbers[owners] >= 0
    taken = ~goes_on | np.greater(log.sessions.timestamps, found.last_times[owners])
    if config.drop_repeats:
        rows = np.flatnonzero(taken)
        firsts = rows[np.concatenate(([True], np.diff(owners[rows]) > 0))[: len(rows)]]
        repeats = goes_on[firsts] & (items[firsts] == found.last_items[owners[firsts]])
        taken[firsts[repeats]] = False
    return taken


def _count(owners: IntArray, log: NewerSessions) -> IntArray:
    """Count the events of each of the log's sessions."""
    return np.bincount(owners, minlength=log.sessions.num_sessions)


def _renumber(items: IntArray, num_known: int) -> tuple[IntArray, list[int]]:
    """Number the new items by appearance, as one may have been in short sessions alone.

    Returns:
        The items with the new numbers, and the former number of each new item.
    """
    used = pd.unique(items[items >= num_known])
    index_of = np.arange(max(num_known, items.max(initial=0) + 1), dtype=np.int32)
    index_of[used] = num_known + np.arange(len(used), dtype=np.int32)
    return index_of[items], used.tolist()


def _ranges(begins: IntArray, lengths: IntArray) -> IntArray:
    """Return ranges of integers, one after the other: [5, 9], [2, 1] -> [5, 6, 9]."""
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) + np.repeat(begins - (ends - lengths), lengths)
