"""Train, valid and test by date: what comes last in the log is what is scored."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sbrcli.dataset.filters import Counts, count, count_items, drop_short_sessions, keep_items
from sbrcli.dataset.sessions import DAY_SECONDS, session_offsets
from sbrcli.dataset.storage import Split
from sbrcli.errors import DataError
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.times import format_time


@dataclass(frozen=True, slots=True)
class Splits:
    """Event tables of whole sessions, each in the dataset's order."""

    train: pd.DataFrame
    valid: pd.DataFrame | None
    test: pd.DataFrame

    def tables(self) -> dict[Split, pd.DataFrame | None]:
        """Give the three by name; valid is None where there is none."""
        return {"train": self.train, "valid": self.valid, "test": self.test}


def session_ends(events: pd.DataFrame) -> np.ndarray:
    """Find the time of each session's last event: (sessions,), seconds since 1970 UTC."""
    if events.empty:
        return events[TIMESTAMP].to_numpy()
    # Not simply the last row: sessions cut across users hold steps back in time.
    return np.maximum.reduceat(events[TIMESTAMP].to_numpy(), session_offsets(events)[:-1])


def split_at(events: pd.DataFrame, bound: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the sessions whose last event lies before `bound` from those where it does not."""
    ends_late = np.repeat(session_ends(events) >= bound, np.diff(session_offsets(events)))
    return events.take(np.flatnonzero(~ends_late)), events.take(np.flatnonzero(ends_late))


def split_by_date(events: pd.DataFrame, valid_days: float, test_days: float) -> Splits:
    """Take the sessions of the last days as test, and of the days before them as valid.

    Args:
        events: the cleansed table, the whole log.
        valid_days: measured back from the last event of what test leaves; 0 for no valid.
        test_days: measured back from the last event, the bound included.

    Raises:
        DataError: nothing is left for train.
    """
    rest, test = _split_off(events, test_days, "test")
    if valid_days == 0:
        return Splits(rest, None, test)
    train, valid = _split_off(rest, valid_days, "valid")
    return Splits(train, valid, test)


def drop_unseen(splits: Splits, is_given: bool = False) -> tuple[Splits, dict[str, Counts]]:
    """Leave out what no model could have learned, then sessions without a next item.

    Items seen neither in train nor in valid leave test, items unseen in train leave valid; then
    the sessions left with one event leave.

    Args:
        splits: the three, or two.
        is_given: whether they came so, and were not cut by date; it changes what an error advises.

    Returns:
        The splits, and what went as `test_unseen_items`, `test_short_sessions` and the same of
        valid.

    Raises:
        DataError: nothing is left of test or of valid.
    """
    in_train = count_items(splits.train) > 0
    in_either = in_train | (count_items(splits.valid) > 0) if splits.valid is not None else in_train
    test, dropped = _keep_seen(splits.test, in_either, "test", is_given)
    if splits.valid is None:
        nothing = {"valid_unseen_items": Counts(), "valid_short_sessions": Counts()}
        return replace(splits, test=test), dropped | nothing
    valid, dropped_of_valid = _keep_seen(splits.valid, in_train, "valid", is_given)
    return replace(splits, test=test, valid=valid), dropped | dropped_of_valid


def _split_off(events: pd.DataFrame, days: float, name: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    last = events[TIMESTAMP].max().item()
    before, after = split_at(events, last - days * DAY_SECONDS)
    if before.empty:
        number, times = _ends_in_words(events)
        raise DataError(
            f"no session is left for train: {number} of {number} end within the {days:g} days of "
            f"{name}, {times}",
            hint="lower --test-days and --valid-days, or where users come back cut by "
            "--session gap:3600",
        )
    return before, after


def _keep_seen(
    events: pd.DataFrame, seen: np.ndarray, name: Split, is_given: bool
) -> tuple[pd.DataFrame, dict[str, Counts]]:
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
    hint = f"raise --{name}-days, or lower --min-item-support"
    if is_given:
        hint = "see whether the logs name items alike; lower --min-item-support"
    elif name == "valid":
        hint += "; --valid-days 0 makes no valid split"
    return DataError(
        f"no session is left for {name}: of its {number}, which end {times}, none has 2 events of "
        "items seen before",
        hint=hint,
    )


def _ends_in_words(events: pd.DataFrame) -> tuple[str, str]:
    """Say how many sessions there are, and from when to when they end."""
    ends = session_ends(events)
    first, last = format_time(ends.min().item()), format_time(ends.max().item())
    return f"{len(ends):,}", f"from {first} to {last}"
