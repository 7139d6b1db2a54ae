"""Create the folder of a run when training begins."""

from dataclasses import asdict, replace
from typing import Any

from sbrcli.artefacts.manifests import (
    MANIFEST,
    new_manifest,
    write_json,
)
from sbrcli.artefacts.run import Phase, Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_items
from sbrcli.errors import ArtefactError
from sbrcli.models.network import count_parameters
from sbrcli.models.training.checkpoint import CHECKPOINT_FILE
from sbrcli.workflow.grown_start import save_grown_start
from sbrcli.workflow.parent import save_start
from sbrcli.workflow.training_data import save_known_items
from sbrcli.workflow.training_job import TrainingJob


def begin_run(workspace: Workspace, job: TrainingJob) -> None:
    """Write the folder of a new run: its items, its initial weights and its manifest.

    Raises:
        ArtefactError: the dataset is damaged, or the folder cannot be written.
    """
    items = load_items(job.dataset.path)
    train_count = items.train_count[: job.shape.num_items]
    with workspace.staged("run", job.name, keep_replaced=True) as folder:
        save_known_items(folder, items, train_count)
        update = job.update
        if update is None:
            save_start(workspace, job.parent, folder)
        else:
            update = replace(update, start=save_grown_start(workspace, job, folder))
        manifest = new_manifest("run") | {
            "status": "training",
            "phase": "fit",
            **job.settings(),
            **network_entries(job, "fit"),
            "learned_from": asdict(job.learned_from()),
            **({} if update is None else {"update": asdict(update)}),
        }
        write_json(folder / MANIFEST, manifest)


def retract_without_checkpoint(workspace: Workspace, name: str) -> None:
    """Remove a run that ended before its first checkpoint, and restore what it replaced."""
    if not (workspace.path_of("run", name) / CHECKPOINT_FILE).exists():
        workspace.retract("run", name)


def network_entries(job: TrainingJob, phase: Phase) -> dict[str, Any]:
    """Return a manifest's entries for the network of a phase."""
    shape = job.shape_in(phase)
    return {"network": shape.to_manifest(), "parameters": count_parameters(shape)}


def name_taken(run: Run, *, by_update: bool = False) -> ArtefactError:
    """Return the error for a run name that is already taken.

    Args:
        run: the run that has it.
        by_update: whether `sbr update` wants it, which replaces no run.
    """
    if run.is_complete:
        replaces = f"sbr runs rm {run.name} deletes it" if by_update else "--overwrite replaces it"
        return ArtefactError(
            f"run {run.name} already exists, trained with other options or on other data",
            hint=f"{replaces}, --name gives this one another name",
        )
    hint = f"sbr train --resume --name {run.name} continues it, --overwrite starts again"
    if by_update:
        hint = (
            f"the sbr update that started it continues it, sbr runs rm {run.name} deletes it, "
            "--name gives this one another name"
        )
    return ArtefactError(f"run {run.name} was started and has not finished", hint=hint)
