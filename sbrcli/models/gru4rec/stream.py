"""GRU4Rec event by event; see `sbrcli.models.stream`. NumPy only."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.weights import RESIDUAL, GruShape
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE
from sbrcli.models.row_products import RowProducts

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
_NO_ITEMS = np.empty(0, np.intp)
_MAX_GATES = 2**24
"""Numbers that `GruStream.prepare` may store: 64 MiB."""

_TOGETHER = 2**16
"""Numbers of gates that are multiplied at once: 256 KiB."""

States = tuple[FloatArray, ...]
"""Of each layer, (units,); with a residual, then the last layer's sum with it, (units,)."""


class GruStream:
    """Follows sessions with a trained network, by the equations of `numpy_gru`.

    Args:
        shape: the network.
        weights: float32, named and shaped as `shape.weight_shapes()` says; the tables of items are
            not copied, so they may be mapped from a file.
    """

    def __init__(self, shape: GruShape, weights: Mapping[str, FloatArray]) -> None:
        self._shape = shape
        self._layers = [_Layer(weights, layer) for layer in range(len(shape.units))]
        self._output = RowProducts(weights[OUTPUT_TABLE], weights[OUTPUT_BIAS])
        self._gates: FloatArray | None = None
        self._embedding = None
        if shape.embedding != "none":
            name = OUTPUT_TABLE if shape.embedding == "shared" else "embedding/table"
            self._embedding = weights[name]
        self._residual = None
        if shape.has_residual:
            no_bias = np.zeros(shape.units[-1], np.float32)
            matrix = np.ascontiguousarray(weights[RESIDUAL].T, np.float32)
            self._residual = RowProducts(matrix, no_bias)
        units = shape.units
        pairs = zip(units, (0, *units[:-1]), strict=True)
        self._work_per_event = 3 * sum(own * (own + below) for own, below in pairs)
        self._work_per_session = units[-1] * shape.num_items
        if self._residual is not None:
            self._work_per_session += units[-1] ** 2

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._shape.num_items

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications; see `sbrcli.models.stream.Stream.work`."""
        return sessions * self._work_per_session + events * self._work_per_event

    def prepare(self) -> None:
        """Multiply every item with the first kernel, if that takes little memory: same bits."""
        first = self._layers[0]
        if self._embedding is None or self.num_items * first.width > _MAX_GATES:
            return
        parts = range(0, self.num_items, 1024)
        gates = [first.gates(self._embedding[begin : begin + 1024], _NO_ITEMS) for begin in parts]
        self._gates = np.concatenate(gates, axis=1)

    def advance(self, states: Sequence[States | None], items: Sequence[IntArray]) -> list[States]:
        """Walk each session's further events; see `sbrcli.models.stream.Stream.advance`."""
        if not items:
            return []
        # The longest first, so that the sessions that are left stand together.
        lengths = [*map(len, items)]
        order = sorted(range(len(items)), key=lengths.__getitem__, reverse=True)
        steps = np.array([lengths[place] for place in order])
        events = np.zeros((len(order), steps[0]), np.intp)
        walked = np.concatenate([items[place] for place in order])
        events[np.arange(steps[0]) < steps[:, None]] = walked
        hidden = [
            self._states_of([states[place] for place in order], layer)
            for layer in range(len(self._layers))
        ]
        # How many sessions have more events than each step.
        lasting = np.searchsorted(-steps, -np.arange(events.shape[1])).tolist()
        begin = 0
        # Of steps with the same sessions, and so many that their gates take little memory.
        for active, own in groupby(lasting):
            end = begin + len(list(own))
            most = max(_TOGETHER // (active * self._layers[0].width), 1)
            for first in range(begin, end, most):
                part = events[:active, first : min(first + most, end)]
                self._walk([state[:active] for state in hidden], part)
            begin = end
        found: list[States] = [()] * len(order)
        if self._residual is not None:
            assert self._embedding is not None
            last = self._embedding[[items[place][-1] for place in order]]
            hidden.append(hidden[-1] + self._residual.multiply(last))
        for row, place in enumerate(order):
            found[place] = tuple(state[row].copy() for state in hidden)
        return found

    def scores(self, states: Sequence[States]) -> FloatArray:
        """Score what follows each session; see `sbrcli.models.stream.Stream.scores`."""
        last = [state[-1] for state in states]
        rows = np.concatenate(last) if last else np.empty(0, np.float32)
        return self._output.multiply(rows.reshape(len(last), self._shape.units[-1]))

    def _walk(self, hidden: Sequence[FloatArray], events: IntArray) -> None:
        """Replace states, of each layer (sessions, units), by those after (sessions, steps) events.

        The first layer's gates of all steps are multiplied at once.
        """
        sessions, steps = events.shape
        items = events.T.reshape(-1)
        gates = self._first_gates(items).reshape(3, steps, sessions, -1)
        moves = [layer.mover(state) for layer, state in zip(self._layers, hidden, strict=True)]
        with np.errstate(over="ignore", invalid="ignore"):  # see `RowProducts.multiply`
            for step in range(steps):
                moves[0](gates[:, step])
                for number in range(1, len(moves)):
                    moves[number](self._layers[number].gates(hidden[number - 1], _NO_ITEMS))

    def _first_gates(self, items: IntArray) -> FloatArray:
        if self._gates is not None:
            return self._gates.take(items, axis=1)
        entered = None if self._embedding is None else self._embedding[items]
        return self._layers[0].gates(entered, items)

    def _states_of(self, states: Sequence[States | None], layer: int) -> FloatArray:
        found = np.zeros((len(states), self._shape.units[layer]), np.float32)
        for row, own in enumerate(states):
            if own is not None:
                found[row] = own[layer]
        return found


class _Layer:
    """One layer; the weights of z and r are halved, as in `numpy_gru`."""

    def __init__(self, weights: Mapping[str, FloatArray], layer: int) -> None:
        kernel = weights[f"gru_{layer}/kernel"]
        recurrent = weights[f"gru_{layer}/recurrent_kernel"]
        self._bias, recurrent_bias = _halved(weights[f"gru_{layer}/bias"])
        self._units = recurrent.shape[0]
        self.width = recurrent.shape[1]
        rows = np.ascontiguousarray(_halved(kernel).T)
        # (3, inputs, units): what an item adds if the input is one-hot
        self._rows = np.ascontiguousarray(rows.reshape(3, self._units, -1).transpose(0, 2, 1))
        self._input = RowProducts(rows, self._bias, groups=3)
        recurrent_rows = np.ascontiguousarray(_halved(recurrent).T)
        self._recurrent = RowProducts(recurrent_rows, recurrent_bias, groups=3)

    def gates(self, entered: FloatArray | None, items: IntArray) -> FloatArray:
        """Return the input's share of the gates, (3, sessions, units): of z, r and the candidate.

        Args:
            entered: (sessions, width) inputs; None for one-hot items.
            items: (sessions,) item indices.
        """
        if entered is None:
            return self._rows[:, items] + self._bias.reshape(3, 1, -1)
        return self._input.multiply(entered)

    def mover(self, state: FloatArray) -> Callable[[FloatArray], None]:
        """Return a function of the input's gates, (3, sessions, units), of one event each.

        It replaces the states, (sessions, units), by those after the event. The gates are
        contiguous: in columns of one array, each operation takes three times as long.
        """
        half = np.float32(0.5)
        product = np.empty((3, len(state), self._units), np.float32)
        multiply = self._recurrent.repeated(state, product)
        opened, (update, reset, candidate) = product[:2], product
        add, times, tanh, minus = np.add, np.multiply, np.tanh, np.subtract

        def move(gates: FloatArray) -> None:
            multiply()
            add(opened, gates[:2], opened)
            tanh(opened, opened)
            times(opened, half, opened)
            add(opened, half, opened)
            times(candidate, reset, candidate)
            add(candidate, gates[2], candidate)
            tanh(candidate, candidate)
            minus(state, candidate, state)
            times(state, update, state)
            add(state, candidate, state)

        return move


def _halved(gates: FloatArray) -> FloatArray:
    """Halve what belongs to z and r, (…, 3 * units); exact, being a power of two."""
    halved = gates.astype(np.float32)
    halved[..., : gates.shape[-1] * 2 // 3] *= np.float32(0.5)
    return halved
