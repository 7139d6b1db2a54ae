"""Scores of GRU4Rec in NumPy alone, for evaluation and recommendation.

Sessions are processed in parallel, one event of each at a time. The hidden states are passed to the
output layer by `sbrcli.models.score_blocks`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.numpy_gru import GruLayers, input_gates
from sbrcli.models.gru4rec.stream import GruStream
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.score_blocks import score_in_blocks
from sbrcli.models.tiled_matmul import TiledMatrix, padded_rows
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class GruScorer:
    """Scores sessions with a trained network; see `sbrcli.models.scorer.Scorer`.

    The same sessions in the same order and batch size give the same scores, bit for bit, on one
    machine. At another position in the batch, a session has the same scores up to float32 rounding
    (see `sbrcli.models.tiled_matmul`).

    Args:
        shape: the network.
        weights: float32, named and shaped as `shape.weight_shapes()` says.
        batch_size: the number of sessions processed in parallel.
    """

    def __init__(
        self, shape: GruShape, weights: Mapping[str, FloatArray], batch_size: int = 128
    ) -> None:
        self._shape = shape
        self._batch_size = batch_size
        self._weights = weights
        self._lock = Lock()
        self.stream = GruStream(shape, weights)

    @property
    def num_items(self) -> int:
        """The number of items."""
        return self._shape.num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score the items at the positions before targets.

        Args:
            sessions: every item index below `num_items`.

        Yields:
            (rows,) positions into `sessions.item_indices`, and (rows, num_items) scores of the
            items that follow them; the next block overwrites the scores.
        """
        with self._lock:  # made once, although several threads may ask
            _ = self._output, self._layers, self._gates_of
        yield from score_in_blocks(self._walk(sessions), self._output)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`, (events,) with at least one: (num_items,).

        It differs from `score_sessions` in rounding; `stream` gives the same bits.
        """
        return self.stream.scores(self.stream.advance([None], [items]))[0]

    @cached_property
    def _output(self) -> TiledMatrix:
        return TiledMatrix(self._weights["output/table"].T, self._weights["output/bias"])

    @cached_property
    def _layers(self) -> GruLayers:
        return GruLayers(self._shape.units, self._weights)

    @cached_property
    def _gates_of(self) -> Callable[[IntArray], FloatArray]:
        return input_gates(self._weights, _embedding(self._shape, self._weights, self._output))

    def _walk(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield the last layer's state at the positions before targets."""
        steps = np.diff(sessions.offsets) - 1
        is_asked = None if sessions.targets is None else sessions.target_mask
        # The longest first, so that the lanes of a batch end from the back.
        order = np.argsort(-steps, kind="stable")
        order = order[steps[order] > 0]
        for begin in range(0, len(order), self._batch_size):
            batch = order[begin : begin + self._batch_size]
            walk = self._walk_batch(sessions.item_indices, sessions.offsets[batch], steps[batch])
            if is_asked is None:
                yield from walk
                continue
            for positions, states in walk:
                asked = is_asked[positions + 1]
                yield positions[asked], states[asked]

    def _walk_batch(
        self, items: IntArray, starts: IntArray, steps: IntArray
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Process sessions in parallel, each from a state of zeros.

        Args:
            items: all events.
            starts: (sessions,) the position in `items` at which each begins.
            steps: (sessions,) the number of events of each to process, in descending order.

        Yields:
            After each step: (active,) positions of the events just processed, and (active, units +
                1) states, overwritten at the next step.
        """
        gates, rows = self._gates_of_sessions(items, starts, steps)
        firsts = np.cumsum(steps) - steps
        lanes = self._layers.lanes(padded_rows(len(starts)))
        row = np.zeros(padded_rows(len(starts)), np.intp)  # of ended lanes: unchanged
        for step in range(steps[0]):
            active = int(np.searchsorted(-steps, -step))  # how many have more steps than this
            row[:active] = rows[firsts[:active] + step]
            states = lanes.advance(gates[row[: padded_rows(active)]])
            yield starts[:active] + step, states[:active]

    def _gates_of_sessions(
        self, items: IntArray, starts: IntArray, steps: IntArray
    ) -> tuple[FloatArray, IntArray]:
        """Multiply each distinct item of some sessions by the first kernel.

        Returns:
            (distinct items, 3 * units or more), and for each event of the sessions, concatenated,
            its row in it.
        """
        sessions = zip(starts.tolist(), steps.tolist(), strict=True)
        events = np.concatenate([items[start : start + count] for start, count in sessions])
        distinct, rows = np.unique(events, return_inverse=True)
        return self._gates_of(distinct), rows


def _embedding(
    shape: GruShape, weights: Mapping[str, FloatArray], output: TiledMatrix
) -> Callable[[IntArray], FloatArray] | None:
    """Return a function that looks up embeddings; None if the input is one-hot."""
    if shape.embedding == "none":
        return None
    if shape.embedding == "shared":
        return output.take_columns  # rather than keep a second copy of the table
    table = weights["embedding/table"]
    return lambda items: table[items]
