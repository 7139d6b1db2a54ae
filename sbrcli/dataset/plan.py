"""The plan of a dataset: what is done to the parts of a log, and in which order.

Each step is a function of one part and of small arrays, which an engine runs on every part, and a
sum over what it returns. No step but the last writes anything.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cleansing import Cleansed, cleanse_parts
from sbrcli.dataset.counting import Sizes, count_gaps_of, count_splits, find_items
from sbrcli.dataset.cutting import count_dropped
from sbrcli.dataset.leave_one_out import LastSplit
from sbrcli.dataset.parts import Part
from sbrcli.dataset.split_rule import EmptySplitError, Seen, SplitRule, see
from sbrcli.dataset.splits import decide_date_split
from sbrcli.dataset.storage import Split
from sbrcli.dataset.time_split import decide_time_split, describe_moments
from sbrcli.dataset.vocabulary import Vocabulary, number_items
from sbrcli.engines.engine import Engine
from sbrcli.errors import DataError
from sbrcli.log.quality.gap_suggestion import suggest_gap_by

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

_LOSSES = (
    *("test_unseen_items", "test_short_sessions"),
    *("valid_unseen_items", "valid_short_sessions"),
)
"""What is reported for every dataset, in this order."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A dataset about which everything is decided and nothing is written yet.

    Args:
        parts: of the log.
        rule: how each of them is split.
        seen: which items can have been learned.
        vocabulary: the items of all splits.
        dropped: what was dropped, by reason.
        num_events: the number of events in the log.
        sizes: of the final splits.
        begins: for each part and split, the numbers of events and sessions in the parts before it.
        note: a description of the cuts, if there is something to say.
        suggested_gap: the gap in seconds after which sessions of users might end; None if there is
            none.
        is_in_parts: whether a split may lie in several parts.
    """

    parts: Sequence[Part]
    rule: SplitRule
    seen: Seen
    vocabulary: Vocabulary
    dropped: dict[str, Counts]
    num_events: int
    sizes: Sizes
    begins: Sequence[Mapping[Split, tuple[int, int]]]
    note: str | None = None
    suggested_gap: int | None = None
    is_in_parts: bool = False

    @property
    def train_full(self) -> Counts | None:
        """The size of train and valid together, which --refit trains on; None without valid."""
        full = self.sizes.tables.get("valid_full")
        if full is None:
            return None
        train = self.sizes.tables["train"]
        whole = full if "valid_full" in self.sizes.targets else train + full
        index_of_code = self.vocabulary.index_of_code
        num_items = int(index_of_code[(train + full).of_items > 0].max()) + 1
        return Counts(whole.events, whole.sessions, num_items)

    @property
    def tie_share(self) -> float:
        """The share of consecutive events of a session of train with equal times."""
        steps, ties = self.sizes.steps
        return ties / max(1, steps)


def plan_dataset(
    engine: Engine,
    parts: Sequence[Part],
    item_ids: np.ndarray,
    config: PrepareConfig,
    num_events: int,
    dropped: Mapping[str, int] = MappingProxyType({}),
) -> Plan:
    """Decide everything about a dataset.

    Args:
        engine: runs the steps.
        parts: of the log in sessions, as `cut_events` makes them.
        item_ids: (categories,) the ids of the items.
        config: the options.
        num_events: the number of events in the log, with those dropped so far.
        dropped: the number of events dropped so far, by reason.

    Raises:
        DataError: nothing is left of the log, or a split is empty; the hint names options that
            work.
    """
    before = count_dropped(dropped, config)
    gap = _suggest_gap(engine, parts) if config.session == "user" else None
    cleansed = None
    try:
        if config.split == "time":
            rule, train = decide_time_split(engine, parts, config)
            plan = complete_plan(engine, parts, rule, item_ids, before | train.dropped, num_events)
            return replace(plan, note=describe_moments(rule, plan.sizes.targets), suggested_gap=gap)
        cleansed = _cleanse(engine, parts, config, num_events)
        rule = _decide(engine, parts, cleansed, config)
        all_dropped = before | cleansed.dropped
        plan = complete_plan(engine, parts, rule, item_ids, all_dropped, num_events)
        return replace(plan, suggested_gap=gap)
    except EmptySplitError as error:
        cleansed = cleansed or _cleanse(engine, parts, config, num_events)
        hint = _advise(engine, parts, item_ids, cleansed, config)
        raise DataError(str(error), hint=hint) from error


def complete_plan(
    engine: Engine,
    parts: Sequence[Part],
    rule: SplitRule,
    item_ids: np.ndarray,
    dropped: dict[str, Counts],
    num_events: int,
) -> Plan:
    """Number the items of a log whose cuts are known, and count its final splits.

    Args:
        engine: runs the steps.
        parts: of the log.
        rule: how each of them is split.
        item_ids: (categories,) the ids of the items.
        dropped: what has been dropped so far, by reason.
        num_events: the number of events in the log.

    Raises:
        DataError: valid or test is empty; an EmptySplitError where other options may work.
    """
    appeared = list(engine.map(find_items, parts, rule))
    learned = dict(appeared[0].learned)
    for other in appeared[1:]:
        for name, tally in other.learned.items():
            learned[name] += tally
    seen = see(learned)
    orders = [one.orders[name] for name in rule.names for one in appeared]
    vocabulary = number_items(item_ids, orders, learned["train"].of_items)
    total, begins = None, []
    for sizes in engine.map(count_splits, parts, rule, seen):
        before = {} if total is None else total.tables
        empty = dict.fromkeys(sizes.tables, (0, 0))
        begins.append(empty | {name: (one.events, one.sessions) for name, one in before.items()})
        total = sizes if total is None else total + sizes
    assert total is not None
    for name in rule.checked:
        if name in total.tables and not total.tables[name].events:
            raise rule.explain_empty(engine, parts, name)
    losses = {reason: one.counts - other.counts for reason, (one, other) in total.losses.items()}
    dropped = dropped | dict.fromkeys(_LOSSES, Counts()) | losses
    return Plan(
        *(parts, rule, seen, vocabulary, dropped, num_events, total, begins),
        note=rule.note,
        is_in_parts=len(parts) > 1,
    )


def _suggest_gap(engine: Engine, parts: Sequence[Part]) -> int | None:
    return suggest_gap_by(engine.merge(count_gaps_of, parts, combine=np.add))


def _cleanse(
    engine: Engine, parts: Sequence[Part], config: PrepareConfig, num_events: int
) -> Cleansed:
    cleansed = cleanse_parts(engine, parts, config.min_session_length, config.min_item_support)
    if not cleansed.left.events:
        raise nothing_is_left(config, num_events)
    return cleansed


def nothing_is_left(config: PrepareConfig, num_events: int) -> DataError:
    """Return the error for a log of which cleansing leaves nothing."""
    return DataError(
        f"nothing is left of {num_events:,} events in sessions of {config.min_session_length} or "
        f"more and of items with {config.min_item_support} or more",
        hint="lower --min-item-support or --min-session-length, or make longer sessions, as "
        "with --session user",
    )


def _decide(
    engine: Engine, parts: Sequence[Part], cleansed: Cleansed, config: PrepareConfig
) -> SplitRule:
    """Decide where the cuts of a cleansed log lie.

    Raises:
        EmptySplitError: nothing is left for train.
    """
    if config.split == "last":
        return LastSplit(cleansed.cleansing, with_valid=config.valid_days != 0)
    return decide_date_split(engine, parts, cleansed.cleansing, cleansed.left.first, config)


def _advise(
    engine: Engine,
    parts: Sequence[Part],
    item_ids: np.ndarray,
    cleansed: Cleansed,
    config: PrepareConfig,
) -> str:
    """Return options that split a cleansed log for which the requested ones do not work."""
    works = []
    for options in _SPLIT_SUGGESTIONS:
        words = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
        with suppress(EmptySplitError):
            tried = replace(config, **_NO_SPLIT_OPTIONS | options)
            rule = _decide(engine, parts, cleansed, tried)
            complete_plan(engine, parts, rule, item_ids, {}, 0)
            works.append(" ".join(words))
        if len(works) == 2:
            break
    return f"what works on this log: {', or '.join(works)}"
