"""The file of a network's weights, for any family. NumPy only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.artefacts.tensor_file import (
    map_tensor,
    read_metadata,
    read_shapes,
    read_tensor,
    write_tensors,
)
from sbrcli.errors import ArtefactError
from sbrcli.models.network import NetworkShape, Weights

WEIGHTS_FILE = "weights.safetensors"


def save_weights(path: Path, weights: Mapping[str, Any], epoch: int | None = None) -> None:
    """Write weights, arrays or variables, to a safetensors file, atomically.

    Equal weights of the same epoch give equal bytes: the file contains no name and no time.
    """
    write_tensors(path, weights, None if epoch is None else {"epoch": str(epoch)})


def epoch_of_weights(path: Path) -> int | None:
    """Return the epoch of a file's weights; None if the file does not state it."""
    written = read_metadata(path).get("epoch", "")
    return int(written) if written.isdecimal() else None


def load_weights(path: Path, shape: NetworkShape, *, mapped: bool = False) -> Weights:
    """Read the weights of a network.

    Args:
        path: the file.
        shape: the network's.
        mapped: map them from the file, read-only, so that processes share one copy in memory.

    Raises:
        ArtefactError: the file is missing, damaged, or of a network of another shape.
    """
    expected = shape.weight_shapes()
    try:
        found = read_shapes(path)
        if found == expected:
            weights = {name: _read_weight(path, name, mapped) for name in expected}
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


def _read_weight(path: Path, name: str, mapped: bool) -> npt.NDArray[np.float32]:
    weight = map_tensor(path, name) if mapped else read_tensor(path, name)
    if weight.dtype != np.float32 or not np.isfinite(weight).all():
        raise ValueError(f"{name} is not made of finite float32 numbers")
    return weight


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(f"{path} is damaged: {what}", hint="train the run again with --overwrite")
