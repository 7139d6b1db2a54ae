"""Scores of a network with learned repeats, in NumPy alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.models.repeats.ages import AGES, SessionAges
from sbrcli.models.scorer import Scorer
from sbrcli.models.stream import State, Stream, stream_of
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class RepeatsScorer:
    """Adds the learned terms to the scores of a network; see `sbrcli.models.scorer.Scorer`.

    Args:
        scorer: the network's, whose blocks of scores are changed in place.
        terms: (AGES,) float32, what is added to the score of an item of each age.
    """

    def __init__(self, scorer: Scorer, terms: FloatArray) -> None:
        self._scorer, self._terms = scorer, np.array(terms, np.float32)
        self.stream = RepeatsStream(stream_of(scorer), self._terms)

    @property
    def num_items(self) -> int:
        """The number of items."""
        return self._scorer.num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score the item after each event; see `sbrcli.models.scorer.Scorer`."""
        ages = SessionAges(sessions)
        for positions, scores in self._scorer.score_sessions(sessions):
            seen = ages.seen(positions)
            scores[seen.rows, seen.items] += self._terms[seen.ages]
            yield positions, scores

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after a session; see `sbrcli.models.scorer.Scorer`."""
        return self.stream.scores(self.stream.advance([None], [items]))[0]


@dataclass(frozen=True, slots=True)
class _Followed:
    """The state of a session."""

    state: State
    """The network's."""

    items: IntArray
    """The session's items, each once, the one that occurred last at the end."""

    events: IntArray
    """(items,) the number of the event at which each occurred last, from 1."""

    num_events: int


class RepeatsStream:
    """Follows sessions with a network and the items that they have had; see `Stream`.

    Args:
        stream: the network's.
        terms: (AGES,) what is added to the score of an item of each age.
    """

    def __init__(self, stream: Stream, terms: FloatArray) -> None:
        self._stream, self._terms = stream, terms

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._stream.num_items

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications, which are the network's; see `Stream.work`."""
        return self._stream.work(sessions, events)

    def prepare(self) -> None:
        """Prepare what the network's stream uses for every session."""
        prepare = getattr(self._stream, "prepare", None)
        if prepare is not None:
            prepare()

    def advance(
        self, states: Sequence[_Followed | None], items: Sequence[IntArray]
    ) -> list[_Followed]:
        """Walk each session's further events; see `sbrcli.models.stream.Stream.advance`."""
        inner = [None if state is None else state.state for state in states]
        walked = self._stream.advance(inner, items)
        return [_follow(*each) for each in zip(walked, states, items, strict=True)]

    def scores(self, states: Sequence[_Followed]) -> FloatArray:
        """Score what follows each session; see `sbrcli.models.stream.Stream.scores`."""
        scores = self._stream.scores([state.state for state in states])
        for row, state in zip(scores, states, strict=True):
            ages = np.minimum(state.num_events - state.events, AGES - 1)
            row[state.items] += self._terms[ages]
        return scores


def _follow(state: State, before: _Followed | None, items: IntArray) -> _Followed:
    """Return the state of a session after further events."""
    num_before = 0 if before is None else before.num_events
    num_events = num_before + len(items)
    events = np.arange(num_before + 1, num_events + 1)
    if before is not None:
        items = np.concatenate((before.items, items))
        events = np.concatenate((before.events, events))
    # The first place in reversed order is that of the last occurrence.
    _, places = np.unique(items[::-1], return_index=True)
    kept = np.sort(len(items) - 1 - places)
    return _Followed(state, items[kept], events[kept], num_events)
