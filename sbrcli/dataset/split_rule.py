"""The protocol of the ways to split a log: by date, by leaving the last events out, by time.

Where the cuts lie has been decided on the whole log. What remains to be done needs one part and
small arrays, so that any part can be split anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from sbrcli.arrays import BoolArray
from sbrcli.dataset.parts import Part
from sbrcli.dataset.storage import Split
from sbrcli.dataset.tally import Tally
from sbrcli.engines.engine import Engine
from sbrcli.errors import DataError

Tables = Mapping[Split, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Seen:
    """Which items a model can have learned.

    Args:
        in_train: (categories,) those of train.
        in_either: (categories,) those of train and valid.
    """

    in_train: BoolArray
    in_either: BoolArray


@dataclass(frozen=True, slots=True)
class Settled:
    """The final splits of a part.

    Args:
        tables: train, valid, test and valid_full, those that there are.
        losses: by reason, what was dropped: the events before and after.
    """

    tables: Tables
    losses: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]


class EmptySplitError(DataError):
    """A split is empty; the caller, which knows the log, adds the hint."""


class SplitRule(Protocol):
    """How to split any part of a log whose cuts are known."""

    checked: ClassVar[Sequence[Split]]
    """Valid and test, that whose lack of targets is reported first."""

    @property
    def note(self) -> str | None:
        """A description of the cuts, if they were not given."""
        ...

    @property
    def names(self) -> Sequence[Split]:
        """The splits in the order in which their items are numbered: the names of `split`."""
        ...

    def split(self, part: Part) -> Tables:
        """Return the splits of a part before unseen items are dropped."""
        ...

    def learn(self, part: Part) -> Mapping[Split, pd.DataFrame]:
        """Return the tables of a part whose items `see` needs: of train, and of valid if any."""
        ...

    def settle(self, part: Part, seen: Seen) -> Settled:
        """Return the final splits of a part."""
        ...

    def explain_empty(self, engine: Engine, parts: Sequence[Part], name: Split) -> DataError:
        """Return the error for a split that is empty in the end.

        Args:
            engine: looks at the parts again.
            parts: of the log.
            name: valid or test.
        """
        ...


def see(learned: Mapping[Split, Tally]) -> Seen:
    """Return which items a model can have learned, by the tallies of `learn`."""
    in_train = learned["train"].of_items > 0
    valid = learned.get("valid")
    return Seen(in_train, in_train if valid is None else in_train | (valid.of_items > 0))


def take_where(events: pd.DataFrame, chosen: BoolArray) -> pd.DataFrame:
    """Return the chosen rows, without a copy if these are all."""
    return events if chosen.all() else events.take(np.flatnonzero(chosen))
