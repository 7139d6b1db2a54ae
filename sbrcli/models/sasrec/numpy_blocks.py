"""The blocks of SASRec in NumPy, except for the attention; see `sbrcli.models.sasrec.weights`."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from sbrcli.models.network import OUTPUT_TABLE
from sbrcli.models.row_products import RowProducts
from sbrcli.models.sasrec.weights import EPSILON, SasRecShape, block_weights
from sbrcli.models.tiled_matmul import TiledMatrix

FloatArray = npt.NDArray[np.floating]
Product = Callable[[FloatArray], FloatArray]
"""Multiplies rows by a matrix and adds a bias: (rows, inputs) to (rows, columns)."""


class Block:
    """The layers of one block.

    Args:
        shape: the network.
        weights: those of the network.
        block: the number of the block.
        make_product: returns the product with a matrix, (inputs, columns), and a bias.
    """

    def __init__(
        self,
        shape: SasRecShape,
        weights: Mapping[str, FloatArray],
        block: int,
        make_product: Callable[[FloatArray, FloatArray], Product],
    ) -> None:
        own = block_weights(weights, block)
        self.distance = own["attention/distance"]
        """(heads, window) what is added to a logit, by distance."""

        self._norms = own["attention/norm"], own["feed/norm"]
        factor = np.float32((shape.units // shape.heads) ** -0.5)
        projection = (own["attention/queries"] * factor, own["attention/keys_values"])
        self._project = make_product(np.concatenate(projection, axis=1), _zeros(3 * shape.units))
        self._output = make_product(own["attention/output"], _zeros(shape.units))
        self._inner = make_product(own["feed/inner"], own["feed/inner_bias"])
        self._outer = make_product(own["feed/outer"], own["feed/outer_bias"])
        self._gates: list[Product] = []
        if shape.has_gates:
            gates = own["attention/gate"], own["feed/gate"]
            self._gates = [make_product(gate, _zeros(shape.units)) for gate in gates]

    def project(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the normed rows, (rows, units), and their queries, keys and values side by side.

        The queries are scaled, so that their products with keys are the logits.
        """
        normed = apply_norm(rows, self._norms[0])
        return normed, self._project(normed)

    def finish(self, rows: FloatArray, normed: FloatArray, mixed: FloatArray) -> FloatArray:
        """Return the output of the block, (rows, units).

        Args:
            rows: its input.
            normed: as `project` returned.
            mixed: the values that the rows attend to, weighted, of all heads side by side.
        """
        rows = rows + self._gated(0, self._output(mixed), normed)
        normed = apply_norm(rows, self._norms[1])
        inner = np.maximum(self._inner(normed), np.float32(0))
        return rows + self._gated(1, self._outer(inner), normed)

    def _gated(self, layer: int, added: FloatArray, normed: FloatArray) -> FloatArray:
        if not self._gates:
            return added
        half = np.float32(0.5)  # sigmoid(a) = (tanh(a / 2) + 1) / 2
        return added * (np.tanh(self._gates[layer](normed) * half) * half + half)


class Ends:
    """What comes before the first block and after the last one.

    Args:
        weights: those of the network.
        make_product: as for `Block`.
    """

    def __init__(
        self,
        weights: Mapping[str, FloatArray],
        make_product: Callable[[FloatArray, FloatArray], Product],
    ) -> None:
        self._table = weights[OUTPUT_TABLE]
        self._norms = weights["first/norm"], weights["last/norm"]
        output = weights["last/output"]
        self._output = make_product(output, _zeros(len(output)))

    def enter(self, items: npt.NDArray[np.integer]) -> FloatArray:
        """Return the input of the first block, (events, units)."""
        return apply_norm(self._table[items], self._norms[0])

    def leave(self, rows: FloatArray) -> FloatArray:
        """Return the hidden states, (events, units), from the output of the last block."""
        return self._output(apply_norm(rows, self._norms[1]))


def apply_norm(rows: FloatArray, norm: FloatArray) -> FloatArray:
    """Return rows of mean 0 and variance 1, times the norm's factors plus its terms."""
    # What diverges is found in the results; NumPy's warning would reach the user's terminal.
    with np.errstate(over="ignore", invalid="ignore"):
        centred = rows - rows.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / np.sqrt(variance + np.float32(EPSILON)) * norm[0] + norm[1]


def apply_softmax(logits: FloatArray) -> FloatArray:
    """Return the shares of the last axis; the logits are overwritten."""
    with np.errstate(over="ignore", invalid="ignore"):
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
    return logits


def tiled_product(matrix: FloatArray, bias: FloatArray) -> Product:
    """Return a product of many rows at once; see `sbrcli.models.tiled_matmul`."""
    tiled = TiledMatrix(matrix, bias)
    return lambda rows: tiled.apply(rows)[: len(rows), : tiled.columns]


def row_product(matrix: FloatArray, bias: FloatArray) -> Product:
    """Return a product of each row by itself; see `sbrcli.models.row_products`."""
    return RowProducts(np.ascontiguousarray(matrix.T), bias).multiply


def _zeros(columns: int) -> FloatArray:
    return np.zeros(columns, np.float32)
