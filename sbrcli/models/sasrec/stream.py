"""SASRec event by event; see `sbrcli.models.stream`. NumPy only."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE
from sbrcli.models.row_products import RowProducts
from sbrcli.models.sasrec.numpy_blocks import Block, Ends, apply_softmax, row_product
from sbrcli.models.sasrec.weights import SasRecShape

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]
_MAX_NUMBERS = 2**24
"""Keys and values that `SasRecStream.advance` holds at a time: 64 MiB."""


class State(NamedTuple):
    """What is kept of a session: what later events attend to, and its hidden state."""

    known: FloatArray
    """(blocks, 2, events, units) the keys and values of the last events, up to window - 1."""

    hidden: FloatArray
    """(units,)"""


class SasRecStream:
    """Follows sessions with a trained network.

    Args:
        shape: the network.
        weights: float32, named and shaped as `shape.weight_shapes()` says; the table of items is
            not copied, so it may be mapped from a file.
    """

    def __init__(self, shape: SasRecShape, weights: Mapping[str, FloatArray]) -> None:
        self._shape = shape
        blocks = range(shape.blocks)
        self._blocks = [Block(shape, weights, block, row_product) for block in blocks]
        self._ends = Ends(weights, row_product)
        self._output = RowProducts(weights[OUTPUT_TABLE], weights[OUTPUT_BIAS])

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._shape.num_items

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications; see `sbrcli.models.stream.Stream.work`."""
        shape = self._shape
        per_unit = shape.units * (4 + 2 * shape.feed_forward) + 2 * shape.window
        per_event = shape.blocks * shape.units * per_unit
        return sessions * shape.num_items * shape.units + events * per_event

    def advance(self, states: Sequence[State | None], items: Sequence[IntArray]) -> list[State]:
        """Walk each session's further events; see `sbrcli.models.stream.Stream.advance`."""
        if not items:
            return []
        # No state depends on events further back; without the state before them it has the same
        # bits, because each event is processed by itself.
        reach = self._shape.blocks * self._shape.memory + 1
        states = [
            None if len(fresh) >= reach else state
            for state, fresh in zip(states, items, strict=True)
        ]
        items = [fresh[-reach:] for fresh in items]
        # The longest first, so that the sessions that are left stand together.
        order = sorted(range(len(items)), key=lambda place: -len(items[place]))
        events = self._shape.memory + len(items[order[0]])
        most = max(_MAX_NUMBERS // (2 * self._shape.blocks * events * self._shape.units), 1)
        found: dict[int, State] = {}
        for begin in range(0, len(order), most):
            part = order[begin : begin + most]
            walked = self._walk([states[at] for at in part], [items[at] for at in part])
            found |= zip(part, walked, strict=True)
        return [found[place] for place in range(len(items))]

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Score what follows each session; see `sbrcli.models.stream.Stream.scores`."""
        hidden = [state.hidden for state in states]
        return self._output.multiply(
            np.stack(hidden) if hidden else np.empty((0, self._shape.units), np.float32)
        )

    def _walk(self, states: Sequence[State | None], items: Sequence[IntArray]) -> list[State]:
        """Walk sessions event by event, those with the most events first."""
        shape = self._shape
        steps = np.array([len(fresh) for fresh in items])
        size = (len(items), shape.blocks, 2, shape.memory + steps[0], shape.units)
        known = np.zeros(size, np.float32)  # an event of step t stands at memory + t
        count = np.zeros(len(items), np.intp)  # events before, as far as they are known
        for row, state in enumerate(states):
            if state is not None:
                count[row] = state.known.shape[2]
                known[row, :, :, shape.memory - count[row] : shape.memory] = state.known
        hidden = np.empty((len(items), shape.units), np.float32)
        for step in range(steps[0]):
            active = int(np.searchsorted(-steps, -step))  # how many have more steps than this
            events = np.array([fresh[step] for fresh in items[:active]])
            window = known[:active, :, :, step : step + shape.window]
            hidden[:active] = self._step(events, window, count[:active])
            count[:active] = np.minimum(count[:active] + 1, shape.memory)
        found = []
        for row, end in enumerate(steps + shape.memory):
            kept = known[row, :, :, end - count[row] : end].copy()
            found.append(State(kept, hidden[row].copy()))
        return found

    def _step(self, items: IntArray, known: FloatArray, count: IntArray) -> FloatArray:
        """Walk one event of each session; return the hidden states, (sessions, units).

        Args:
            items: (sessions,) the events.
            known: (sessions, blocks, 2, window, units) keys and values of the events before; those
                of these events are written to the last place.
            count: (sessions,) how many events before are known.
        """
        shape = self._shape
        rows = self._ends.enter(items)
        is_unknown = np.arange(shape.window) < (shape.memory - count)[:, None]
        for number, block in enumerate(self._blocks):
            normed, projected = block.project(rows)
            queries, keys, values = np.split(projected, 3, axis=1)
            known[:, number, 0, -1], known[:, number, 1, -1] = keys, values
            mixed = self._attend(block, queries, known[:, number], is_unknown)
            rows = block.finish(rows, normed, mixed)
        return self._ends.leave(rows)

    def _attend(
        self, block: Block, queries: FloatArray, known: FloatArray, is_unknown: BoolArray
    ) -> FloatArray:
        """Return the weighted values of all heads: (sessions, units).

        Every product has the shape of a full window, however many events are known.
        """
        sessions, _, window, units = known.shape
        heads = self._shape.heads
        by_head = known.reshape(sessions, 2, window, heads, -1).transpose(1, 0, 3, 2, 4)
        own = queries.reshape(sessions, heads, 1, -1)
        with np.errstate(over="ignore", invalid="ignore"):
            logits = own @ by_head[0].swapaxes(2, 3)  # (sessions, heads, 1, window)
            logits += block.distance[:, None, ::-1]
            logits[np.broadcast_to(is_unknown[:, None, None], logits.shape)] = -np.inf
            mixed = apply_softmax(logits) @ by_head[1]
        return mixed.reshape(sessions, units)
