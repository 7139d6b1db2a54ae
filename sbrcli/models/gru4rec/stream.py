"""GRU4Rec event by event; see `sbrcli.models.stream`. NumPy only."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE
from sbrcli.models.row_products import RowProducts

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
_NO_ITEMS = np.empty(0, np.intp)
_MAX_GATES = 2**24
"""Numbers that `GruStream.prepare` may store: 64 MiB."""

States = tuple[FloatArray, ...]
"""Of each layer, (units,) of one session or (sessions, units)."""


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

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        return self._shape.num_items

    def work(self, sessions: int, events: int) -> float:
        """Estimate the multiplications; see `sbrcli.models.stream.Stream.work`."""
        units = self._shape.units
        per_event = 3 * sum(
            own * (own + below) for own, below in zip(units, (0, *units[:-1]), strict=True)
        )
        return sessions * self.num_items * units[-1] + events * per_event

    def prepare(self) -> None:
        """Multiply every item with the first kernel, if that takes little memory: same bits."""
        first = self._layers[0]
        if self._embedding is None or self.num_items * first.width > _MAX_GATES:
            return
        parts = range(0, self.num_items, 1024)
        gates = [first.gates(self._embedding[begin : begin + 1024], _NO_ITEMS) for begin in parts]
        self._gates = np.concatenate(gates)

    def advance(self, states: Sequence[States | None], items: Sequence[IntArray]) -> list[States]:
        """Walk each session's further events; see `sbrcli.models.stream.Stream.advance`."""
        # The longest first, so that the sessions that are left stand together.
        order = sorted(range(len(items)), key=lambda place: -len(items[place]))
        steps = np.array([len(items[place]) for place in order])
        events = np.zeros((len(order), steps[0] if order else 0), np.intp)
        for row, place in enumerate(order):
            events[row, : steps[row]] = items[place]
        hidden = [
            self._states_of([states[place] for place in order], layer)
            for layer in range(len(self._layers) if order else 0)
        ]
        # How many sessions have more events than each step.
        lasting = np.searchsorted(-steps, -np.arange(events.shape[1])).tolist()
        for step, active in enumerate(lasting):
            gates = self._first_gates(events[:active, step])
            for number, (layer, state) in enumerate(zip(self._layers, hidden, strict=True)):
                if number:
                    gates = layer.gates(hidden[number - 1][:active], _NO_ITEMS)
                layer.move(state[:active], gates)
        found: list[States] = [()] * len(order)
        for row, place in enumerate(order):
            found[place] = tuple(state[row].copy() for state in hidden)
        return found

    def scores(self, states: Sequence[States]) -> FloatArray:
        """Score what follows each session; see `sbrcli.models.stream.Stream.scores`."""
        last = [state[-1] for state in states]
        return self._output.multiply(
            np.stack(last) if last else np.empty((0, self._shape.units[-1]), np.float32)
        )

    def _first_gates(self, items: IntArray) -> FloatArray:
        if self._gates is not None:
            return self._gates[items]
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
        self._rows = _halved(kernel)
        self._input = RowProducts(np.ascontiguousarray(self._rows.T), self._bias)
        self._recurrent = RowProducts(np.ascontiguousarray(_halved(recurrent).T), recurrent_bias)

    def gates(self, entered: FloatArray | None, items: IntArray) -> FloatArray:
        """Return the input's share of the gates, (sessions, 3 * units).

        Args:
            entered: (sessions, width) inputs; None for one-hot items.
            items: (sessions,) item indices.
        """
        if entered is None:
            return self._rows[items] + self._bias
        return self._input.multiply(entered)

    def move(self, state: FloatArray, gates: FloatArray) -> None:
        """Replace states, (sessions, units), by those after one event."""
        units, half = self._units, np.float32(0.5)
        product = self._recurrent.multiply(state)
        opened, candidate = product[:, : 2 * units], product[:, 2 * units :]
        opened += gates[:, : 2 * units]
        np.tanh(opened, out=opened)
        opened *= half
        opened += half
        update, reset = opened[:, :units], opened[:, units:]
        candidate *= reset
        candidate += gates[:, 2 * units :]
        np.tanh(candidate, out=candidate)
        state -= candidate
        state *= update
        state += candidate


def _halved(gates: FloatArray) -> FloatArray:
    """Halve what belongs to z and r, (…, 3 * units); exact, being a power of two."""
    halved = gates.astype(np.float32)
    halved[..., : gates.shape[-1] * 2 // 3] *= np.float32(0.5)
    return halved
