"""Scores of SASRec in NumPy alone, for evaluation and recommendation.

Sessions are processed in parallel, some events of each at a time, from which a block keeps the keys
and values that later events attend to. The hidden states are passed to the output layer by
`sbrcli.models.score_blocks`.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sbrcli.models.sasrec.numpy_blocks import Block, Ends, apply_softmax, tiled_product
from sbrcli.models.sasrec.stream import SasRecStream
from sbrcli.models.sasrec.weights import SasRecShape
from sbrcli.models.session_scorer import SessionScorer

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

# The most events of a session that are processed at a time.
_MAX_STEPS = 32
# OpenBLAS starts to use its threads, which spin, somewhat above this number of multiplications.
_ONE_THREAD = 2**18
# The most logits at a time, which stay in the cache.
_MAX_LOGITS = 2**20


class SasRecScorer(SessionScorer):
    """Scores sessions with a trained SASRec.

    Args:
        shape: the network.
        weights: float32, named and shaped as `shape.weight_shapes()` says.
        batch_size: the maximum number of sessions processed in parallel.
    """

    def __init__(
        self, shape: SasRecShape, weights: Mapping[str, FloatArray], batch_size: int = 128
    ) -> None:
        self._shape = shape
        self._steps = _steps_at_a_time(shape)
        logits = shape.heads * self._steps * (shape.memory + self._steps)
        batch_size = max(min(batch_size, _MAX_LOGITS // logits), 1)
        super().__init__(shape, weights, SasRecStream(shape, weights), batch_size)

    def _prepare(self) -> None:
        _ = self._output, self._blocks, self._ends

    @cached_property
    def _blocks(self) -> list[Block]:
        shape, weights = self._shape, self._weights
        return [Block(shape, weights, block, tiled_product) for block in range(shape.blocks)]

    @cached_property
    def _ends(self) -> Ends:
        return Ends(self._weights, tiled_product)

    def _walk_batch(
        self, items: IntArray, starts: IntArray, steps: IntArray
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Process sessions in parallel, from their beginning.

        Args:
            items: all events.
            starts: (sessions,) the position in `items` at which each begins.
            steps: (sessions,) the number of events of each to process, in descending order.

        Yields:
            (events,) positions and (events, units + 1) states of some events of each session.
        """
        known: list[tuple[FloatArray, FloatArray] | None] = [None] * self._shape.blocks
        for first in range(0, int(steps[0]), self._steps):
            active = int(np.searchsorted(-steps, -first))  # how many have more steps than this
            at = np.arange(first, min(first + self._steps, int(steps[0])))
            is_event = at < steps[:active, None]
            positions = starts[:active, None] + np.where(is_event, at, 0)
            rows = self._ends.enter(items[positions.ravel()])
            for number, block in enumerate(self._blocks):
                rows, known[number] = self._advance(block, rows, known[number], active)
            states = np.ones((active, len(at), self._shape.units + 1), np.float32)
            states[..., :-1] = self._ends.leave(rows).reshape(active, len(at), -1)
            yield positions[is_event], states[is_event]

    def _advance(
        self,
        block: Block,
        rows: FloatArray,
        known: tuple[FloatArray, FloatArray] | None,
        sessions: int,
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Apply a block to the next events of some sessions.

        Args:
            block: the block.
            rows: (sessions * steps, units) its input.
            known: (sessions or more, earlier events, units) the keys and values of the events
                before; None at the beginning.
            sessions: the number of sessions.

        Returns:
            Its output, and the keys and values for the events that follow.
        """
        shape = self._shape
        normed, projected = block.project(rows)
        parts = projected.reshape(sessions, -1, 3, shape.units)
        queries, keys, values = parts[:, :, 0], parts[:, :, 1], parts[:, :, 2]
        if known is not None:
            keys = np.concatenate((known[0][:sessions], keys), axis=1)
            values = np.concatenate((known[1][:sessions], values), axis=1)
        mixed = self._attend(block, queries, keys, values)
        kept = keys[:, -shape.memory :], values[:, -shape.memory :]
        return block.finish(rows, normed, mixed), kept

    def _attend(
        self, block: Block, queries: FloatArray, keys: FloatArray, values: FloatArray
    ) -> FloatArray:
        """Return the weighted values of all heads: (sessions * steps, units)."""
        sessions, steps, units = queries.shape
        by_head = [
            part.reshape(*part.shape[:2], self._shape.heads, -1).transpose(0, 2, 1, 3)
            for part in (queries, keys, values)
        ]
        # What diverges is found in the results; NumPy's warning would reach the user's terminal.
        with np.errstate(over="ignore", invalid="ignore"):
            logits = by_head[0] @ by_head[1].swapaxes(2, 3)  # (sessions, heads, steps, known)
            logits += _terms(block.distance, steps, keys.shape[1])
            mixed = apply_softmax(logits) @ by_head[2]
        return mixed.transpose(0, 2, 1, 3).reshape(sessions * steps, units)


def _terms(distance: FloatArray, steps: int, known: int) -> FloatArray:
    """Return what is added to logits, (heads, steps, known): minus infinity out of reach.

    Args:
        distance: (heads, window) by distance.
        steps: the number of attending events, the last of the known ones.
        known: the number of events that may be attended to.
    """
    back = np.arange(known - steps, known)[:, None] - np.arange(known)
    window = distance.shape[1]
    terms = distance[:, np.clip(back, 0, window - 1)]
    return np.where((back >= 0) & (back < window), terms, -np.float32(np.inf))


def _steps_at_a_time(shape: SasRecShape) -> int:
    """Return how many events of a session are processed at a time.

    The product of their queries and the keys of the window stays on one thread.
    """
    steps, width = _MAX_STEPS, shape.units // shape.heads
    while steps > 1 and steps * width * (shape.memory + steps) > _ONE_THREAD:
        steps //= 2
    return steps
