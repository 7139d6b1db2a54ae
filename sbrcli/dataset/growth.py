"""Add the events of a newer log to the sessions that a run has learned from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Learned:
    """What a run has learned from."""

    sessions: Sessions
    session_ids: Sequence[int] | Sequence[str]
    """(sessions,)"""

    item_ids: list[str]
    """Of all items, by index."""

    @property
    def last_time(self) -> int | float:
        """The time of the last event, in seconds since 1970 UTC."""
        return self.sessions.timestamps.max().item()


@dataclass(frozen=True, slots=True)
class Grown:
    """The sessions of a run with those of a newer log."""

    sessions: Sessions
    session_ids: list[int] | list[str]
    item_ids: list[str]
    """Those known before, then the new ones in order of appearance."""

    added: Counts
    """New events that are learned from, sessions that begin with them, and new items."""

    continued: int
    """How many earlier sessions go on."""

    seen: int
    """Events of the log that are no later than the last one learned from."""

    dropped: dict[str, Counts]
    """New events that are left out, by reason."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A session with new events, from its first event on."""

    items: IntArray
    times: npt.NDArray[np.generic]
    session_id: int | str
    earlier: int | None
    """Which of the sessions so far it continues."""

    num_new: int


_Find = Callable[[int | str, IntArray, npt.NDArray[np.generic]], int | None]
"""Given a session's id and its earlier events, return which of the sessions so far it continues."""


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
    times = cut[TIMESTAMP].to_numpy()
    is_new = times > learned.last_time
    indices, item_ids = _encode(learned.item_ids, cut, offsets, config)
    is_kept = indices >= 0
    find = _find_by_events(learned) if _has_gaps(config) else _find_by_id(learned)
    ids = _ids_of(cut, offsets)

    found, short = [], Counts()
    for at in np.flatnonzero(_any_in(is_new & is_kept, offsets)).tolist():
        rows = np.arange(offsets[at], offsets[at + 1])
        rows = rows[is_kept[rows]]
        log = _Session(indices[rows], times[rows], ids[at], None, int(is_new[rows].sum()))
        session = _join(learned.sessions, find, log, config)
        if len(session.items) < config.min_session_length:
            short += Counts(log.num_new, 1)
        else:
            found.append(session)
    rare = cut.loc[is_new & ~is_kept, ITEM_ID]
    dropped = {"short_sessions": short, "rare_items": Counts(len(rare), 0, rare.nunique())}
    seen = int(np.count_nonzero(~is_new))
    return _assemble(learned, found, item_ids, _has_gaps(config), seen, dropped)


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


def _ids_of(cut: pd.DataFrame, offsets: IntArray) -> list[int] | list[str]:
    return cut[SESSION_ID].iloc[offsets[:-1]].tolist()


def _any_in(chosen: BoolArray, offsets: IntArray) -> BoolArray:
    """Return which sessions have a chosen event."""
    if len(offsets) < 2:
        return np.zeros(0, np.bool_)
    return np.logical_or.reduceat(chosen, offsets[:-1])


def _find_by_id(learned: Learned) -> _Find:
    number_of = {str(session_id): at for at, session_id in enumerate(learned.session_ids)}
    return lambda session_id, _items, _times: number_of.get(str(session_id))


def _find_by_events(learned: Learned) -> _Find:
    sessions, num_known = learned.sessions, len(learned.item_ids)
    number_of = {}
    for at in range(sessions.num_sessions):
        rows = slice(sessions.offsets[at], sessions.offsets[at + 1])
        key = _key(sessions.item_indices[rows], sessions.timestamps[rows])
        number_of.setdefault(key, at)

    def find(_session_id: int | str, items: IntArray, times: Any) -> int | None:
        known = items < num_known
        return number_of.get(_key(items[known], times[known])) if known.any() else None

    return find


def _key(items: IntArray, times: npt.NDArray[np.generic]) -> bytes:
    return items.astype(np.int32).tobytes() + times.astype(np.float64).tobytes()


def _join(learned: Sessions, find: _Find, log: _Session, config: PrepareConfig) -> _Session:
    """Return a session of the log with the earlier events that are known of it."""
    num_old = len(log.items) - log.num_new
    earlier = find(log.session_id, log.items[:num_old], log.times[:num_old])
    if earlier is None:
        return log
    rows = slice(learned.offsets[earlier], learned.offsets[earlier + 1])
    times = learned.timestamps[rows]
    later = log.times > times.max()
    items = np.concatenate((learned.item_indices[rows], log.items[later]))
    times = np.concatenate((times, log.times[later]))
    num_new = log.num_new
    if config.drop_repeats:
        at = len(items) - np.count_nonzero(later)
        if at < len(items) and items[at] == items[at - 1]:
            items, times = np.delete(items, at), np.delete(times, at)
            num_new -= np.count_nonzero(later) == log.num_new
    return _Session(items, times, log.session_id, earlier, num_new)


def _assemble(
    learned: Learned,
    found: list[_Session],
    item_ids: list[str],
    has_gaps: bool,
    seen: int,
    dropped: dict[str, Counts],
) -> Grown:
    """Append the continued and the new sessions to the others."""
    before, num_known = learned.sessions, len(learned.item_ids)
    replaced = {session.earlier for session in found}
    stays = np.array([at not in replaced for at in range(before.num_sessions)], np.bool_)
    rest = before.only(stays)
    if found:
        lengths = [len(session.items) for session in found]
        later = Sessions(
            np.concatenate([session.items for session in found]),
            np.concatenate(([0], np.cumsum(lengths))),
            np.concatenate([session.times for session in found]),
        )
        rest = rest.followed_by(later)
    # A new item may have been in short sessions alone.
    used = pd.unique(rest.item_indices[rest.item_indices >= num_known])
    index_of = np.arange(len(item_ids), dtype=np.int32)
    index_of[used] = num_known + np.arange(len(used), dtype=np.int32)
    sessions = replace(rest, item_indices=index_of[rest.item_indices], targets=None)
    ids = [one for one, is_left in zip(learned.session_ids, stays, strict=True) if is_left]
    number = max(map(int, learned.session_ids), default=0) if has_gaps else 0
    for session in found:
        if has_gaps and session.earlier is not None:
            ids.append(learned.session_ids[session.earlier])
        elif has_gaps:
            ids.append(number := number + 1)
        else:
            ids.append(session.session_id)
    are_numbers = all(isinstance(one, int) for one in ids)
    begun = sum(session.num_new == len(session.items) for session in found)
    return Grown(
        sessions,
        [int(one) for one in ids] if are_numbers else [str(one) for one in ids],
        [*learned.item_ids, *(item_ids[index] for index in used)],
        Counts(sum(session.num_new for session in found), begun, len(used)),
        len(found) - begun,
        seen,
        dropped,
    )
