"""Count the items and the splits of a part, for the plan."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sbrcli.arrays import IntArray
from sbrcli.dataset.parts import Part
from sbrcli.dataset.sessionize import id_codes
from sbrcli.dataset.split_rule import Seen, SplitRule
from sbrcli.dataset.storage import IS_TARGET, Split
from sbrcli.dataset.tally import Tally
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.log.quality.gap_suggestion import count_gaps


@dataclass(frozen=True, slots=True)
class Appeared:
    """The items of a part's splits.

    Args:
        learned: the tallies of the tables whose items can be learned.
        orders: by split, the distinct categories in order of appearance.
    """

    learned: Mapping[Split, Tally]
    orders: Mapping[Split, IntArray]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a part's final splits, or of those of several parts.

    Args:
        tables: by split.
        losses: by reason, what was dropped: the sizes before and after.
        targets: by split with `is_target`, the number of targets.
        steps: pairs of consecutive events of a session of train, and those with equal times.
    """

    tables: Mapping[Split, Tally]
    losses: Mapping[str, tuple[Tally, Tally]]
    targets: Mapping[Split, int]
    steps: tuple[int, int]

    def __add__(self, other: "Sizes") -> "Sizes":
        return Sizes(
            {name: one + other.tables[name] for name, one in self.tables.items()},
            {
                reason: (before + other.losses[reason][0], after + other.losses[reason][1])
                for reason, (before, after) in self.losses.items()
            },
            {name: count + other.targets[name] for name, count in self.targets.items()},
            (self.steps[0] + other.steps[0], self.steps[1] + other.steps[1]),
        )


def find_items(part: Part, rule: SplitRule) -> Appeared:
    """Return the items of a part's splits in order of appearance, and count them."""
    tables = rule.split(part)
    return Appeared(
        {name: Tally.of(table) for name, table in rule.learn(part).items()},
        {name: pd.unique(id_codes(tables[name], ITEM_ID)) for name in rule.names},
    )


def count_splits(part: Part, rule: SplitRule, seen: Seen) -> Sizes:
    """Count the final splits of a part."""
    settled = rule.settle(part, seen)
    marks: dict[Split, int] = {
        name: int(np.count_nonzero(table[IS_TARGET].to_numpy()))
        for name, table in settled.tables.items()
        if IS_TARGET in table
    }
    return Sizes(
        {name: Tally.of(table) for name, table in settled.tables.items()},
        {
            reason: (Tally.of(before), Tally.of(after))
            for reason, (before, after) in settled.losses.items()
        },
        marks,
        _count_steps(settled.tables["train"]),
    )


def count_gaps_of(part: Part) -> IntArray:
    """Count the gaps between consecutive events of the sessions of a part; see `count_gaps`."""
    events = part.load()
    is_step = np.diff(id_codes(events, SESSION_ID)) == 0
    return count_gaps(np.diff(events[TIMESTAMP].to_numpy())[is_step])


def _count_steps(events: pd.DataFrame) -> tuple[int, int]:
    """Count the pairs of consecutive events of a session, and those with equal times."""
    is_step = np.diff(id_codes(events, SESSION_ID)) == 0
    takes_none = np.diff(events[TIMESTAMP].to_numpy()) == 0
    return int(is_step.sum()), int((is_step & takes_none).sum())
