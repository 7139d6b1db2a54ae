"""Find the earlier sessions that the sessions of a newer log continue.

Earlier sessions may be more than memory holds: they are looked at block by block, and only the
facts about those that go on are stored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.sessions import Sessions


@dataclass(frozen=True)
class Learned:
    """What a run has learned from."""

    sessions: Sessions

    session_ids: Iterable[pa.Array]
    """For each of `sessions.blocks()` the ids of its sessions: either all int64, or all strings.
    It is iterated over more than once."""

    item_ids: list[str]
    """Of all items, by index."""

    @cached_property
    def last_time(self) -> int | float:
        """The time of the last event, in seconds since 1970 UTC."""
        return self.sessions.timestamps.max().item()

    @cached_property
    def has_integer_ids(self) -> bool:
        """Whether the ids of sessions are integers."""
        return pa.types.is_integer(next(iter(self.session_ids)).type)

    def blocks(self) -> Iterator[tuple[int, Sessions, pa.Array]]:
        """Yield the sessions block by block: the first one's number, the sessions, their ids."""
        begin = 0
        for block, ids in zip(self.sessions.blocks(), self.session_ids, strict=True):
            yield begin, block, ids
            begin += block.num_sessions


@dataclass(frozen=True, slots=True)
class NewerSessions:
    """The sessions of a log that have new events."""

    sessions: Sessions

    ids: list[int] | list[str]
    """(sessions,) as in the log; numbers in this log alone if sessions are made by gaps."""

    is_new: BoolArray
    """(events,) whether an event is later than all that has been learned from."""

    @property
    def owners(self) -> IntArray:
        """(events,) the session of each event."""
        return np.repeat(np.arange(self.sessions.num_sessions), np.diff(self.sessions.offsets))


@dataclass(frozen=True, slots=True)
class Continued:
    """The earlier sessions that a log's sessions continue; each array is (the log's sessions,)."""

    numbers: IntArray
    """Their numbers; -1 where a session begins in the log."""

    lengths: IntArray
    last_items: IntArray
    last_times: npt.NDArray[Any]

    @staticmethod
    def none(log: NewerSessions, learned: Learned) -> "Continued":
        """Return that every session of the log begins there."""
        count = log.sessions.num_sessions
        return Continued(
            np.full(count, -1, np.int64),
            np.zeros(count, np.int64),
            np.full(count, -1, np.int32),
            np.zeros(count, learned.sessions.timestamps.dtype),
        )

    def record(self, begin: int, block: Sessions, places: IntArray) -> None:
        """Store the facts about the sessions of a block that go on.

        Args:
            begin: the number of its first session.
            block: the block.
            places: (block's sessions,) the session of the log that continues each; -1 for none.
        """
        goes_on = places >= 0
        if not goes_on.any():
            return
        chosen, places = block.only(goes_on), places[goes_on]
        self.numbers[places] = begin + np.flatnonzero(goes_on)
        self.lengths[places] = np.diff(chosen.offsets)
        self.last_items[places] = chosen.item_indices[chosen.offsets[1:] - 1]
        self.last_times[places] = np.maximum.reduceat(chosen.timestamps, chosen.offsets[:-1])


def find_by_id(learned: Learned, log: NewerSessions) -> Continued:
    """Find the sessions that go on by their ids; of several with one id, the last."""
    found = Continued.none(log, learned)
    are_integers = all(isinstance(one, int) for one in log.ids)
    wanted = pa.array(log.ids, pa.int64() if are_integers else pa.string())
    kind = wanted.type if learned.has_integer_ids else pa.string()
    wanted = wanted.cast(kind)
    for begin, block, ids in learned.blocks():
        places = pc.index_in(ids.cast(kind), value_set=wanted).fill_null(-1)  # pyright: ignore
        found.record(begin, block, places.to_numpy())
    return found


def find_by_events(
    learned: Learned, log: NewerSessions
) -> tuple[Continued, dict[int, int | str], int]:
    """Find the sessions that go on by all their events, which the log must have.

    Where several earlier sessions have the same events, each is continued once.

    Returns:
        What was found; by the log's session, the id of the earlier one that it continues; and the
        largest id of an earlier session, which are numbers.
    """
    found, earlier_ids, largest = Continued.none(log, learned), {}, 0
    numbers, old = _earlier_events(log, len(learned.item_ids))
    waiting: dict[bytes, list[int]] = {}
    for at, number in enumerate(numbers.tolist()):
        waiting.setdefault(_key(old, at), []).append(number)
    last_times = _last_times(old)
    for begin, block, ids in learned.blocks():
        largest = max(largest, pc.max(ids.cast(pa.int64())).as_py())  # pyright: ignore
        places = np.full(block.num_sessions, -1, np.int64)
        for at in np.flatnonzero(np.isin(_last_times(block), last_times)).tolist():
            those = waiting.get(_key(block, at))
            if those:
                number = those.pop(0)
                places[at], earlier_ids[number] = number, ids[at].as_py()
        found.record(begin, block, places)
    return found, earlier_ids, largest


def _earlier_events(log: NewerSessions, num_known: int) -> tuple[IntArray, Sessions]:
    """Return the events of the log's sessions that can have been learned from.

    Returns:
        The numbers of the sessions that have such events, and these sessions without the others.
    """
    sessions, owners = log.sessions, log.owners
    num_sessions = sessions.num_sessions
    num_old = np.diff(sessions.offsets) - np.bincount(owners[log.is_new], minlength=num_sessions)
    places = np.arange(len(owners)) - sessions.offsets[owners]
    is_old = (places < num_old[owners]) & (sessions.item_indices < num_known)
    lengths = np.bincount(owners[is_old], minlength=num_sessions)
    numbers = np.flatnonzero(lengths)
    offsets = np.concatenate(([0], np.cumsum(lengths[numbers])))
    old = Sessions(sessions.item_indices[is_old], offsets, sessions.timestamps[is_old])
    return numbers, old


def _last_times(sessions: Sessions) -> npt.NDArray[np.float64]:
    """Return the times of the last events: (sessions,), none of them empty."""
    return sessions.timestamps[sessions.offsets[1:] - 1].astype(np.float64)


def _key(sessions: Sessions, number: int) -> bytes:
    """Return what two sessions have in common exactly if their items and times are the same."""
    rows = slice(sessions.offsets[number], sessions.offsets[number + 1])
    items, times = sessions.item_indices[rows], sessions.timestamps[rows]
    return items.astype(np.int32).tobytes() + times.astype(np.float64).tobytes()
