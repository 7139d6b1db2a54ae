"""`sbr train --finish`: complete an interrupted run with its best epoch."""

from pathlib import Path
from typing import Any

from sbrcli.artefacts.checksums import FILES, checksums_of
from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import (
    remove_torn_files,
    update_manifest,
    utc_now,
)
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.run_state import REFIT_FOLDER, state_of
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.models.loading import shape_of_run
from sbrcli.models.network import NetworkShape
from sbrcli.models.training.backend import library_versions
from sbrcli.models.training.checkpoint import (
    CHECKPOINT_FILE,
    UnusableCheckpointError,
    load_checkpoint,
)
from sbrcli.models.training.history import best_epoch, read_history
from sbrcli.models.weights_file import WEIGHTS_FILE, epoch_of_weights, load_weights
from sbrcli.workflow.grown_start import SLOTS_FILE
from sbrcli.workflow.parent import START_FILE
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train_result import TrainResult, describe_run

UNFINISHED = "unfinished"
"""The last checkpoint of a run that was finished early; it cannot be resumed any more."""


def finish(workspace: Workspace, name: str) -> TrainResult:
    """Complete an interrupted run with its best epoch.

    If the refit was interrupted, the run keeps the weights from before the refit. A complete run is
    not changed.

    Args:
        workspace: where the run is.
        name: the run's.

    Raises:
        ArtefactError: there is no such run, no epoch of it is done, its files do not belong
            together, or another process is writing it.
    """
    _find(workspace, name)  # before the lock, which would create a work directory
    with workspace.locked("run", name):
        run = _find(workspace, name)
        if run.is_complete:
            return describe_run(run)
        remove_torn_files(run.path)
        facts = _facts(run)
        facts |= {FILES: checksums_of(run.path / part for part in (WEIGHTS_FILE, ITEMS_FILE))}
        update_manifest(run.path, **facts)
        _put_away(run.path)
        workspace.discard_replaced("run", name)
        finished = Run.read(run.path)
        return describe_run(finished, {"name": name, **settings_of(finished)["config"]})


def _find(workspace: Workspace, name: str) -> Run:
    run = workspace.find("run", name)
    if run is None:
        raise workspace.missing("run", name)
    return run


def _facts(run: Run) -> dict[str, Any]:
    """Return the manifest entries of the finished run."""
    state = state_of(run, is_written=False)
    facts: dict[str, Any] = {}
    if state.phase == "fit":
        history = _history_of(run.path)
        if not history:
            raise ArtefactError(
                f"no epoch of run {run.name} is done",
                hint=f"sbr train --resume --name {run.name} continues it",
            )
        monitor = settings_of(run)["config"]["monitor"]
        facts = {"epochs": history, "best_epoch": best_epoch(history, monitor)}
    _require_weights(run, facts.get("best_epoch"))
    return facts | {
        "status": "complete",
        "completed_at": utc_now(),
        "stopped": f"finished by --finish in {state.where}",
        "versions": library_versions(),
    }


def _history_of(run: Path) -> list[dict[str, Any]]:
    """Read the row of each finished epoch, from history.csv or the checkpoint, whichever has more.

    The file is written before the checkpoint. A damaged checkpoint counts as missing.
    """
    try:
        found = load_checkpoint(run)
        kept = found.state.history if found else []
    except UnusableCheckpointError:
        kept = []
    written = read_history(run)
    return written if len(written) > len(kept) else kept


def _require_weights(run: Run, best: int | None) -> None:
    """Check that the weights belong to the best epoch and have the size of the items.

    Args:
        run: the run.
        best: the best epoch; None for a refit, whose weights name no epoch.
    """
    shape = shape_of_run(run)
    num_items = _load_network(run, shape)
    written = epoch_of_weights(run.path / WEIGHTS_FILE)
    if best is None:
        done = len(read_history(run.path / REFIT_FOLDER))
        is_other = written is None and done >= (run.best_epoch or 1)
    else:
        is_other = written not in (None, best)
    if num_items != shape.num_items or is_other:  # the process was killed between two writes
        which = "its refit" if best is None else "its best epoch"
        raise ArtefactError(
            f"run {run.name} was killed while the weights of {which} were being written",
            hint=f"sbr train --resume --name {run.name} continues it",
        )


def _load_network(run: Run, shape: NetworkShape) -> int:
    """Check that the weights are intact; return the number of items."""
    try:
        load_weights(run.path / WEIGHTS_FILE, shape)
        return len(load_items(run.path / ITEMS_FILE).ids)
    except ArtefactError as error:
        hint = f"sbr train --resume --name {run.name} continues it"
        raise ArtefactError(str(error), hint=hint) from error


def _put_away(run: Path) -> None:
    """Rename the checkpoint, so that the run cannot be resumed."""
    for part in (START_FILE, SLOTS_FILE):
        (run / part).unlink(missing_ok=True)
    for part in (CHECKPOINT_FILE.parts[0], REFIT_FOLDER):
        if (run / part).exists():
            (run / UNFINISHED).mkdir(exist_ok=True)
            (run / part).rename(run / UNFINISHED / part)
