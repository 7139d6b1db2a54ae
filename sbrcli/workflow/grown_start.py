"""Where an update begins: the parent's weights and optimizer state, with rows for new items."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import checksum_of
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.run_state import REFIT_FOLDER
from sbrcli.artefacts.tensor_file import read_shapes, read_tensor, write_tensors
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError
from sbrcli.models.growth import grow_slots, grow_weights
from sbrcli.models.loading import shape_of_run
from sbrcli.models.training.checkpoint import UnusableCheckpointError, load_checkpoint
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights, save_weights
from sbrcli.workflow.parent import START_FILE
from sbrcli.workflow.training_data import new_sessions
from sbrcli.workflow.training_job import TrainingJob

SLOTS_FILE = "start_slots.safetensors"
"""Within a run that is not complete: what the optimizer remembers when training begins."""

_SLOT = "slot/"


def save_grown_start(workspace: Workspace, job: TrainingJob, folder: Path) -> str:
    """Write what an update begins at into its folder; return the checksum of the weights.

    Raises:
        ArtefactError: the parent or the dataset is missing, or no longer what it was.
    """
    assert job.parent is not None
    assert job.update is not None
    parent = workspace.open("run", job.parent["run"])
    if checksum_of(parent.path / WEIGHTS_FILE) != job.parent["weights"]:
        raise ArtefactError(
            f"run {parent.name} has changed since the update was begun",
            hint="run the same command again",
        )
    before, after = shape_of_run(parent), job.shape
    weights = load_weights(parent.path / WEIGHTS_FILE, before)
    train = load_split(job.dataset.path, "train")
    new = new_sessions(job.dataset.path, train, job.update)
    save_weights(folder / START_FILE, grow_weights(weights, before, after, new, job.config.seed))
    slots = _load_slots(parent)
    if slots is None:
        workspace.reporter.warn(
            f"run {parent.name} has no checkpoint with the optimizer's state, which starts again"
        )
    else:
        write_tensors(folder / SLOTS_FILE, grow_slots(slots, before, after), sealed=True)
    return checksum_of(folder / START_FILE)


def find_grown_start(run: Run) -> Path:
    """Return the file of the weights that an update begins at.

    Raises:
        ArtefactError: it is missing or damaged.
    """
    path = run.path / START_FILE
    if run.update is None or not path.is_file() or checksum_of(path) != run.update.start:
        raise ArtefactError(
            f"{path} is not what the update was begun from",
            hint=f"remove the run, sbr runs rm runs/{run.name}, and update again",
        )
    return path


def load_grown_slots(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read what the optimizer remembers when an update begins; nothing for another run."""
    path = folder / SLOTS_FILE
    return {name: read_tensor(path, name) for name in read_shapes(path)} if path.is_file() else {}


def _load_slots(run: Run) -> dict[str, npt.NDArray[np.float32]] | None:
    """Read the optimizer's state from a complete run's last checkpoint; None if it has none."""
    try:
        found = load_checkpoint(run.path / REFIT_FOLDER if run.is_refitted else run.path)
    except UnusableCheckpointError:
        return None
    if found is None:
        return None
    names = [name for name in found.shapes if name.startswith(_SLOT)]
    return {name.removeprefix(_SLOT): found.read(name) for name in names}
