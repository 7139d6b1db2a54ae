"""The network's weights: their names and shapes, how they begin, and their file. NumPy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.artefacts.tensor_file import (
    read_metadata,
    read_shapes,
    read_tensor,
    write_tensors,
)
from sbrcli.config.gru4rec import Embedding
from sbrcli.errors import ArtefactError

Weights = dict[str, npt.NDArray[np.float32]]

WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What decides the shape of every weight; saved as `network` in a run's manifest."""

    num_items: int
    units: tuple[int, ...]
    """Units of each layer, first to last."""

    embedding: Embedding

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> "NetworkShape":
        """Read the `network` of a run's manifest.

        Raises:
            ArtefactError: it is missing or cannot be the shape of a network.
        """
        try:
            network = manifest["network"]
            shape = cls(network["num_items"], tuple(network["hsz"]), network["embedding"])
            sizes = (shape.num_items, *shape.units)
            if not shape.units or not all(isinstance(n, int) and n > 0 for n in sizes):
                raise ValueError(f"sizes {sizes}")
            if shape.embedding not in get_args(Embedding):
                raise ValueError(f"embedding {shape.embedding}")
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(
                f"the run's manifest does not describe a network: {error!r}",
                hint="train the run again with --overwrite",
            ) from error
        return shape

    def to_manifest(self) -> dict[str, Any]:
        """Write what `from_manifest` reads."""
        return {
            "num_items": self.num_items,
            "hsz": list(self.units),
            "embedding": self.embedding,
        }

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name every weight and its shape.

        A GRU's three gates stand side by side in each matrix, in the order z (update),
        r (reset), candidate; its bias has a row for the input and one for the state.
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
        shapes["output/table"] = (self.num_items, last)
        shapes["output/bias"] = (self.num_items,)
        return shapes

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(int(np.prod(shape)) for shape in self.weight_shapes().values())


def initialise_weights(shape: NetworkShape, seed: int) -> Weights:
    """Draw the weights that training begins with.

    Each matrix is uniform in ± sqrt(6 / (rows + columns)), each gate of a GRU being a matrix of
    its own; biases are 0 (Glorot & Bengio 2010, eq. 16; as in Hidasi & Karatzoglou 2018).
    """
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, (rows, *columns) in shape.weight_shapes().items():
        if name.endswith("bias"):
            weights[name] = np.zeros((rows, *columns), np.float32)
            continue
        gates = 3 if name.startswith("gru_") else 1
        width = columns[0] // gates
        bound = np.sqrt(6 / (rows + width))
        matrices = [rng.uniform(-bound, bound, (rows, width)) for _ in range(gates)]
        weights[name] = np.concatenate(matrices, axis=1, dtype=np.float32)
    return weights


def save_weights(path: Path, weights: Mapping[str, Any], epoch: int | None = None) -> None:
    """Write weights, arrays or variables, to a safetensors file, in one step.

    The same weights of the same epoch give the same bytes: the file holds no name and no time.
    """
    write_tensors(path, weights, None if epoch is None else {"epoch": str(epoch)})


def epoch_of_weights(path: Path) -> int | None:
    """Return the epoch at whose end a file's weights were written; None where it does not say."""
    written = read_metadata(path).get("epoch", "")
    return int(written) if written.isdecimal() else None


def load_weights(path: Path, shape: NetworkShape) -> Weights:
    """Read the weights of a network.

    Raises:
        ArtefactError: the file is missing, damaged, or of a network of another shape.
    """
    expected = shape.weight_shapes()
    try:
        found = read_shapes(path)
        if found == expected:
            weights = {name: _read_weight(path, name) for name in expected}
            misfit = find_checksum_mismatch(path)
            if misfit is not None:
                raise ValueError(misfit)
            return weights
    except FileNotFoundError as error:
        raise _damaged(path, "it is missing") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    raise _damaged(path, f"its weights do not fit the manifest: {', '.join(wrong)}")


def _read_weight(path: Path, name: str) -> npt.NDArray[np.float32]:
    weight = read_tensor(path, name)
    if weight.dtype != np.float32 or not np.isfinite(weight).all():
        raise ValueError(f"{name} is not made of finite float32 numbers")
    return weight


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(f"{path} is damaged: {what}", hint="train the run again with --overwrite")
