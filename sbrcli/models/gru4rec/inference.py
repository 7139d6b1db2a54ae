"""Scores of GRU4Rec in NumPy alone, for evaluation and recommendation.

Sessions are processed in parallel, one event of each at a time. The hidden states are passed to the
output layer by `sbrcli.models.score_blocks`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.numpy_gru import GruLayers, input_gates
from sbrcli.models.gru4rec.stream import GruStream
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.session_scorer import SessionScorer
from sbrcli.models.tiled_matmul import TiledMatrix, padded_rows

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class GruScorer(SessionScorer):
    """Scores sessions with a trained GRU4Rec.

    Args:
        shape: the network.
        weights: float32, named and shaped as `shape.weight_shapes()` says.
        batch_size: the number of sessions processed in parallel.
    """

    def __init__(
        self, shape: GruShape, weights: Mapping[str, FloatArray], batch_size: int = 128
    ) -> None:
        super().__init__(shape, weights, GruStream(shape, weights), batch_size)
        self._shape = shape

    def _prepare(self) -> None:
        _ = self._output, self._layers, self._gates_of

    @cached_property
    def _layers(self) -> GruLayers:
        return GruLayers(self._shape.units, self._weights)

    @cached_property
    def _gates_of(self) -> Callable[[IntArray], FloatArray]:
        return input_gates(self._weights, _embedding(self._shape, self._weights, self._output))

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
