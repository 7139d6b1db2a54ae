"""The figures of a part of a log of whole users, which add up to those of the log."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.log.quality.gap_suggestion import count_gaps
from sbrcli.log.quality.grouping import Grouped, count_distinct_pairs, group_events


@dataclass(frozen=True, slots=True)
class Part:
    """The events of whole users, or of whole sessions in a log without users.

    Args:
        sessions: (events,) the session of each event; rows of one session with the same time are
            in file order.
        users: (events,) the user of each event; None if these are the sessions, or if there are
            none.
        has_users: whether the log has users.
        items: (events,) item codes.
        num_items: the number of items of the whole log.
        times: (events,) seconds.
    """

    sessions: pd.Series
    users: pd.Series | None
    has_users: bool
    items: IntArray
    num_items: int
    times: np.ndarray


@dataclass(frozen=True, slots=True)
class PartFigures:
    """Counts of a part, or of several.

    Args:
        lengths: number of sessions by their number of events.
        num_people: number of users; of sessions in a log without users.
        num_single: how many of these have one event.
        num_pairs: distinct (user, item) pairs, or (session, item) pairs without users.
        steps: pairs of consecutive events of a user (a session), and those with equal times.
        repeats: pairs of consecutive events of a session, and those with the same item.
        duplicates: events that equal an earlier one in session, item and time.
        gaps: gaps between events of a user, as `count_gaps` counts them.
        is_seen_before: (items,) which items have an event before the recent ones.
        is_seen_lately: (items,) which items have a recent event.
    """

    lengths: Counter[int]
    num_people: int
    num_single: int
    num_pairs: int
    steps: tuple[int, int]
    repeats: tuple[int, int]
    duplicates: int
    gaps: IntArray
    is_seen_before: BoolArray
    is_seen_lately: BoolArray

    @property
    def num_sessions(self) -> int:
        """The number of sessions."""
        return self.lengths.total()

    def __add__(self, other: "PartFigures") -> "PartFigures":
        return PartFigures(
            lengths=self.lengths + other.lengths,
            num_people=self.num_people + other.num_people,
            num_single=self.num_single + other.num_single,
            num_pairs=self.num_pairs + other.num_pairs,
            steps=_add(self.steps, other.steps),
            repeats=_add(self.repeats, other.repeats),
            duplicates=self.duplicates + other.duplicates,
            gaps=self.gaps + other.gaps,
            is_seen_before=self.is_seen_before | other.is_seen_before,
            is_seen_lately=self.is_seen_lately | other.is_seen_lately,
        )


def measure(part: Part, recent_from: float) -> PartFigures:
    """Count a part that has an event.

    Args:
        part: the part.
        recent_from: the time from which events are recent.
    """
    items, times = part.items, part.times
    sessions = group_events(part.sessions, items, times)
    people = sessions if part.users is None else group_events(part.users, items, times)
    lengths, counts = np.unique(sessions.lengths, return_counts=True)
    is_recent = times >= recent_from
    num_items = part.num_items
    gaps = np.diff(people.times)[people.is_step] if part.has_users else np.zeros(0, np.int64)
    return PartFigures(
        lengths=Counter(dict(zip(lengths.tolist(), counts.tolist(), strict=True))),
        num_people=people.num_groups,
        num_single=int((people.lengths == 1).sum()),
        num_pairs=count_distinct_pairs(people.groups, people.items),
        steps=_count_steps(people, np.diff(people.times) == 0),
        repeats=_count_steps(sessions, np.diff(sessions.items) == 0),
        duplicates=_count_duplicates(sessions),
        gaps=count_gaps(gaps),
        is_seen_before=np.bincount(items[~is_recent], minlength=num_items) > 0,
        is_seen_lately=np.bincount(items[is_recent], minlength=num_items) > 0,
    )


def _add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _count_steps(groups: Grouped, is_so: BoolArray) -> tuple[int, int]:
    """Count the steps from an event to the next in its group, and those with a property."""
    return int(groups.is_step.sum()), int((groups.is_step & is_so).sum())


def _count_duplicates(sessions: Grouped) -> int:
    """Count events that repeat the session, item and time of an earlier one."""
    # Only neighbours with equal times can be duplicates; compare the items within each time.
    same = sessions.is_step & (np.diff(sessions.times) == 0)
    time_codes = np.concatenate(([0], np.cumsum(~same)))
    shared = np.concatenate((same, [False])) | np.concatenate(([False], same))
    return int(shared.sum()) - count_distinct_pairs(time_codes[shared], sessions.items[shared])
