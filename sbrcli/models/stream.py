"""Score sessions event by event, as they happen, for `sbr recommend` and `sbr serve`.

A session is held as a state, which each event advances. The scores of a session have the same
bits, whichever other sessions are scored with it, and whether its events came at once or one by
one.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbrcli.models.scorer import Scorer

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
State = Any
"""What a stream keeps of one session; never changed, so that it may be kept and used again."""


class Stream(Protocol):
    """A model that follows sessions. Its methods may be called by several threads at once."""

    @property
    def num_items(self) -> int:
        """The number of items that are scored."""
        ...

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications that sessions with so many events take; infinite if unknown.

        Args:
            sessions: how many are scored.
            events: how many events they have together.
        """
        ...

    def advance(self, states: Sequence[State | None], items: Sequence[IntArray]) -> list[State]:
        """Return the states of sessions after further events.

        Args:
            states: of each session; None for one that begins.
            items: the item indices of each session's further events, at least one.
        """
        ...

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Score what follows each session: (len(states), num_items) float32, a new array."""
        ...


class ReplayStream:
    """Follows sessions with any model, by scoring each one's events again.

    Args:
        scorer: the model.
        most_events: the maximum number of a session's latest events that are stored.
    """

    def __init__(self, scorer: Scorer, most_events: int = 10_000) -> None:
        self._scorer = scorer
        self._most_events = most_events

    @property
    def num_items(self) -> int:
        """The number of items that are scored."""
        return self._scorer.num_items

    def work(self, sessions: int, events: int) -> float:  # noqa: ARG002
        """Return infinity: the model may be any."""
        return math.inf

    def advance(self, states: Sequence[State | None], items: Sequence[IntArray]) -> list[State]:
        """Append the events; see `Stream.advance`."""
        pairs = zip(states, items, strict=True)
        joined = (new if old is None else np.concatenate((old, new)) for old, new in pairs)
        return [events[-self._most_events :] for events in joined]

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Score what follows each session; see `Stream.scores`."""
        rows = [self._scorer.score_next(events) for events in states]
        return np.stack(rows) if rows else np.empty((0, self.num_items), np.float32)


def stream_of(scorer: Scorer) -> Stream:
    """Return the stream of a model: its own one, or one that scores the events again."""
    own: Stream | None = getattr(scorer, "stream", None)
    return ReplayStream(scorer) if own is None else own
