"""The GRU layers in NumPy: many sessions in parallel, one step at a time.

One layer is Keras' GRU with `reset_after=True`:

    z = sigmoid(x Kz + h Rz + b0z + b1z)            the update gate
    r = sigmoid(x Kr + h Rr + b0r + b1r)            the reset gate
    c = tanh(x Kc + b0c + r * (h Rc + b1c))         the candidate
    h' = z * h + (1 - z) * c

(Cho et al. 2014, arXiv 1406.1078, eq. 5 to 8, with the reset gate after the product.)
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sbrcli.models.tiled_matmul import TiledMatrix

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
Weights = Mapping[str, FloatArray]


class GruLayers:
    """The weights of all layers, ready for any number of lanes."""

    def __init__(self, units: Sequence[int], weights: Weights) -> None:
        self.recurrent = [
            TiledMatrix(_halved(weights[f"gru_{i}/recurrent_kernel"]), _bias(weights, i)[1])
            for i in range(len(units))
        ]
        self.between = [
            TiledMatrix(_halved(weights[f"gru_{i}/kernel"]), _bias(weights, i)[0])
            for i in range(1, len(units))
        ]

    def lanes(self, count: int) -> "Lanes":
        """Return `count` parallel lanes, a multiple of a tile's rows, with states of zeros."""
        return Lanes(self, count)


class Lanes:
    """The states of parallel sessions; lanes end from the back."""

    def __init__(self, layers: GruLayers, count: int) -> None:
        self._states = [_State(matrix, count) for matrix in layers.recurrent]
        self._between = [
            (matrix, np.empty((count, matrix.padded_columns), np.float32))
            for matrix in layers.between
        ]

    def advance(self, gates: FloatArray) -> FloatArray:
        """Advance every active lane by one step.

        Args:
            gates: (lanes, 3 * units or more), the items' contribution to the first layer's gates,
                as returned by `input_gates`; overwritten.

        Returns:
            (lanes, units + 1), the last layer's state and a column of ones; overwritten at the next
            step.
        """
        state = self._states[0].advance(gates)
        for (matrix, buffer), above in zip(self._between, self._states[1:], strict=True):
            product = buffer[: len(gates)]
            matrix.multiply(state, product)
            state = above.advance(product)
        return state


class _State:
    """One layer's state, (lanes, units + 1); the last column is 1, the factor of the biases."""

    def __init__(self, recurrent: TiledMatrix, count: int) -> None:
        self._matrix = recurrent
        self._state = np.zeros((count, recurrent.inputs + 1), np.float32)
        self._state[:, -1] = 1
        self._product = np.empty((count, recurrent.padded_columns), np.float32)

    def advance(self, gates: FloatArray) -> FloatArray:
        """Advance the state in place; `gates`, (lanes, 3 * units or more), is overwritten.

        The weights of z and r are halved, because sigmoid(a) = (tanh(a / 2) + 1) / 2.
        """
        lanes, units = len(gates), self._matrix.inputs
        product = self._product[:lanes]
        self._matrix.multiply(self._state[:lanes], product)
        open_shares = gates[:, : 2 * units]
        open_shares += product[:, : 2 * units]
        np.tanh(open_shares, out=open_shares)
        open_shares *= np.float32(0.5)
        open_shares += np.float32(0.5)
        update, reset = open_shares[:, :units], open_shares[:, units:]
        candidate, state = product[:, 2 * units : 3 * units], self._state[:lanes, :units]
        candidate *= reset
        candidate += gates[:, 2 * units : 3 * units]
        np.tanh(candidate, out=candidate)
        state -= candidate  # z * h + (1 - z) * c is c + z * (h - c)
        state *= update
        state += candidate
        return self._state[:lanes]


def input_gates(
    weights: Weights, embedded: Callable[[IntArray], FloatArray] | None
) -> Callable[[IntArray], FloatArray]:
    """Return a function of the items' contribution to the first layer's gates, x K + b0.

    Args:
        weights: the weights of the network.
        embedded: looks up items, (items,) to (items, width); None if the input is one-hot, so that
            the product is the item's row of the kernel.

    Returns:
        A function of (items,) to (items, 3 * units or more).
    """
    kernel, bias = _halved(weights["gru_0/kernel"]), _bias(weights, 0)[0]
    if embedded is None:
        kernel += bias
        return lambda items: kernel[items]
    matrix = TiledMatrix(kernel, bias)
    return lambda items: matrix.apply(embedded(items))


def _bias(weights: Weights, layer: int) -> FloatArray:
    return _halved(weights[f"gru_{layer}/bias"])


def _halved(gates: FloatArray) -> FloatArray:
    """Halve the columns of z and r, (…, 3 * units); division by two is exact."""
    halved = gates.astype(np.float32)
    halved[..., : gates.shape[-1] * 2 // 3] *= np.float32(0.5)
    return halved
