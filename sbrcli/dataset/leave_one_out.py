"""Split by leaving out the last events of each session.

This is the protocol of Kang & McAuley 2018 (SASRec, arXiv 1808.09781, section IV-A): the last event
of each session is for test, the one before it for valid, and the rest for train.

    a session of     2 events     3            4               5
    train            a b          a b          a b             a b c
    valid            -            -            a b [c]         a b c [d]
    test             -            a b [c]      a b c [d]       a b c d [e]

A session keeps two events for train, as no model can learn from less. The tables of valid and test
also contain the events before the one left out, which `is_target` marks, so that the targets of a
split do not depend on items that are dropped later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from sbrcli.dataset.cleansing import Cleansing
from sbrcli.dataset.parts import Part
from sbrcli.dataset.sessionize import id_codes, session_offsets
from sbrcli.dataset.split_rule import EmptySplitError, Seen, Settled, Tables
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.engines.engine import Engine
from sbrcli.log.events import ITEM_ID

_LEFT_FOR_TRAIN = 2
"""The minimum number of events of a session in train: an input and a target."""


@dataclass(frozen=True, slots=True, eq=False)
class LastSplit:
    """The split of a log by leaving the last events out; see `SplitRule`.

    Args:
        cleansing: what is left of the log.
        with_valid: leave out two events instead of one.
    """

    cleansing: Cleansing
    with_valid: bool
    note: str | None = None

    checked: ClassVar[Sequence[Split]] = ("valid", "test")

    @property
    def names(self) -> Sequence[Split]:
        """The splits in the order in which their items are numbered."""
        return ("train", "valid", "test") if self.with_valid else ("train", "test")

    def split(self, part: Part) -> Tables:
        """Return the splits of a part before targets of unseen items are dropped."""
        return part.once(
            self, "split", lambda: leave_last_out(part.filtered(self.cleansing), self.with_valid)
        )

    def learn(self, part: Part) -> Tables:
        """Return train, and the targets of valid."""
        raw = self.split(part)
        learned: dict[Split, pd.DataFrame] = {"train": raw["train"]}
        if self.with_valid:
            learned["valid"] = _targets(raw["valid"])
        return learned

    def settle(self, part: Part, seen: Seen) -> Settled:
        """Return the final splits of a part."""
        return part.once(self, "settled", lambda: drop_unseen_targets(self.split(part), seen))

    def explain_empty(self, engine: Engine, parts: Sequence[Part], name: Split) -> EmptySplitError:
        """Return the error for a split without a target."""
        sessions, left_out = engine.merge(_count_targets, parts, self, name, combine=np.add)
        if not left_out:
            least = _LEFT_FOR_TRAIN + (2 if name == "valid" else 1)
            return EmptySplitError(
                f"no session can leave an event out for {name}: none of {sessions:,} has {least} "
                "events or more"
            )
        return EmptySplitError(
            f"no session is left for {name}: of the {left_out:,} events left out, none is of an "
            "item seen before"
        )


def leave_last_out(events: pd.DataFrame, with_valid: bool) -> dict[Split, pd.DataFrame]:
    """Separate the last events of each session from the others.

    Args:
        events: the filtered table; whole sessions, not necessarily all of them.
        with_valid: leave out two events instead of one.

    Returns:
        Tables of whole sessions: train without the events left out, valid without the event of
        test, and test with all events. Valid and test contain all sessions, including those of
        which no event is left out.
    """
    offsets = session_offsets(events)
    ends, lengths = offsets[1:], np.diff(offsets)
    for_test = lengths > _LEFT_FOR_TRAIN
    test = events.assign(**{IS_TARGET: _mark(ends[for_test] - 1, len(events))})
    before_test = ~test[IS_TARGET].to_numpy()
    if not with_valid:
        return {"train": events.take(np.flatnonzero(before_test)), "test": test}
    for_valid = lengths > _LEFT_FOR_TRAIN + 1
    is_valid = _mark(ends[for_valid] - 2, len(events))
    valid = events.assign(**{IS_TARGET: is_valid}).take(np.flatnonzero(before_test))
    train = events.take(np.flatnonzero(before_test & ~is_valid))
    return {"train": train, "valid": valid, "test": test}


def drop_unseen_targets(raw: Tables, seen: Seen) -> Settled:
    """Keep the sessions of valid and test whose target can have been learned.

    A target of valid must occur in train, and a target of test in train or as a target of valid.
    Otherwise, the whole session is dropped from that split. The loss is counted in targets. No
    session is left with a single event, so none is dropped as short.
    """
    tables, losses = dict(raw), {}
    if "valid" in raw:
        tables["valid_full"] = raw["valid"]
    learned: Mapping[Split, np.ndarray] = {"test": seen.in_either, "valid": seen.in_train}
    for name, known_items in learned.items():
        if name in raw:
            tables[name] = _keep_seen(raw[name], known_items)
            targets, kept = _targets(raw[name]), _targets(tables[name])
            losses[f"{name}_unseen_items"] = (targets, kept)
            losses[f"{name}_short_sessions"] = (kept, kept)
    return Settled(tables, losses)


def _mark(rows: np.ndarray, length: int) -> np.ndarray:
    marked = np.zeros(length, np.bool_)
    marked[rows] = True
    return marked


def _targets(events: pd.DataFrame) -> pd.DataFrame:
    return events.take(np.flatnonzero(events[IS_TARGET].to_numpy()))


def _count_targets(part: Part, rule: LastSplit, name: Split) -> np.ndarray:
    """Return the number of sessions of a split, and of its targets before any are dropped."""
    raw = rule.split(part)[name]
    return np.array([len(session_offsets(raw)) - 1, np.count_nonzero(raw[IS_TARGET].to_numpy())])


def _keep_seen(events: pd.DataFrame, seen: np.ndarray) -> pd.DataFrame:
    offsets = session_offsets(events)
    is_asked = events[IS_TARGET].to_numpy() & seen[id_codes(events, ITEM_ID)]
    if not len(is_asked):
        return events
    has_one = np.logical_or.reduceat(is_asked, offsets[:-1])
    return events.take(np.flatnonzero(np.repeat(has_one, np.diff(offsets))))
