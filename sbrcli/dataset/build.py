"""Build three splits and a vocabulary from an event table, with the functions of this folder."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.filters import cleanse, count, drop_repeats
from sbrcli.dataset.leave_one_out import drop_unseen_targets, leave_last_out
from sbrcli.dataset.sessionize import assign_sessions, default_rule, session_offsets
from sbrcli.dataset.splits import EmptySplitError, Splits, drop_unseen, split_by_date
from sbrcli.dataset.storage import IS_TARGET
from sbrcli.dataset.time_split import split_by_time
from sbrcli.dataset.vocabulary import Vocabulary, align_items, build_vocabulary, categorise_items
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.sessions import Sessions

_NO_SPLIT_OPTIONS: dict[str, Any] = {
    "split": "date",
    "valid_days": None,
    "test_days": None,
    "valid_share": None,
    "test_share": None,
}
_SPLIT_SUGGESTIONS: tuple[dict[str, Any], ...] = (
    {"test_share": 0.1, "valid_share": 0.1},
    {"test_share": 0.2, "valid_share": 0.2},
    {"test_share": 0.1, "valid_days": 0},
    {"split": "last"},
    {"split": "last", "valid_days": 0},
    {"test_days": 0, "valid_days": 0},
)
"""Ways to split a log, for hints; the last one trains on everything and always works."""


@dataclass(frozen=True, slots=True)
class BuiltDataset:
    """A log prepared for training and evaluation, not yet on disk.

    Args:
        splits: tables of session_id, item_id (categorical) and timestamp, and is_target if the last
            events were left out, or if the log was split by time.
        valid_full: valid including items that train lacks, or, with is_target, all that a refit
            learns from; None without a valid split.
        vocabulary: the items of all splits.
        dropped: what was dropped, by reason. Together with the splits it makes up the whole log;
            of splits with is_target, only their own events count: the targets that were left out,
            or the events from the split's moment on.
        num_events: the number of events in the log.
        suggested_gap: the gap in seconds after which sessions of users might end; None if there is
            none.
    """

    splits: Splits
    valid_full: pd.DataFrame | None
    vocabulary: Vocabulary
    dropped: dict[str, Counts]
    num_events: int
    suggested_gap: int | None = None


def build_dataset(events: pd.DataFrame, config: PrepareConfig) -> BuiltDataset:
    """Make sessions from a log's events, filter and split them, and number their items.

    Args:
        events: an event table in file order.
        config: the options; without a session rule, the log's own sessions or else its users.

    Raises:
        DataError: the log lacks the columns that the rule needs, or a split is empty.
    """
    if config.split == "time":
        return _build_by_time(_narrow(categorise_items(events), config), config)
    clean, dropped = _cleanse(_narrow(categorise_items(events), config), config)
    try:
        raw, splits, unseen = _split(clean, config)
    except EmptySplitError as error:
        raise DataError(str(error), hint=_advise(clean, config)) from error
    return _complete(raw, splits, dropped | unseen, len(events))


def _build_by_time(events: pd.DataFrame, config: PrepareConfig) -> BuiltDataset:
    """Split a log of sessions by time; only train is cleansed."""
    distinct = drop_repeats(events) if config.drop_repeats else events
    try:
        made = split_by_time(distinct, config)
    except EmptySplitError as error:
        clean, _ = _cleanse(events, config)
        raise DataError(str(error), hint=_advise(clean, config)) from error
    # A refit's items are the first of the vocabulary, as train's are.
    parts = (made.train_full, made.splits.valid, made.splits.test)
    vocabulary = build_vocabulary(
        made.splits.train, *(table for table in parts if table is not None)
    )
    dropped = {"repeats": count(events) - count(distinct)} | made.dropped
    return BuiltDataset(made.splits, made.train_full, vocabulary, dropped, len(events))


def _split(clean: pd.DataFrame, config: PrepareConfig) -> tuple[Splits, Splits, dict[str, Counts]]:
    """Split a filtered log; return the splits before and after unseen items are dropped.

    Raises:
        EmptySplitError: a split is empty.
    """
    if config.split == "last":
        raw = leave_last_out(clean, with_valid=config.valid_days != 0)
        return raw, *drop_unseen_targets(raw)
    raw = split_by_date(clean, config)
    return raw, *drop_unseen(raw)


def _advise(clean: pd.DataFrame, config: PrepareConfig) -> str:
    """Return options that split a filtered log for which the requested ones do not work."""
    works = []
    for options in _SPLIT_SUGGESTIONS:
        words = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
        with suppress(EmptySplitError):
            _split(clean, replace(config, **_NO_SPLIT_OPTIONS | options))
            works.append(" ".join(words))
        if len(works) == 2:
            break
    return f"what works on this log: {', or '.join(works)}"


def build_given_dataset(
    train: pd.DataFrame, valid: pd.DataFrame | None, test: pd.DataFrame, config: PrepareConfig
) -> BuiltDataset:
    """Make sessions from logs that are split already, and number their items.

    Short sessions and rare items are dropped from train only, and repeats from all logs. Items
    unseen in train are dropped from valid and test by `drop_unseen`. A session never continues in
    another log.

    Args:
        train: an event table in file order.
        valid: another, if there is one.
        test: another.
        config: the options; days are ignored.

    Raises:
        DataError: a log lacks the columns that the session rule needs, or a split is empty.
    """
    given = [train, test] if valid is None else [train, test, valid]
    tables = [_narrow(table, config) for table in align_items(given)]
    clean, dropped = _cleanse(tables[0], config)
    later = [drop_repeats(table) if config.drop_repeats else table for table in tables[1:]]
    for before, after in zip(tables[1:], later, strict=True):
        dropped["repeats"] += count(before) - count(after)
    raw = Splits(clean, None if valid is None else later[1], later[0])
    splits, unseen = drop_unseen(raw, is_given=True)
    return _complete(raw, splits, dropped | unseen, sum(map(len, given)))


def _complete(
    raw: Splits, splits: Splits, dropped: dict[str, Counts], num_events: int
) -> BuiltDataset:
    """Number the items of splits; `raw` are the splits before unseen items were dropped."""
    # Test may contain items that were dropped from valid, so these are numbered as well.
    later = [table for table in (raw.valid, raw.test) if table is not None]
    vocabulary = build_vocabulary(raw.train, *later)
    return BuiltDataset(splits, raw.valid, vocabulary, dropped, num_events)


def to_sessions(events: pd.DataFrame, vocabulary: Vocabulary) -> Sessions:
    """Return a split's table as arrays."""
    times = events[TIMESTAMP].to_numpy()
    targets = events[IS_TARGET].to_numpy() if IS_TARGET in events else None
    return Sessions(vocabulary.encode(events), session_offsets(events), times, targets)


