"""Split by date: the sessions that end last are scored."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cuts import Cut, choose_cuts, describe_cuts
from sbrcli.dataset.filters import count, count_items, drop_short_sessions, keep_items
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.dataset.storage import Split
from sbrcli.errors import DataError
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


class EmptySplitError(DataError):
    """A split is empty; the caller, which knows the log, adds the hint."""


def split_by_date(events: pd.DataFrame, config: PrepareConfig) -> Splits:
    """Split off the sessions that end last as test, and those that end before them as valid.

    The days of test are measured back from the last event, including the bound, and those of valid
    from the last event outside test. 0 days make no split.

    Args:
        events: the filtered table of the whole log.
        config: days and shares.

    Raises:
        EmptySplitError: nothing is left for train.
    """
    times = events[TIMESTAMP]
    ends = session_ends(events)
    cuts = choose_cuts(ends, times.min().item(), times.max().item(), config)
    rest, test = _split_off(events, cuts.test, "test", len(ends))
    train, valid = _split_off(rest, cuts.valid, "valid", len(ends))
    if cuts.test.share is None and cuts.valid.share is None:
        return Splits(train, valid, test)
    by_name = {"test": test, "valid": valid}
    described = {
        name: ends[:0] if table is None else session_ends(table) for name, table in by_name.items()
    }
    return Splits(train, valid, test, describe_cuts(described, len(session_ends(train))))


def drop_unseen(splits: Splits, is_given: bool = False) -> tuple[Splits, dict[str, Counts]]:
    """Drop items that no model can have learned, then sessions without a target.

    Items seen neither in train nor in valid are dropped from test, and items unseen in train from
    valid; then sessions with a single event are dropped.

    Args:
        splits: two or three splits.
        is_given: whether the split was given by the user instead of cut by date, for the hint.

    Returns:
        The splits, and what was dropped as `test_unseen_items`, `test_short_sessions`,
        `valid_unseen_items` and `valid_short_sessions`.

    Raises:
        EmptySplitError: test or valid, cut by date, is empty.
        DataError: test or valid, given by the user, is empty.
    """
    in_train = count_items(splits.train) > 0
    in_either = in_train | (count_items(splits.valid) > 0) if splits.valid is not None else in_train
    test, dropped = _keep_seen(splits.test, in_either, "test", is_given)
    valid, dropped_of_valid = _keep_seen(splits.valid, in_train, "valid", is_given)
    return replace(splits, test=test, valid=valid), dropped | dropped_of_valid


def _split_off(
    events: pd.DataFrame, cut: Cut, name: Split, total: int
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    if cut.is_nothing:
        return events, None
    bound = cut.bound(session_ends(events), events[TIMESTAMP].max().item(), total)
    before, after = split_at(events, bound)
    if before.empty:
        number, times = _ends_in_words(events)
        raise EmptySplitError(
            f"no session is left for train: {number} of {number} end within the {cut} of {name}, "
            f"{times}"
        )
    return before, after


def _keep_seen(
    events: pd.DataFrame | None, seen: np.ndarray, name: Split, is_given: bool
) -> tuple[pd.DataFrame | None, dict[str, Counts]]:
    if events is None:
        return None, {f"{name}_unseen_items": Counts(), f"{name}_short_sessions": Counts()}
    known = keep_items(events, seen)
    long = drop_short_sessions(known, 2)
    if long.empty:
        raise _nothing_left(events, name, is_given)
    before, between, after = count(events), count(known), count(long)
    dropped = {
        f"{name}_unseen_items": before - between,
        f"{name}_short_sessions": between - after,
    }
    return long, dropped


def _nothing_left(events: pd.DataFrame, name: Split, is_given: bool) -> DataError:
    number, times = _ends_in_words(events)
    message = (
        f"no session is left for {name}: of its {number}, which end {times}, none has 2 events of "
        "items seen before"
    )
    if is_given:
        return DataError(
            message, hint="see whether the logs name items alike; lower --min-item-support"
        )
    return EmptySplitError(message)


def _ends_in_words(events: pd.DataFrame) -> tuple[str, str]:
    """Return the number of sessions, and when the first and the last one end."""
    ends = session_ends(events)
    first, last = format_time(ends.min().item()), format_time(ends.max().item())
    return f"{len(ends):,}", f"from {first} to {last}"
