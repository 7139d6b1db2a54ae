"""Split by time: train is before one moment, and test after it.

A time T cuts the log, and an earlier time V cuts the part before T. A session may span a cut: its
events before the cut are context, and those from the cut on are targets.

    a session's events      before V     V to T      from T on
    train                   a b          -           -
    valid                   a b          [c]         -
    test                    a b          c           [d] [e]

Context is input, never a target. So a model learns nothing from after the time of its targets,
which `--split date` cannot guarantee for overlapping sessions. Only train is cleansed: which items
are rare is not learned from the future. Items that train lacks stay in valid and test, and count as
unknown in an evaluation.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cleansing import Cleansed, Cleansing, cleanse_parts
from sbrcli.dataset.cuts import Cut, Times, choose_cuts
from sbrcli.dataset.parts import Part
from sbrcli.dataset.sessionize import DAY_SECONDS, session_offsets
from sbrcli.dataset.split_rule import EmptySplitError, Seen, Settled, Tables, take_where
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.engines.engine import Engine
from sbrcli.log.columns.times import format_time
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True, eq=False)
class TimeSplit:
    """The split of a log at one or two moments; see `SplitRule`.

    Args:
        train: what is left of the events before `valid_from`.
        full: what is left of the events before `test_from`, for a refit; None without valid.
        valid_from: the moment V; infinity without valid and test.
        test_from: the moment T; infinity without test.
        note: a description of the cuts.
    """

    train: Cleansing
    full: Cleansing | None
    valid_from: float
    test_from: float
    note: str | None = None

    checked: ClassVar[Sequence[Split]] = ("test", "valid")

    @property
    def names(self) -> Sequence[Split]:
        """The splits in the order in which their items are numbered.

        A refit's items are the first, as train's are.
        """
        later: tuple[Split, ...] = () if self.full is None else ("valid_full", "valid")
        return ("train", *later, *(("test",) if self.test_from < math.inf else ()))

    def split(self, part: Part) -> Tables:
        """Return the splits of a part."""
        return self._made(part).tables

    def learn(self, part: Part) -> Tables:
        """Return train; unseen items are not dropped."""
        return {"train": self.split(part)["train"]}

    def settle(self, part: Part, seen: Seen) -> Settled:  # noqa: ARG002
        """Return the splits of a part, and what none of them contains as its own."""
        return self._made(part)

    def explain_empty(self, engine: Engine, parts: Sequence[Part], name: Split) -> EmptySplitError:  # noqa: ARG002
        """Return the error for a split without a target."""
        since = format_time(self.valid_from if name == "valid" else self.test_from)
        return EmptySplitError(
            f"no session is left for {name}: no event from {since} on follows another one of its "
            "session"
        )

    def _made(self, part: Part) -> Settled:
        return part.once(self, "settled", lambda: self._make(part))

    def _make(self, part: Part) -> Settled:
        events = part.load()
        tables: dict[Split, pd.DataFrame] = {"train": part.filtered(self.train)}
        losses = {}
        if self.test_from < math.inf:
            tables["test"], alone = _keep_with_targets(events, self.test_from)
            losses |= _lose("test", alone)
        if self.full is not None:
            rest = take_where(events, events[TIMESTAMP].to_numpy() < self.test_from)
            tables["valid"], alone = _keep_with_targets(rest, self.valid_from)
            tables["valid_full"] = _mark_targets(part.filtered(self.full), self.valid_from)
            losses |= _lose("valid", alone)
        return Settled(tables, losses)


def decide_time_split(
    engine: Engine, parts: Sequence[Part], config: PrepareConfig
) -> tuple[TimeSplit, Cleansed]:
    """Cut a log at one moment for test, and at an earlier one for valid.

    Args:
        engine: looks at the parts.
        parts: of the log, not cleansed.
        config: days back from the last event (for valid: from T), or shares of the log's events; 0
            days make no such split. Unset sizes depend on the log's span.

    Returns:
        The rule, and train.

    Raises:
        EmptySplitError: nothing is left of train.
    """
    times = engine.merge(find_times, parts, combine=Times.__add__)
    cuts = choose_cuts(times, times.first, times.last, config)
    test_from = _find_moment(times, cuts.test, len(times))
    valid_from = test_from
    if not cuts.valid.is_nothing:
        until = None if cuts.test.is_nothing else test_from
        valid_from = _find_moment(times.before(test_from), cuts.valid, len(times), until)
    bounds = (config.min_session_length, config.min_item_support)
    train = cleanse_parts(engine, parts, *bounds, valid_from)
    if not train.left.events:
        since = format_time(min(valid_from, times.last))
        raise EmptySplitError(
            f"no session is left for train: before {since} there are "
            f"{len(times.before(valid_from)):,} events, and none is left of them"
        )
    full = None
    if not cuts.valid.is_nothing:
        full = cleanse_parts(engine, parts, *bounds, test_from).cleansing
    rule = TimeSplit(train.cleansing, full, valid_from, test_from)
    return rule, train


def find_times(part: Part) -> Times:
    """Return the times of a part's events."""
    return Times.of(part.load()[TIMESTAMP].to_numpy())


def describe_moments(rule: TimeSplit, targets: Mapping[Split, int]) -> str:
    """Return one line with the beginning of test and valid, and their numbers of targets."""
    said = []
    begins: dict[Split, float] = {"test": rule.test_from, "valid": rule.valid_from}
    for name, since in begins.items():
        if name not in rule.names:
            said.append(f"no {name}")
        else:
            said.append(f"{name} begins at {format_time(since)} ({targets[name]:,} targets)")
    return f"split: {', '.join(said)}; --test-days and --valid-days set it"


def _find_moment(times: Times, cut: Cut, total: int, until: float | None = None) -> float:
    """Return the time from which events belong to the split; infinity if none do.

    Args:
        times: of the events to cut.
        cut: the size of the split; a share refers to `total` events.
        total: the number of events of the whole log.
        until: the time from which days are measured back; by default the last of `times`.
    """
    if cut.is_nothing or not len(times):
        return math.inf
    if cut.days is not None:
        return (times.last if until is None else until) - cut.days * DAY_SECONDS
    assert cut.share is not None
    wanted = min(max(1, math.ceil(cut.share * total - 1e-9)), len(times))
    return times.latest(wanted)


def _mark_targets(events: pd.DataFrame, since: float) -> pd.DataFrame:
    """Mark the events from a time on, except the first event of each session."""
    is_target = events[TIMESTAMP].to_numpy() >= since
    is_target[session_offsets(events)[:-1]] = False
    return events.assign(**{IS_TARGET: is_target})


def _keep_with_targets(events: pd.DataFrame, since: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Separate the sessions with a target from the events from `since` on of the others.

    A session that begins after `since` with a single event has no target.
    """
    marked = _mark_targets(events, since)
    offsets = session_offsets(marked)
    has_target = np.zeros(0, np.bool_)
    if len(marked):
        has_target = np.logical_or.reduceat(marked[IS_TARGET].to_numpy(), offsets[:-1])
    in_kept = np.repeat(has_target, np.diff(offsets))
    own = marked[TIMESTAMP].to_numpy() >= since
    return marked.take(np.flatnonzero(in_kept)), marked.take(np.flatnonzero(own & ~in_kept))


def _lose(name: Split, alone: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    nothing = alone.iloc[:0]
    return {
        f"{name}_unseen_items": (nothing, nothing),
        f"{name}_short_sessions": (alone, nothing),
    }
