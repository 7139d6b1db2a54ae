"""The state of a training, in one file that is replaced atomically."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import CHECKSUM_MISMATCH
from sbrcli.artefacts.manifests import EPOCH_FIGURES
from sbrcli.artefacts.tensor_file import (
    dtype_of,
    is_intact,
    read_metadata,
    read_shapes,
    read_tensor,
    write_tensors,
)
from sbrcli.errors import ArtefactError

CHECKPOINT_FILE = Path("checkpoint", "state.safetensors")

_STATE = "place"
"""The metadata entry of the training state, by the name that every version of sbr has given it."""


class UnusableCheckpointError(ArtefactError):
    """A checkpoint is damaged or does not match, so that training must start again."""


@dataclass(slots=True)
class TrainingState:
    """The state of a training, without its tensors."""

    epoch: int = 1
    """The current epoch, from 1."""

    step: int = 0
    """The next step of the epoch's lanes."""

    loss: float = 0.0
    """The sum of the losses of the epoch's pairs so far."""

    seconds: float = 0.0
    """Time spent on these pairs."""

    history: list[dict[str, Any]] = field(default_factory=list)
    """One row for each complete epoch, as in history.csv."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run's checkpoint on disk; its tensors are read one at a time."""

    path: Path
    state: TrainingState
    shapes: dict[str, tuple[int, ...]]
    """Of each tensor."""

    def read(self, name: str) -> npt.NDArray[Any]:
        """Read one tensor.

        Raises:
            UnusableCheckpointError: the file is damaged.
        """
        with _refusing_damage(self.path):
            return read_tensor(self.path, name)

    def require(self, expected: Mapping[str, Any]) -> None:
        """Check the shapes and dtypes of the tensors, and that all numbers are finite.

        Args:
            expected: arrays or variables with the expected shape and dtype, by name.

        Raises:
            UnusableCheckpointError: they do not match, or the file is damaged.
        """
        does_fit = self.shapes == {name: tuple(like.shape) for name, like in expected.items()}
        for name, like in expected.items() if does_fit else ():
            tensor = self.read(name)
            does_fit = does_fit and tensor.dtype == dtype_of(like)
            if not np.isfinite(tensor).all():
                raise _damaged(self.path, f"{name} is not made of finite numbers")
        if not does_fit:
            raise UnusableCheckpointError(f"{self.path} does not fit the run's configuration")


def save_checkpoint(folder: Path, state: TrainingState, tensors: Mapping[str, Any]) -> None:
    """Replace a run's checkpoint.

    Args:
        folder: the run.
        state: how far training has come.
        tensors: weights, optimizer slots and lane states; anything that NumPy can convert to
            arrays.
    """
    path = folder / CHECKPOINT_FILE
    path.parent.mkdir(exist_ok=True)
    write_tensors(path, tensors, {_STATE: json.dumps(asdict(state))}, sealed=True)


def are_finite(tensors: Mapping[str, Any]) -> bool:
    """Return whether every number is finite, copying one tensor at a time."""
    return all(np.isfinite(np.asarray(tensor)).all() for tensor in tensors.values())


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Open a run's checkpoint; None if it has none yet.

    Raises:
        UnusableCheckpointError: it is damaged.
        ArtefactError: the system cannot read it.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    with _refusing_damage(path):
        found = Checkpoint(path, _read_state(read_metadata(path)[_STATE]), read_shapes(path))
        if not is_intact(path):
            raise ValueError(CHECKSUM_MISMATCH)
    return found


def _read_state(text: str) -> TrainingState:
    """Parse the training state that `save_checkpoint` wrote, in any version of sbr.

    Unknown entries are dropped; the rows of the history are not changed.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: it is not a training state.
    """
    stored = json.loads(text)
    state = TrainingState(
        **{one.name: stored[one.name] for one in fields(TrainingState) if one.name in stored}
    )
    numbers = [state.epoch, state.step, state.loss, state.seconds]
    numbers += [row["loss"] for row in state.history]
    figures = [row.get(name) for row in state.history for name in EPOCH_FIGURES]
    numbers += [figure for figure in figures if figure is not None]
    is_state = all(isinstance(number, (int, float)) and isfinite(number) for number in numbers)
    is_state = is_state and isinstance(state.step, int) and state.step >= 0
    is_state = is_state and [row["epoch"] for row in state.history] == list(range(1, state.epoch))
    if not is_state:
        raise ValueError("it contains no training state")
    return state


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:  # this is not damage, so training must not start again
        raise ArtefactError(
            f"cannot read {path}: {error.strerror}", hint=f"allow it: chmod u+r {path}"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, what: str) -> UnusableCheckpointError:
    return UnusableCheckpointError(f"{path} is damaged: {what}")
