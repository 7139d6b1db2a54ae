"""The times of the targets of a split, relative to the last training event.

A session belongs to a split by its end, so its first targets may be older than what a model has
learned from.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Self

import numpy as np

from sbrcli.artefacts.dataset import TargetTimes
from sbrcli.log.columns.times import format_time
from sbrcli.sessions import Sessions

MIN_LATER_SHARE = 0.5
"""A smaller share of targets after the end of train causes a warning."""


@dataclass(frozen=True, slots=True)
class Timeline(TargetTimes):
    """The times of the targets of a split."""

    @classmethod
    def of(cls, sessions: Sessions, train_last: float) -> Self | None:
        """Return the times of a split's targets; None if it has none.

        Args:
            sessions: the split.
            train_last: time of the last training event, in seconds since 1970 UTC.
        """
        return cls.spanning(find_targets(sessions, train_last), train_last)

    @classmethod
    def spanning(cls, found: "TargetSpan", train_last: float) -> Self | None:
        """Return the times of counted targets; None if there are none."""
        if not found.targets:
            return None
        share = found.later / found.targets
        return cls(format_time(train_last), format_time(found.first), share)

    def in_zone(self, zone: tzinfo) -> Self:
        """Return a copy with times in another time zone."""
        train, target = (
            datetime.fromisoformat(time).astimezone(zone).isoformat()
            for time in (self.train_last_time, self.first_target_time)
        )
        return type(self)(train, target, self.targets_after_train)


@dataclass(frozen=True, slots=True)
class TargetSpan:
    """The targets of a split, or of a part of it.

    Args:
        targets: how many there are.
        later: how many are later than the last training event.
        first: the time of the first; infinity without one.
    """

    targets: int
    later: int
    first: float

    def __add__(self, other: "TargetSpan") -> "TargetSpan":
        return TargetSpan(
            self.targets + other.targets, self.later + other.later, min(self.first, other.first)
        )


def find_targets(sessions: Sessions, train_last: float) -> TargetSpan:
    """Count the targets of a split, or of a part of it, by their times."""
    times = sessions.timestamps[sessions.target_mask].astype(np.float64)
    first = times.min().item() if len(times) else math.inf
    return TargetSpan(len(times), int(np.count_nonzero(times > train_last)), first)


def find_early_targets(
    timelines: Mapping[str, Timeline], suggested_gap: int | None = None
) -> Iterator[str]:
    """Yield a warning if most targets of test are no later than the last training event.

    Args:
        timelines: by split.
        suggested_gap: the gap in seconds that sbr stats suggests for the log; None if there is
            none, or if sessions are not users.
    """
    test = timelines.get("test")
    if test is None or test.targets_after_train >= MIN_LATER_SHARE:
        return
    remedy = "; --split time prevents this"
    if suggested_gap is not None:
        remedy += f", and --session gap:{suggested_gap} makes sessions shorter"
    yield (
        f"only {100 * test.targets_after_train:.0f} % of the test targets are later than the last "
        f"training event ({test.train_last_time[:10]}), because a session belongs to test by its "
        f"end and sessions are long{remedy}"
    )
