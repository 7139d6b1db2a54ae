"""Refit the hybrid partner of an updated run, and copy the tuned options of its parent."""

import shutil

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.models.blend.files import read_choice
from sbrcli.workflow.choose_blend import copy_hybrid
from sbrcli.workflow.evaluate import TUNED_FILE


def refresh_partners(workspace: Workspace, parent: Run, run: Run, dataset: Dataset) -> None:
    """Copy the baselines' tuned options and the hybrid's choice; fit its partner to the dataset.

    What the run has already is not changed.

    Args:
        workspace: where both runs are.
        parent: the run that was updated.
        run: the update.
        dataset: what the update was trained on.

    Raises:
        ArtefactError: the parent's hybrid is damaged, or another process is writing the run.
    """
    if (parent.path / TUNED_FILE).is_file() and not (run.path / TUNED_FILE).exists():
        with workspace.adding_to(run):
            shutil.copyfile(parent.path / TUNED_FILE, run.path / TUNED_FILE)
    if read_choice(parent.path) is not None and read_choice(run.path) is None:
        copy_hybrid(run, workspace, parent, dataset, {})
