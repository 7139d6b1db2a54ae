"""The times of the targets of a split, relative to the last training event.

A session belongs to a split by its end, so its first targets may be older than what a model has
learned from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any, Self

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
        times = sessions.timestamps[sessions.target_mask].astype(np.float64)
        if not len(times):
            return None
        return cls(
            format_time(train_last),
            format_time(times.min().item()),
            float(np.count_nonzero(times > train_last) / len(times)),
        )

    def in_zone(self, zone: tzinfo) -> Self:
        """Return a copy with times in another time zone."""
        train, target = (
            datetime.fromisoformat(time).astimezone(zone).isoformat()
            for time in (self.train_last_time, self.first_target_time)
        )
        return type(self)(train, target, self.targets_after_train)


def describe_timelines(sessions: Mapping[str, Sessions]) -> dict[str, dict[str, Any]]:
    """Return the times of the targets of valid and test, for a manifest.

    Args:
        sessions: the existing splits, by name; at least train.
    """
    train_last = sessions["train"].timestamps.max().item()
    found = {name: Timeline.of(sessions[name], train_last)
             for name in ("valid", "test") if name in sessions}  # fmt: skip
    return {name: asdict(timeline) for name, timeline in found.items() if timeline is not None}


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
