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
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cuts import Cut, choose_cuts
from sbrcli.dataset.filters import Counts, cleanse, count
from sbrcli.dataset.sessionize import DAY_SECONDS, session_offsets
from sbrcli.dataset.splits import EmptySplitError, Splits
from sbrcli.dataset.storage import IS_TARGET
from sbrcli.log.columns.times import format_time
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """A log cut at one or two moments.

    Args:
        splits: train, and valid and test with `is_target`.
        train_full: the data of a refit: the events before T, cleansed separately, with `is_target`
            for those from V on; None without valid.
        dropped: the events that no split contains as its own, by reason.
    """

    splits: Splits
    train_full: pd.DataFrame | None
    dropped: dict[str, Counts]


def split_by_time(events: pd.DataFrame, config: PrepareConfig) -> TimeSplit:
    """Cut a log at one moment for test, and at an earlier one for valid.

    Args:
        events: a table in the dataset's order, not cleansed.
        config: days back from the last event (for valid: from T), or shares of the log's events; 0
            days make no such split. Unset sizes depend on the log's span.

    Raises:
        EmptySplitError: nothing is left of a split.
    """
    times = events[TIMESTAMP].to_numpy()
    cuts = choose_cuts(times, times.min().item(), times.max().item(), config)
    test_from = _find_moment(times, cuts.test, len(times))
    rest = events.take(np.flatnonzero(times < test_from))
    rest_times = rest[TIMESTAMP].to_numpy()
    valid_from = test_from
    if not cuts.valid.is_nothing:
        valid_from = _find_moment(rest_times, cuts.valid, len(times), until=test_from)
    train, dropped = cleanse(
        rest.take(np.flatnonzero(rest_times < valid_from)),
        config.min_session_length,
        config.min_item_support,
    )
    if train.empty:
        since = format_time(min(valid_from, times.max().item()))
        raise EmptySplitError(
            f"no session is left for train: before {since} there are "
            f"{int(np.count_nonzero(times < valid_from)):,} events, and none is left of them"
        )
    test, test_alone = _part(events, test_from, "test", wanted=not cuts.test.is_nothing)
    valid, valid_alone = _part(rest, valid_from, "valid", wanted=not cuts.valid.is_nothing)
    train_full = None
    if valid is not None:
        whole, _ = cleanse(rest, config.min_session_length, config.min_item_support)
        train_full = _mark_targets(whole, valid_from)
    dropped |= {
        "test_unseen_items": Counts(),
        "test_short_sessions": test_alone,
        "valid_unseen_items": Counts(),
        "valid_short_sessions": valid_alone,
    }
    note = _describe(test_from, valid_from, test, valid)
    return TimeSplit(Splits(train, valid, test, note), train_full, dropped)


def _find_moment(times: np.ndarray, cut: Cut, total: int, until: float | None = None) -> float:
    """Return the time from which events belong to the split; infinity if none do.

    Args:
        times: (events,) the times of the events to cut.
        cut: the size of the split; a share refers to `total` events.
        total: the number of events of the whole log.
        until: the time from which days are measured back; by default the last of `times`.
    """
    if cut.is_nothing or not len(times):
        return math.inf
    if cut.days is not None:
        last = times.max().item() if until is None else until
        return last - cut.days * DAY_SECONDS
    assert cut.share is not None
    wanted = min(max(1, math.ceil(cut.share * total - 1e-9)), len(times))
    return np.partition(times, len(times) - wanted)[len(times) - wanted].item()


def _mark_targets(events: pd.DataFrame, since: float) -> pd.DataFrame:
    """Mark the events from a time on, except the first event of each session."""
    is_target = events[TIMESTAMP].to_numpy() >= since
    is_target[session_offsets(events)[:-1]] = False
    return events.assign(**{IS_TARGET: is_target})


def _part(
    events: pd.DataFrame, since: float, name: str, *, wanted: bool
) -> tuple[pd.DataFrame | None, Counts]:
    """Keep the sessions with a target, and count the dropped events from `since` on.

    A session that begins after `since` with a single event has no target.
    """
    if not wanted:
        return None, Counts()
    marked = _mark_targets(events, since)
    offsets = session_offsets(marked)
    has_target = np.zeros(0, np.bool_)
    if len(marked):
        has_target = np.logical_or.reduceat(marked[IS_TARGET].to_numpy(), offsets[:-1])
    in_kept = np.repeat(has_target, np.diff(offsets))
    if not in_kept.any():
        raise EmptySplitError(
            f"no session is left for {name}: no event from {format_time(since)} on follows another "
            "one of its session"
        )
    own = marked[TIMESTAMP].to_numpy() >= since
    return marked.take(np.flatnonzero(in_kept)), count(marked.take(np.flatnonzero(own & ~in_kept)))


def _describe(
    test_from: float, valid_from: float, test: pd.DataFrame | None, valid: pd.DataFrame | None
) -> str:
    """Return one line with the beginning of test and valid, and their numbers of targets."""
    said = []
    for name, since, table in (("test", test_from, test), ("valid", valid_from, valid)):
        if table is None:
            said.append(f"no {name}")
        else:
            targets = np.count_nonzero(table[IS_TARGET].to_numpy())
            said.append(f"{name} begins at {format_time(since)} ({targets:,} targets)")
    return f"split: {', '.join(said)}; --test-days and --valid-days set it"
