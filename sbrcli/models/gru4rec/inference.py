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
from sbrcli.models.gru4rec.weights import RESIDUAL, GruShape
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
        _ = self._output, self._layers, self._gates_of, self._residual_of

    @cached_property
    def _layers(self) -> GruLayers:
        return GruLayers(self._shape.units, self._weights)

    @cached_property
    def _gates_of(self) -> Callable[[IntArray], FloatArray]:
        return input_gates(self._weights, _embedding(self._shape, self._weights, self._output))

    @cached_property
    def _residual_of(self) -> Callable[[IntArray], FloatArray] | None:
        """A function of the items' residuals, (items,) to (items, units); None if it has none."""
        embedded = _embedding(self._shape, self._weights, self._output)
        if not self._shape.has_residual or embedded is None:
            return None
        units = self._shape.units[-1]
        matrix = TiledMatrix(self._weights[RESIDUAL], np.zeros(units, np.float32))
        return lambda items: matrix.apply(embedded(items))[: len(items), :units]

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
        distinct, rows = _distinct_items(items, starts, steps)
        gates = self._gates_of(distinct)
        added = None if self._residual_of is None else self._residual_of(distinct)
        firsts = np.cumsum(steps) - steps
        lanes = self._layers.lanes(padded_rows(len(starts)))
        row = np.zeros(padded_rows(len(starts)), np.intp)  # of ended lanes: unchanged
        for step in range(steps[0]):
            active = int(np.searchsorted(-steps, -step))  # how many have more steps than this
            row[:active] = rows[firsts[:active] + step]
            states = lanes.advance(gates[row[: padded_rows(active)]])[:active]
            if added is not None:
                states = states.copy()  # the layer goes on without what is added
                states[:, :-1] += added[row[:active]]
            yield starts[:active] + step, states


def _distinct_items(
    items: IntArray, starts: IntArray, steps: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the items of some sessions, (distinct,), and the place of each of their events in it.

    The events are those of the sessions one after the other.
    """
    sessions = zip(starts.tolist(), steps.tolist(), strict=True)
    events = np.concatenate([items[start : start + count] for start, count in sessions])
    return np.unique(events, return_inverse=True)


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
