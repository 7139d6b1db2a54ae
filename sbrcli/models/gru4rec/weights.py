"""The GRU's weights: their names, shapes and initial values. NumPy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from sbrcli.models.gru4rec.options import Embedding
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, Weights, count_parameters

RESIDUAL = "residual/kernel"
"""The name of the matrix of the residual, (embedding's width, units of the last layer)."""


@dataclass(frozen=True, slots=True)
class GruShape:
    """The sizes that determine the shape of every weight; `network` in a run's manifest."""

    num_items: int
    units: tuple[int, ...]
    """Units of each layer, first to last."""

    embedding: Embedding
    has_residual: bool = False
    """Whether the last item's embedding, times a matrix, is added to the last layer's output."""

    @classmethod
    def from_manifest(cls, network: Mapping[str, Any]) -> "GruShape":
        """Read what `to_manifest` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is not a valid shape of a GRU.
        """
        shape = cls(
            network["num_items"],
            tuple(network["hsz"]),
            network["embedding"],
            network.get("residual", False),
        )
        sizes = (shape.num_items, *shape.units)
        if not shape.units or not all(isinstance(n, int) and n > 0 for n in sizes):
            raise ValueError(f"sizes {sizes}")
        if shape.embedding not in get_args(Embedding):
            raise ValueError(f"embedding {shape.embedding}")
        if shape.has_residual not in (False, shape.embedding != "none"):
            raise ValueError(f"residual {shape.has_residual} with embedding {shape.embedding}")
        return shape

    def to_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry, which `from_manifest` reads."""
        return {
            "num_items": self.num_items,
            "hsz": list(self.units),
            "embedding": self.embedding,
            **({"residual": True} if self.has_residual else {}),
        }

    def chunk_values(self, lanes: int, steps: int) -> int:  # noqa: ARG002
        """Return 0: there are only those of the rows."""
        return 0

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight, by name.

        Each matrix contains the three gates of a GRU in the order z (update), r (reset), candidate;
        the bias has a row for the input and one for the state.
        """
        last = self.units[-1]
        shapes: dict[str, tuple[int, ...]] = {}
        if self.embedding == "separate":
            shapes["embedding/table"] = (self.num_items, last)
        width = self.num_items if self.embedding == "none" else last
        for layer, units in enumerate(self.units):
            shapes[f"gru_{layer}/kernel"] = (width, 3 * units)
            shapes[f"gru_{layer}/recurrent_kernel"] = (units, 3 * units)
            shapes[f"gru_{layer}/bias"] = (2, 3 * units)
            width = units
        if self.has_residual:
            shapes[RESIDUAL] = (last, last)
        shapes[OUTPUT_TABLE] = (self.num_items, last)
        shapes[OUTPUT_BIAS] = (self.num_items,)
        return shapes

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return count_parameters(self)


def initialise_weights(shape: GruShape, seed: int) -> Weights:
    """Draw the initial weights.

    Each matrix is uniform in ± sqrt(6 / (rows + columns)), each gate of a GRU counts as its own
    matrix, and biases are 0 (Glorot & Bengio 2010, eq. 16; as in Hidasi & Karatzoglou 2018). The
    residual's matrix is 0, so that training starts at the network without it.
    """
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, (rows, *columns) in shape.weight_shapes().items():
        if name.endswith("bias") or name == RESIDUAL:
            weights[name] = np.zeros((rows, *columns), np.float32)
            continue
        gates = 3 if name.startswith("gru_") else 1
        width = columns[0] // gates
        bound = np.sqrt(6 / (rows + width))
        matrices = [rng.uniform(-bound, bound, (rows, width)) for _ in range(gates)]
        weights[name] = np.concatenate(matrices, axis=1, dtype=np.float32)
    return weights
