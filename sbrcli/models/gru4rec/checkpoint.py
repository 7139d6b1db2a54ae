"""Where training stands, in one file that is replaced in one step: nothing of it can be torn."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sbrcli.errors import ArtefactError
from sbrcli.manifests import write_atomically

CHECKPOINT_FILE = Path("checkpoint", "state.safetensors")


@dataclass(slots=True)
class Place:
    """How far training has come, but for its tensors."""

    epoch: int = 1
    """The epoch under way, from 1."""

    step: int = 0
    """The first step of the epoch's lanes that is still to be walked."""

    loss: float = 0.0
    """The sum of the losses of the epoch's pairs walked so far."""

    seconds: float = 0.0
    """Time spent on them."""

    history: list[dict[str, Any]] = field(default_factory=list)
    """A row for each epoch done, as in history.csv."""


def save_checkpoint(folder: Path, place: Place, tensors: Mapping[str, Any]) -> None:
    """Replace a run's checkpoint.

    Args:
        folder: the run.
        place: how far training has come.
        tensors: weights, optimizer slots and lane states; anything NumPy can make an array of.
    """
    from safetensors.numpy import save

    path = folder / CHECKPOINT_FILE
    path.parent.mkdir(exist_ok=True)
    # Not np.ascontiguousarray, which makes a number an array of one.
    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    write_atomically(path, save(arrays, {"place": json.dumps(asdict(place))}))


def load_checkpoint(folder: Path) -> tuple[Place, dict[str, Any]] | None:
    """Read a run's checkpoint; None where it has none yet.

    Raises:
        ArtefactError: it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            place = Place(**json.loads(file.metadata()["place"]))
            return place, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ArtefactError(
            f"{path} is damaged: {error}", hint="train the run again with --overwrite"
        ) from error
