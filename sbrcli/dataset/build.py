"""Build three splits and a vocabulary from event tables in memory: the plan of one part."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cleansing import cleanse
from sbrcli.dataset.cutting import count_dropped, cut_events
from sbrcli.dataset.parts import MemoryPart
from sbrcli.dataset.plan import Plan, complete_plan, nothing_is_left, plan_dataset
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.dataset.splits import GivenSplit, Splits
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.dataset.vocabulary import Vocabulary, align_items
from sbrcli.engines.local import HERE
from sbrcli.log.events import ITEM_ID, TIMESTAMP
from sbrcli.sessions import Sessions


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
    """

    splits: Splits
    valid_full: pd.DataFrame | None
    vocabulary: Vocabulary
    dropped: dict[str, Counts]
    num_events: int

    @classmethod
    def of(cls, plan: Plan) -> "BuiltDataset":
        """Return the tables of a plan of one part."""
        (part,) = plan.parts
        tables = plan.rule.settle(part, plan.seen).tables
        splits = Splits(tables["train"], tables.get("valid"), tables.get("test"), plan.note)
        valid_full = tables.get("valid_full")
        return cls(splits, valid_full, plan.vocabulary, plan.dropped, plan.num_events)


def build_dataset(events: pd.DataFrame, config: PrepareConfig) -> BuiltDataset:
    """Make sessions from a log's events, filter and split them, and number their items.

    Args:
        events: an event table in file order.
        config: the options; without a session rule, the log's own sessions or else its users.

    Raises:
        DataError: the log lacks the columns that the rule needs, or a split is empty.
    """
    return BuiltDataset.of(plan_table(events, config))


def plan_table(events: pd.DataFrame, config: PrepareConfig) -> Plan:
    """Decide everything about the dataset of one event table; see `build_dataset`."""
    cut = cut_events(events, config)
    item_ids = cut.events[ITEM_ID].cat.categories.to_numpy()
    parts = [MemoryPart(cut.events)]
    return plan_dataset(HERE, parts, item_ids, config, len(events), cut.dropped)


def plan_given_tables(
    train: pd.DataFrame, valid: pd.DataFrame | None, test: pd.DataFrame, config: PrepareConfig
) -> Plan:
    """Decide everything about a dataset of logs that are split already.

    Short sessions and rare items are dropped from train only; repeats, and the older events of
    large users, from each log. Items unseen in train are dropped from valid and test by
    `drop_unseen`. A session never continues in another log.

    Args:
        train: an event table in file order.
        valid: another, if there is one.
        test: another.
        config: the options; days are ignored.

    Raises:
        DataError: a log lacks the columns that the session rule needs, or a split is empty.
    """
    given: dict[Split, pd.DataFrame] = {"train": train, "test": test}
    if valid is not None:
        given = {"train": train, "valid": valid, "test": test}
    num_events = sum(map(len, given.values()))
    raw, dropped_in_cutting = {}, Counter[str]()
    for name, table in zip(given, align_items(list(given.values())), strict=True):
        cut = cut_events(table, config)
        raw[name] = cut.events
        dropped_in_cutting += cut.dropped
    raw["train"], dropped = cleanse(
        raw["train"], config.min_session_length, config.min_item_support
    )
    if raw["train"].empty:
        raise nothing_is_left(config, len(train))
    dropped = count_dropped(dropped_in_cutting, config) | dropped
    item_ids = raw["train"][ITEM_ID].cat.categories.to_numpy()
    parts = [MemoryPart(raw["train"])]
    return complete_plan(HERE, parts, GivenSplit(raw), item_ids, dropped, num_events)


def build_given_dataset(
    train: pd.DataFrame, valid: pd.DataFrame | None, test: pd.DataFrame, config: PrepareConfig
) -> BuiltDataset:
    """Make sessions from logs that are split already; see `plan_given_tables`."""
    return BuiltDataset.of(plan_given_tables(train, valid, test, config))


def to_sessions(events: pd.DataFrame, vocabulary: Vocabulary) -> Sessions:
    """Return a split's table as arrays."""
    times = events[TIMESTAMP].to_numpy()
    targets = events[IS_TARGET].to_numpy() if IS_TARGET in events else None
    return Sessions(vocabulary.encode(events), session_offsets(events), times, targets)
