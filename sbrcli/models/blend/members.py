"""Score by a weighted mean of several models: any networks and baselines of the same items.

Each model's scores are first brought to one scale, that of logarithms of probabilities:

    a network:   scale * score, the logarithm of its softmax up to a constant per row
    a baseline:  log(1 + num_items * share), with the item's share of the row's sum

A constant per row moves all items alike, so that it changes no order. The scale is 1 for
cross-entropy; for the ranking losses see `sbrcli.evaluation.calibration`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.models.stream import State, Stream, stream_of
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
Weights = Sequence[float]

# So many scores of all members together are held at a time (64 MB), in buffers that are used
# again; a block has so many of each member, which stay in the cache.
_SCORES_AT_A_TIME = 2**24
_SCORES_OF_A_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One of the models of a blend.

    Args:
        scorer: the model.
        scale: makes a network's scores logarithms of probabilities; None for a baseline, whose
            scores are proportional to shares.
        memory_bytes: the bytes of the model.
    """

    scorer: Scorer
    scale: float | None
    memory_bytes: int = 0

    def to_log_scale(self, scores: FloatArray) -> FloatArray:
        """Bring the model's scores, (rows, num_items), to the common scale; may return them."""
        if self.scale == 1:
            return scores
        if self.scale is not None:
            return np.multiply(scores, self.scale, dtype=np.float32)
        found = np.zeros(scores.shape, np.float32)
        totals = scores.sum(axis=1, dtype=np.float64)
        row, item = np.nonzero(scores)
        found[row, item] = np.log1p(scores.shape[1] / totals[row] * scores[row, item])
        return found


class BlendScorer:
    """Scores items by the weighted mean of its members; see `sbrcli.models.scorer.Scorer`.

    Args:
        members: models of the same items, at least one.
        weights: of each member, above 0.
    """

    def __init__(self, members: Sequence[Member], weights: Weights) -> None:
        self._members, self._weights = members, weights
        self.stream = BlendStream(members, weights)

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._members[0].scorer.num_items

    @property
    def memory_bytes(self) -> int:
        """The bytes of all members."""
        return sum(member.memory_bytes for member in self._members)

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event; see `sbrcli.models.scorer.Scorer`."""
        for positions, apart in score_apart(self._members, sessions):
            yield positions, weighted_mean(apart, self._weights)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        return self.stream.scores(self.stream.advance([None], [items]))[0]


class BlendStream:
    """Follows sessions with all members of a blend; see `sbrcli.models.stream.Stream`."""

    def __init__(self, members: Sequence[Member], weights: Weights) -> None:
        self._members, self._weights = members, weights
        self._streams: list[Stream] = [stream_of(member.scorer) for member in members]

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._streams[0].num_items

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications of all members; see `sbrcli.models.stream.Stream.work`."""
        return sum(stream.work(sessions, events) for stream in self._streams)

    def prepare(self) -> None:
        """Prepare the members whose streams can be prepared, so that the first session is fast."""
        for stream in self._streams:
            prepare = getattr(stream, "prepare", None)
            if prepare is not None:
                prepare()

    def advance(self, states: Sequence[State | None], items: Sequence[IntArray]) -> list[State]:
        """Return the states of sessions after further events: each holds one of every member."""
        found = [
            stream.advance([None if state is None else state[place] for state in states], items)
            for place, stream in enumerate(self._streams)
        ]
        return list(zip(*found, strict=True))

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Score what follows each session: (len(states), num_items)."""
        apart = [
            member.to_log_scale(stream.scores([state[place] for state in states]))
            for place, (member, stream) in enumerate(zip(self._members, self._streams, strict=True))
        ]
        return weighted_mean(apart, self._weights)


def weighted_mean(apart: Sequence[FloatArray], weights: Weights) -> npt.NDArray[np.float32]:
    """Return the sum of the members' scores times their weights, as a new array.

    Args:
        apart: of each member, (rows, num_items) on the common scale.
        weights: of each member, with the sum 1; a member of weight 0 is left out.
    """
    used = [pair for pair in zip(apart, weights, strict=True) if pair[1]]
    mean = np.multiply(*used[0], dtype=np.float32)
    for scores, weight in used[1:]:
        mean += np.multiply(scores, weight, dtype=np.float32)
    return mean


def score_apart(
    members: Sequence[Member], sessions: Sessions
) -> Iterator[tuple[IntArray, list[FloatArray]]]:
    """Score with several models at the same positions, those before targets.

    Yields:
        (rows,) positions, and of each member (rows, num_items) scores on the common scale; the next
        block may overwrite the scores.
    """
    num_items = members[0].scorer.num_items
    most = max(1, _SCORES_AT_A_TIME // (len(members) * num_items))
    most = min(most, max(1, sessions.num_targets))
    buffers = [np.empty((most, num_items), np.float32) for _ in members]
    step = max(1, _SCORES_OF_A_BLOCK // num_items)
    for begin, part in _with_few_targets(sessions, most):
        positions = np.flatnonzero(part.target_mask) - 1
        for member, buffer in zip(members, buffers, strict=True):
            for places, scores in score_targets(member.scorer, part):
                buffer[np.searchsorted(positions, places)] = member.to_log_scale(scores)
        for first in range(0, len(positions), step):
            rows = slice(first, min(first + step, len(positions)))
            yield begin + positions[rows], [buffer[rows] for buffer in buffers]


def _with_few_targets(sessions: Sessions, most: int) -> Iterator[tuple[int, Sessions]]:
    """Yield parts of sessions with so many targets, each with the position at which it begins.

    A session of more targets is in several parts, each time from its start.
    """
    targets = np.flatnonzero(sessions.target_mask)
    for first in range(0, len(targets), most):
        own = targets[first : first + most]
        start, stop = np.searchsorted(sessions.offsets, own[[0, -1]], side="right")
        begin, end = sessions.offsets[start - 1], own[-1] + 1
        is_target = np.zeros(end - begin, np.bool_)
        is_target[own - begin] = True
        yield (
            int(begin),
            Sessions(
                sessions.item_indices[begin:end],
                np.append(sessions.offsets[start - 1 : stop], end) - begin,
                sessions.timestamps[begin:end],
                is_target,
            ),
        )
