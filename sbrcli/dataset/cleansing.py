"""Drop short sessions and rare items until nothing changes, on one part or on many.

What a round needs to know about the whole log is the set of items that are kept: which sessions are
too short follows from it. So a round is a function of a part and of this set, and can run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sbrcli.arrays import BoolArray
from sbrcli.artefacts.dataset import Counts
from sbrcli.dataset.filters import drop_short_sessions, keep_items
from sbrcli.dataset.parts import MemoryPart, Part
from sbrcli.dataset.tally import Tally, add_each
from sbrcli.engines.engine import Engine
from sbrcli.engines.local import HERE
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True, eq=False)
class Cleansing:
    """The state of cleansing after a round.

    Args:
        min_session_length: the bound of sessions.
        until: only events before this moment are cleansed; None for all.
        kept: (categories,) which items are kept; None before the first round.
    """

    min_session_length: int
    until: float | None = None
    kept: BoolArray | None = None

    def keep(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return the events before `until` of the items kept, in sessions of any length."""
        if self.until is not None:
            is_before = events[TIMESTAMP].to_numpy() < self.until
            events = events if is_before.all() else events.take(np.flatnonzero(is_before))
        return events if self.kept is None else keep_items(events, self.kept)

    def apply(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return the events that are left after this round."""
        return drop_short_sessions(self.keep(events), self.min_session_length)


@dataclass(frozen=True, slots=True)
class Cleansed:
    """A cleansed log.

    Args:
        cleansing: what is left of any part.
        left: the size of what is left.
        dropped: what was dropped, as `short_sessions` and as `rare_items`.
    """

    cleansing: Cleansing
    left: Tally
    dropped: dict[str, Counts]


def cleanse_parts(
    engine: Engine,
    parts: Sequence[Part],
    min_session_length: int,
    min_item_support: int,
    until: float | None = None,
) -> Cleansed:
    """Drop short sessions, then rare items, and repeat until nothing changes.

    Args:
        engine: runs the rounds.
        parts: of one log.
        min_session_length: the number of events that a session must have.
        min_item_support: the number of events that an item must have.
        until: leave out the events from this moment on.
    """
    done = Cleansing(min_session_length, until)
    before, left = engine.merge(run_round, parts, None, done, combine=add_each)
    short, rare = before.counts - left.counts, Counts()
    while True:
        kept = left.of_items >= min_item_support
        if not left.of_items[~kept].any():
            return Cleansed(done, left, {"short_sessions": short, "rare_items": rare})
        following = Cleansing(min_session_length, until, kept)
        between, after = engine.merge(run_round, parts, done, following, combine=add_each)
        rare += left.counts - between.counts
        short += between.counts - after.counts
        done, left = following, after


def run_round(part: Part, done: Cleansing | None, following: Cleansing) -> tuple[Tally, Tally]:
    """Run a round on a part: drop the items that are not kept, then short sessions.

    Args:
        part: the part.
        done: the round before; None if this is the first.
        following: this round.

    Returns:
        What is left after each of the two steps.
    """
    events = part.load() if done is None else part.filtered(done)
    common = following.keep(events)
    long = drop_short_sessions(common, following.min_session_length)
    part.hold(following, long)
    before = Tally.of(common)
    return before, before if long is common else Tally.of(long)


def cleanse(
    events: pd.DataFrame, min_session_length: int, min_item_support: int
) -> tuple[pd.DataFrame, dict[str, Counts]]:
    """Cleanse one table.

    Returns:
        The remaining table, which satisfies both bounds, and what was dropped, by reason.
    """
    part = MemoryPart(events)
    found = cleanse_parts(HERE, [part], min_session_length, min_item_support)
    return part.filtered(found.cleansing), found.dropped
