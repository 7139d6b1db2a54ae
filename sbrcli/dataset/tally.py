"""Count the events, sessions and items of parts, so that the counts of parts add up."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sbrcli.arrays import IntArray
from sbrcli.artefacts.dataset import Counts
from sbrcli.dataset.filters import count_items
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True)
class Tally:
    """The size of a table; those of parts add up to that of the log.

    Args:
        events: number of events.
        sessions: number of sessions.
        of_items: (categories,) number of events of each item.
        first: time of the first event; infinity without one.
        last: time of the last event; minus infinity without one.
    """

    events: int
    sessions: int
    of_items: IntArray
    first: float = math.inf
    last: float = -math.inf

    @classmethod
    def of(cls, events: pd.DataFrame) -> "Tally":
        """Count a table in the dataset's order."""
        times = events[TIMESTAMP].to_numpy()
        span = (times.min().item(), times.max().item()) if len(times) else ()
        num_sessions = len(session_offsets(events)) - 1
        return cls(len(events), num_sessions, count_items(events), *span)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.events + other.events,
            self.sessions + other.sessions,
            self.of_items + other.of_items,
            min(self.first, other.first),
            max(self.last, other.last),
        )

    @property
    def counts(self) -> Counts:
        """The number of events, sessions and distinct items."""
        return Counts(self.events, self.sessions, int(np.count_nonzero(self.of_items)))


def add_each(one: "tuple[Tally, ...]", other: "tuple[Tally, ...]") -> "tuple[Tally, ...]":
    """Add tallies of two parts, place by place."""
    return tuple(first + second for first, second in zip(one, other, strict=True))
