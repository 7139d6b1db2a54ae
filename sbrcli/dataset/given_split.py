"""A split that exists already: logs that are train, valid and test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cleansing import Cleansing, cleanse_parts
from sbrcli.dataset.cutting import count_dropped
from sbrcli.dataset.parts import Part
from sbrcli.dataset.plan import Plan, complete_plan, nothing_is_left
from sbrcli.dataset.split_rule import Seen, Settled, Tables
from sbrcli.dataset.splits import drop_unseen, nothing_left
from sbrcli.dataset.storage import Split
from sbrcli.engines.engine import Engine
from sbrcli.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class GivenSplit:
    """A split that the user has given as several logs; see `SplitRule`.

    Args:
        cleansing: what is left of train.
        split_of: (parts,) the split of each part, which is one of a single log.
    """

    cleansing: Cleansing
    split_of: Sequence[Split]
    note: str | None = None

    checked: ClassVar[Sequence[Split]] = ("test", "valid")

    @property
    def names(self) -> Sequence[Split]:
        """The splits in the order in which their items are numbered."""
        return tuple(dict.fromkeys(self.split_of))

    def split(self, part: Part) -> Tables:
        """Return the part's own split, and empty tables for the others."""
        own = self.split_of[part.number]
        events = part.filtered(self.cleansing) if own == "train" else part.load()
        return {name: events if name == own else events.iloc[:0] for name in self.names}

    def learn(self, part: Part) -> Tables:
        """Return the tables whose items can be learned."""
        return self.split(part)

    def settle(self, part: Part, seen: Seen) -> Settled:
        """Return the final splits of a part."""
        return part.once(self, "settled", lambda: drop_unseen(self.split(part), seen))

    def explain_empty(self, engine: Engine, parts: Sequence[Part], name: Split) -> DataError:
        """Return the error for a split without a target."""
        return DataError(
            nothing_left(engine, parts, self, name),
            hint="see whether the logs name items alike; lower --min-item-support",
        )


def plan_given_split(
    engine: Engine,
    parts: Mapping[Split, Sequence[Part]],
    item_ids: np.ndarray,
    config: PrepareConfig,
    num_events: Mapping[Split, int],
    dropped: Mapping[str, int],
) -> Plan:
    """Decide everything about a dataset of logs that are split already.

    Short sessions and rare items are dropped from train only. Items unseen in train are dropped
    from valid and test by `drop_unseen`. A session never continues in another log.

    Args:
        engine: runs the steps.
        parts: of each log in sessions, in the order train, valid, test; numbered through.
        item_ids: (categories,) the ids of the items of all logs.
        config: the options; those of the split are ignored.
        num_events: the number of events of each log, with those dropped so far.
        dropped: the number of events dropped so far, by reason.

    Raises:
        DataError: nothing is left of train, or a split is empty.
    """
    bounds = (config.min_session_length, config.min_item_support)
    cleansed = cleanse_parts(engine, parts["train"], *bounds)
    if not cleansed.left.events:
        raise nothing_is_left(config, num_events["train"])
    split_of: list[Split] = [name for name, own in parts.items() for _ in own]
    plan = complete_plan(
        engine,
        [part for own in parts.values() for part in own],
        GivenSplit(cleansed.cleansing, split_of),
        item_ids,
        count_dropped(dropped, config) | cleansed.dropped,
        sum(num_events.values()),
    )
    return replace(plan, is_in_parts=max(Counter(split_of).values()) > 1)
