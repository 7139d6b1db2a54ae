"""The studies of `sbr tune` in a work directory; read without Optuna."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbrcli.artefacts.artefact import list_folder
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.workflow.tuning.study_folder import STUDIES, STUDY_FILE, StudyFolder


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study; None stands for what is unknown, as of a study by an earlier version of sbr."""

    study: str
    model: str | None
    dataset: str | None
    status: str
    """running, stopped or damaged; a study that is stopped can be continued."""

    trials: int | None
    """Trials that have ended."""

    complete: int | None
    """Those of them that were trained to their end."""

    best_mrr: float | None
    """mrr@20 on valid of the best trial."""

    bytes: int
    created_at: str | None
    problem: str | None = None
    """What is damaged."""


def study_names(workspace: Workspace) -> list[str]:
    """Return the names of the studies, sorted.

    Raises:
        ArtefactError: the work directory may not be read.
    """
    found = list_folder(workspace.root / STUDIES)
    return [path.name for path in found if path.name[0] != "." and (path / STUDY_FILE).is_file()]


def list_studies(workspace: Workspace) -> list[StudyRow]:
    """Describe the studies of a work directory; damaged ones are listed as such."""
    return [describe_study(workspace, name) for name in study_names(workspace)]


def describe_study(workspace: Workspace, name: str) -> StudyRow:
    """Describe a study by its settings and the summary of its trials."""
    folder = StudyFolder(workspace.root, name)
    size = size_of(folder.path)
    problem = None
    document: Mapping[str, Any] = {}
    try:
        document = folder.read()
    except ArtefactError as error:
        problem = str(error)
    settings = _entries(document.get("settings"))
    trials = folder.read_summary()
    status = "running" if folder.is_in_use() else "stopped"
    return StudyRow(
        study=name,
        model=settings.get("model"),
        dataset=_entries(settings.get("dataset")).get("name"),
        status="damaged" if problem else status,
        trials=trials.get("trials"),
        complete=trials.get("complete"),
        best_mrr=trials.get("best_mrr"),
        bytes=size,
        created_at=document.get("created_at"),
        problem=problem,
    )


def size_of(path: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())


def _entries(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
