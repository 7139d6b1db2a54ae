"""Split by date: the sessions that end last are scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cleansing import Cleansing
from sbrcli.dataset.cuts import Cut, Times, choose_cuts, describe_cuts
from sbrcli.dataset.filters import drop_short_sessions, keep_items
from sbrcli.dataset.parts import Part
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.dataset.split_rule import EmptySplitError, Seen, Settled, SplitRule, Tables
from sbrcli.dataset.storage import Split
from sbrcli.engines.engine import Engine
from sbrcli.log.columns.times import format_time
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True)
class Splits:
    """Event tables of whole sessions, each in the dataset's order."""

    train: pd.DataFrame
    valid: pd.DataFrame | None
    test: pd.DataFrame | None
    note: str | None = None
    """A description of the cuts, if shares were used."""

    def tables(self) -> dict[Split, pd.DataFrame | None]:
        """Return the splits by name; None for a missing valid or test."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


@dataclass(frozen=True, slots=True)
class DateCuts:
    """The moments from which sessions that end then belong to valid and to test.

    None if there is no such split.
    """

    valid_from: float | None
    test_from: float | None
    note: str | None = None

    def split(self, events: pd.DataFrame) -> dict[Split, pd.DataFrame]:
        """Separate the sessions of a table by their ends."""
        found: dict[Split, pd.DataFrame] = {}
        rest = events
        bounds: dict[Split, float | None] = {"test": self.test_from, "valid": self.valid_from}
        for name, bound in bounds.items():
            if bound is not None:
                rest, found[name] = split_at(rest, bound)
        found["train"] = rest
        return found


@dataclass(frozen=True, slots=True, eq=False)
class DateSplit:
    """The split by date of a log whose cuts are known; see `SplitRule`."""

    cleansing: Cleansing
    cuts: DateCuts

    checked: ClassVar[Sequence[Split]] = ("test", "valid")

    @property
    def note(self) -> str | None:
        """A description of the cuts, if shares were used."""
        return self.cuts.note

    @property
    def names(self) -> Sequence[Split]:
        """The splits in the order in which their items are numbered."""
        bounds: dict[Split, float | None] = {
            "valid": self.cuts.valid_from,
            "test": self.cuts.test_from,
        }
        return ("train", *(name for name, bound in bounds.items() if bound is not None))

    def split(self, part: Part) -> Tables:
        """Return the splits of a part before unseen items are dropped."""
        return part.once(self, "split", lambda: self.cuts.split(part.filtered(self.cleansing)))

    def learn(self, part: Part) -> Tables:
        """Return the tables whose items can be learned."""
        return self.split(part)

    def settle(self, part: Part, seen: Seen) -> Settled:
        """Return the final splits of a part."""
        return part.once(self, "settled", lambda: drop_unseen(self.split(part), seen))

    def explain_empty(self, engine: Engine, parts: Sequence[Part], name: Split) -> EmptySplitError:
        """Return the error for a split without a target."""
        return EmptySplitError(nothing_left(engine, parts, self, name))


def session_ends(events: pd.DataFrame) -> np.ndarray:
    """Return the time of each session's last event: (sessions,), seconds since 1970 UTC."""
    if events.empty:
        return events[TIMESTAMP].to_numpy()
    # Not simply the last row: sessions cut across users contain steps back in time.
    return np.maximum.reduceat(events[TIMESTAMP].to_numpy(), session_offsets(events)[:-1])


def split_at(events: pd.DataFrame, bound: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Separate the sessions that end before `bound` from the others."""
    ends_late = np.repeat(session_ends(events) >= bound, np.diff(session_offsets(events)))
    return events.take(np.flatnonzero(~ends_late)), events.take(np.flatnonzero(ends_late))


def decide_date_split(
    engine: Engine, parts: Sequence[Part], cleansing: Cleansing, first: float, config: PrepareConfig
) -> DateSplit:
    """Decide where valid and test begin.

    Args:
        engine: finds out when sessions end.
        parts: of one log.
        cleansing: what is left of it.
        first: the time of the first event that is left.
        config: days and shares.

    Raises:
        EmptySplitError: nothing is left for train.
    """
    ends = engine.merge(find_ends, parts, cleansing, combine=Times.__add__)
    return DateSplit(cleansing, cut_by_date(ends, first, config))


def find_ends(part: Part, cleansing: Cleansing) -> Times:
    """Return the times at which the sessions of a part end."""
    return Times.of(session_ends(part.filtered(cleansing)))


def cut_by_date(ends: Times, first: float, config: PrepareConfig) -> DateCuts:
    """Split off the sessions that end last as test, and those that end before them as valid.

    The days of test are measured back from the last event, including the bound, and those of valid
    from the last event outside test. 0 days make no split.

    Args:
        ends: of all sessions.
        first: the time of the first event.
        config: days and shares.

    Raises:
        EmptySplitError: nothing is left for train.
    """
    cuts = choose_cuts(ends, first, ends.last, config)
    rest, found = ends, {}
    described = {"test": ends.before(ends.first), "valid": ends.before(ends.first)}
    for name, cut in (("test", cuts.test), ("valid", cuts.valid)):
        if not cut.is_nothing:
            found[name] = _find_bound(rest, cut, name, len(ends))
            rest, described[name] = rest.before(found[name]), rest.since(found[name])
    uses_shares = cuts.test.share is not None or cuts.valid.share is not None
    note = describe_cuts(described, len(rest)) if uses_shares else None
    return DateCuts(found.get("valid"), found.get("test"), note)


def _find_bound(ends: Times, cut: Cut, name: str, total: int) -> float:
    bound = cut.bound(ends, ends.last, total)
    if not len(ends.before(bound)):
        number, times = _ends_in_words(ends)
        raise EmptySplitError(
            f"no session is left for train: {number} of {number} end within the {cut} of {name}, "
            f"{times}"
        )
    return bound


def drop_unseen(raw: Tables, seen: Seen) -> Settled:
    """Drop items that no model can have learned, then sessions without a target.

    Items seen neither in train nor in valid are dropped from test, and items unseen in train from
    valid; then sessions with a single event are dropped. Both may leave nothing.
    """
    tables, losses = dict(raw), {}
    if "valid" in raw:
        tables["valid_full"] = raw["valid"]
    learned: dict[Split, np.ndarray] = {"test": seen.in_either, "valid": seen.in_train}
    for name, known_items in learned.items():
        if name in raw:
            known = keep_items(raw[name], known_items)
            tables[name] = drop_short_sessions(known, 2)
            losses[f"{name}_unseen_items"] = (raw[name], known)
            losses[f"{name}_short_sessions"] = (known, tables[name])
    return Settled(tables, losses)


def nothing_left(engine: Engine, parts: Sequence[Part], rule: SplitRule, name: Split) -> str:
    """Return the message for a split in which no session has a target."""
    ends = engine.merge(_find_ends_of_split, parts, rule, name, combine=Times.__add__)
    number, times = _ends_in_words(ends)
    return (
        f"no session is left for {name}: of its {number}, which end {times}, none has 2 events of "
        "items seen before"
    )


def _find_ends_of_split(part: Part, rule: SplitRule, name: Split) -> Times:
    return Times.of(session_ends(rule.split(part)[name]))


def _ends_in_words(ends: Times) -> tuple[str, str]:
    """Return the number of sessions, and when the first and the last one end."""
    first, last = format_time(ends.first), format_time(ends.last)
    return f"{len(ends):,}", f"from {first} to {last}"