def cut_into_sessions(events: pd.DataFrame, config: PrepareConfig) -> pd.DataFrame:
    """Sort a log into sessions as `build_dataset` does, without dropping any item or session.

    Args:
        events: an event table in file order.
        config: its session rule, and whether repeats are dropped.

    Returns:
        A table of session_id, item_id and timestamp in the dataset's order.

    Raises:
        DataError: the log lacks the columns that the rule needs.
    """
    cut = _narrow(categorise_items(events), config)
    return drop_repeats(cut) if config.drop_repeats else cut


def _narrow(events: pd.DataFrame, config: PrepareConfig) -> pd.DataFrame:
    """Sort the log into sessions and keep only the columns of a dataset."""
    events = events.filter(items=[USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP])
    rule = SessionRule.parse(config.session) if config.session else default_rule(events)
    events = assign_sessions(events, rule, config.across_users)
    return events.filter(items=[SESSION_ID, ITEM_ID, TIMESTAMP])


def _cleanse(events: pd.DataFrame, config: PrepareConfig) -> tuple[pd.DataFrame, dict[str, Counts]]:
    """Drop repeats once, then short sessions and rare items until nothing changes."""
    distinct = drop_repeats(events) if config.drop_repeats else events
    repeats = count(events) - count(distinct)
    clean, dropped = cleanse(distinct, config.min_session_length, config.min_item_support)
    if clean.empty:
        raise DataError(
            f"nothing is left of {len(events):,} events in sessions of "
            f"{config.min_session_length} or more and of items with {config.min_item_support} or "
            "more",
            hint="lower --min-item-support or --min-session-length, or make longer sessions, as "
            "with --session user",
        )
    return clean, {"repeats": repeats} | dropped
