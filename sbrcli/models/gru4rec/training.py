"""`sbr train`, the whole way: from a dataset to a run folder that can evaluate and recommend."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from sbrcli.dataset.storage import Sessions, load_items, load_split
from sbrcli.errors import ArtefactError, TrainingError
from sbrcli.manifests import MANIFEST, new_manifest, read_manifest, utc_now, write_json
from sbrcli.models.gru4rec.assignment import (
    Assignment,
    Training,
    damaged_dataset,
    plan_training,
    settings_of,
)
from sbrcli.models.gru4rec.backend import start_tensorflow
from sbrcli.models.gru4rec.checkpoint import CHECKPOINT_FILE
from sbrcli.models.items import ITEMS_FILE, save_items
from sbrcli.models.scorer import Scorer
from sbrcli.workspace import Folder, Workspace

Watch = Callable[[str, int, dict[str, Any]], None]
Validate = Callable[[Scorer, Sessions], dict[str, float]]


def train(
    workspace: Workspace,
    assignment: Assignment,
    validate: Validate,
    watch: Watch,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> Training:
    """Train a run, or go on with one that was interrupted.

    The run's folder appears before TensorFlow loads, with `status: training`; it is complete
    when its manifest says so.

    Args:
        workspace: where the run is kept.
        assignment: what to train.
        validate: given the model and the valid split after each epoch, gives its metrics.
        watch: told how training goes, see `epochs.Watch`.
        overwrite: replace a run of the same name.
        resume: go on where the run's checkpoint stands.

    Raises:
        ArtefactError: another run has the name, or another process is writing it.
        TrainingError: the loss is no number any more.
    """
    with workspace.locked("run", assignment.name):
        # A damaged run can not be read, and is replaced all the same.
        found = None if overwrite else workspace.find("run", assignment.name)
        if found is not None:
            same = settings_of(found.manifest) == assignment.settings()
            if same and found.manifest.get("status") == "complete":
                return _describe(found, assignment, already_there=True)
            if not resume:
                raise _in_the_way(found)
        undo = ExitStack()
        if found is None:
            _begin_run(workspace, assignment)
            undo.callback(_retract_if_bare, workspace, assignment.name)
        with undo:
            _train_epochs(workspace, assignment, validate, watch)
        return _describe(workspace.open("run", assignment.name), assignment)


def _begin_run(workspace: Workspace, assignment: Assignment) -> None:
    items = load_items(assignment.dataset.path)
    known = assignment.shape.num_items
    with workspace.staged("run", assignment.name, keep_replaced=True) as folder:
        titles = items.titles[:known] if items.titles is not None else None
        save_items(folder / ITEMS_FILE, items.ids[:known], items.train_count[:known], titles)
        manifest = new_manifest("run") | {
            "status": "training",
            **assignment.settings(),
            "network": assignment.shape.to_manifest(),
            "parameters": assignment.shape.parameters,
        }
        write_json(folder / MANIFEST, manifest)


def _retract_if_bare(workspace: Workspace, name: str) -> None:
    """Where training ended before it saved anything: make it as if it had not been begun."""
    if not (workspace.place("run", name) / CHECKPOINT_FILE).exists():
        workspace.retract("run", name)


def _train_epochs(
    workspace: Workspace, assignment: Assignment, validate: Validate, watch: Watch
) -> None:
    folder = workspace.place("run", assignment.name)
    sessions = load_split(assignment.dataset.path, "train")
    if sessions.items.max() >= assignment.shape.num_items:
        raise damaged_dataset(assignment.dataset)
    train_count = load_items(assignment.dataset.path).train_count[: assignment.shape.num_items]
    valid = None
    if assignment.dataset.manifest["splits"]["valid"] is not None:
        valid = load_split(assignment.dataset.path, "valid")

    start_tensorflow(assignment.config.threads, assignment.config.device)
    from sbrcli.models.gru4rec.epochs import EpochRunner, Plan

    plan = Plan(
        folder=folder,
        config=assignment.config,
        shape=assignment.shape,
        sessions=sessions,
        train_count=train_count,
        validate=None if valid is None else lambda scorer: validate(scorer, valid),
        watch=watch,
    )
    runner = EpochRunner(plan)
    try:
        history = runner.run()
    except TrainingError as error:
        # The loss is lost in a later epoch: the best one before it is a whole run all the same.
        if runner.place.history:
            _complete(workspace, assignment, runner.place.history, stopped=str(error))
        else:
            # From a place within the first epoch it would only come to the same end again.
            (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
        raise
    _complete(workspace, assignment, history, stopped=None)


def _complete(
    workspace: Workspace, assignment: Assignment, history: list[dict[str, Any]], stopped: str | None
) -> None:
    """Say in the manifest that the run is whole, and let go of what it replaced."""
    from sbrcli.models.gru4rec.epochs import best_epoch

    folder = workspace.place("run", assignment.name)
    manifest = read_manifest(folder, "run") | {
        "status": "complete",
        "completed_at": utc_now(),
        "stopped": stopped,
        "best_epoch": best_epoch(history, assignment.config.monitor),
        "epochs": history,
        "versions": _versions(),
    }
    write_json(folder / MANIFEST, manifest)
    workspace.discard_replaced("run", assignment.name)


def _versions() -> dict[str, str]:
    import keras
    import numpy as np
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}


def _describe(run: Folder, assignment: Assignment, already_there: bool = False) -> Training:
    return replace(
        plan_training(assignment),
        run=run.name,
        path=str(run.path),
        epochs=run.manifest["epochs"],
        best_epoch=run.manifest["best_epoch"],
        already_there=already_there,
    )


def _in_the_way(run: Folder) -> ArtefactError:
    if run.manifest.get("status") == "complete":
        return ArtefactError(
            f"run {run.name} is there already, trained with other options or on other data",
            hint="--overwrite replaces it, --name gives this one another name",
        )
    return ArtefactError(
        f"run {run.name} was begun and has not finished",
        hint=f"sbr train --resume --name {run.name} goes on with it, --overwrite begins anew",
    )
