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

import numpy as np
import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.dataset.filters import count, count_items
from sbrcli.dataset.sessionize import id_codes, session_offsets
from sbrcli.dataset.splits import EmptySplitError, Splits
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.log.events import ITEM_ID

_LEFT_FOR_TRAIN = 2
"""The minimum number of events of a session in train: an input and a target."""


def leave_last_out(events: pd.DataFrame, with_valid: bool) -> Splits:
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
        return Splits(events.take(np.flatnonzero(before_test)), None, test)
    for_valid = lengths > _LEFT_FOR_TRAIN + 1
    is_valid = _mark(ends[for_valid] - 2, len(events))
    valid = events.assign(**{IS_TARGET: is_valid}).take(np.flatnonzero(before_test))
    return Splits(events.take(np.flatnonzero(before_test & ~is_valid)), valid, test)


def drop_unseen_targets(splits: Splits) -> tuple[Splits, dict[str, Counts]]:
    """Keep the sessions of valid and test whose target can have been learned.

    A target of valid must occur in train, and a target of test in train or as an event of valid.
    Otherwise, the whole session is dropped from that split.

    Args:
        splits: as returned by `leave_last_out`.

    Returns:
        The splits, and what was dropped as `test_unseen_items` and `valid_unseen_items`, counted in
        targets. No session is left with a single event, so `test_short_sessions` and
        `valid_short_sessions` are zero.

    Raises:
        EmptySplitError: test or valid is empty.
    """
    assert splits.test is not None
    in_train = count_items(splits.train) > 0
    if splits.valid is None:
        valid, in_either, dropped = None, in_train, _report("valid", Counts())
    else:
        in_either = in_train | (count_items(_targets(splits.valid)) > 0)
        valid, dropped = _keep_seen(splits.valid, in_train, "valid")
    test, dropped_of_test = _keep_seen(splits.test, in_either, "test")
    return Splits(splits.train, valid, test), dropped_of_test | dropped


def _mark(rows: np.ndarray, length: int) -> np.ndarray:
    marked = np.zeros(length, np.bool_)
    marked[rows] = True
    return marked


def _targets(events: pd.DataFrame) -> pd.DataFrame:
    return events.take(np.flatnonzero(events[IS_TARGET].to_numpy()))


def _keep_seen(
    events: pd.DataFrame, seen: np.ndarray, name: Split
) -> tuple[pd.DataFrame, dict[str, Counts]]:
    offsets = session_offsets(events)
    is_asked = events[IS_TARGET].to_numpy() & seen[id_codes(events, ITEM_ID)]
    has_one = np.logical_or.reduceat(is_asked, offsets[:-1])
    kept = events.take(np.flatnonzero(np.repeat(has_one, np.diff(offsets))))
    left_out = count(_targets(events))
    if kept.empty:
        raise _nothing_left(name, len(has_one), left_out.events)
    return kept, _report(name, left_out - count(_targets(kept)))


def _report(name: Split, unseen: Counts) -> dict[str, Counts]:
    return {f"{name}_unseen_items": unseen, f"{name}_short_sessions": Counts()}


def _nothing_left(name: Split, sessions: int, left_out: int) -> EmptySplitError:
    if not left_out:
        least = _LEFT_FOR_TRAIN + (2 if name == "valid" else 1)
        return EmptySplitError(
            f"no session can leave an event out for {name}: none of {sessions:,} has {least} "
            "events or more"
        )
    return EmptySplitError(
        f"no session is left for {name}: of the {left_out:,} events left out, none is of an item "
        "seen before"
    )
