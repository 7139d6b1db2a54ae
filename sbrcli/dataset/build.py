"""Build three splits and a vocabulary from event tables in memory."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cutting import cut_events
from sbrcli.dataset.given_split import plan_given_split
from sbrcli.dataset.parts import MemoryPart
from sbrcli.dataset.plan import Plan, plan_dataset
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.dataset.splits import Splits
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
        """Return the tables of a plan in memory: of one part, or one of each split."""
        found = [plan.rule.settle(part, plan.seen).tables for part in plan.parts]
        tables = {name: max((one[name] for one in found), key=len) for name in found[0]}
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

    Repeats, and the older events of large users, are dropped from each log; for the rest, see
    `plan_given_split`.

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
    num_events: dict[Split, int] = {name: len(table) for name, table in given.items()}
    aligned = align_items(list(given.values()))
    parts, dropped = {}, Counter[str]()
    for number, (name, table) in enumerate(zip(given, aligned, strict=True)):
        cut = cut_events(table, config)
        parts[name] = [MemoryPart(cut.events, number)]
        dropped += cut.dropped
    item_ids = aligned[0][ITEM_ID].cat.categories.to_numpy()
    del aligned
    return plan_given_split(HERE, parts, item_ids, config, num_events, dropped)


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
