"""Train, valid and test by leaving the last events of each session out.

It is the protocol of Kang & McAuley 2018 (SASRec, arXiv 1808.09781, section IV-A): of each session
the last event is for test, the one before for valid, and the rest for train.

    a session of     2 events     3            4               5
    train            a b          a b          a b             a b c
    valid            -            -            a b [c]         a b c [d]
    test             -            a b [c]      a b c [d]       a b c d [e]

A session keeps two events for train, or no model could learn from it. Tables of valid and test hold
what comes before the event left out as well, and `is_target` marks that event: so what a split
asks for depends on no item that is dropped later.
"""

import numpy as np
import pandas as pd

from sbrcli.dataset.filters import Counts, count, count_items
from sbrcli.dataset.sessionize import id_codes, session_offsets
from sbrcli.dataset.splits import EmptySplitError, Splits
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.log.events import ITEM_ID

_LEFT_FOR_TRAIN = 2
"""Events of a session: one to learn from, and one that follows."""


def leave_last_out(events: pd.DataFrame, with_valid: bool) -> Splits:
    """Part each session's last events from the others.

    Args:
        events: the cleansed table; whole sessions, not necessarily all of them.
        with_valid: leave two events out, not one.

    Returns:
        Tables of whole sessions: train without what was left out, valid without test's event and
        test with all. Valid and test have all sessions, also those that leave nothing out there.
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
    """Keep the sessions of valid and test that are asked for an item that can have been learned.

    An item unseen in train is not asked for in valid, and one unseen in train and as an event of
    valid not in test. Such a session leaves that split as a whole.

    Args:
        splits: as `leave_last_out` gives them.

    Returns:
        The splits, and what went as `test_unseen_items` and as the same of valid, counted in events
        left out; none is ever left alone, so that `test_short_sessions` and valid's are zero.

    Raises:
        EmptySplitError: nothing is left of test or of valid.
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
