"""Where training stands, in one file that is replaced in one step: nothing of it can be torn."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sbrcli.errors import ArtefactError
from sbrcli.models.tensor_file import read_metadata, read_shapes, read_tensor, write_tensors

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


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run's checkpoint as it lies on the disk."""

    path: Path
    place: Place
    shapes: dict[str, tuple[int, ...]]
    """Of each tensor."""

    def read(self, name: str) -> npt.NDArray[Any]:
        """Read one tensor.

        Raises:
            ArtefactError: the file is damaged.
        """
        with _refusing_damage(self.path):
            return read_tensor(self.path, name)


def save_checkpoint(folder: Path, place: Place, tensors: Mapping[str, Any]) -> None:
    """Replace a run's checkpoint.

    Args:
        folder: the run.
        place: how far training has come.
        tensors: weights, optimizer slots and lane states; anything NumPy can make an array of.
    """
    path = folder / CHECKPOINT_FILE
    path.parent.mkdir(exist_ok=True)
    write_tensors(path, tensors, {"place": json.dumps(asdict(place))})


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Find a run's checkpoint; None where it has none yet.

    Raises:
        ArtefactError: it is damaged.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    with _refusing_damage(path):
        place = Place(**json.loads(read_metadata(path)["place"]))
        return Checkpoint(path, place, read_shapes(path))


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ArtefactError(
            f"{path} is damaged: {error}", hint="train the run again with --overwrite"
        ) from error
