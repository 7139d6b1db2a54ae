"""List the runs, datasets and studies of a work directory with their size, state and figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.kinds import kind_of
from sbrcli.artefacts.manifests import Kind, read_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.run_state import RunState, state_of
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.blend.run_files import MemberEntry, files_of_blend, read_members
from sbrcli.models.registry import BLEND, DEFAULT_FAMILY
from sbrcli.models.training.history import best_epoch, read_history
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow.remove import resolve_artefact
from sbrcli.workflow.run_facts import EVALUATION_FILE
from sbrcli.workflow.studies import StudyRow, list_studies, size_of

_DATASET_FILES = ("items.parquet", "train.parquet")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; figures are at k = 20, None where there are none."""

    run: str
    model: str
    dataset: str | None
    status: str
    """complete, training, interrupted or damaged."""

    epoch: int | None
    """The current epoch; for a complete run, the last one that was trained."""

    epochs: int | None
    bytes: int
    created_at: str | None
    completed_at: str | None
    valid_mrr: float | None
    valid_recall: float | None
    test_mrr: float | None
    test_recall: float | None
    problem: str | None = None
    """What is damaged."""


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One dataset, with the events and sessions of all splits, and the items of train."""

    dataset: str
    status: str
    """complete or damaged."""

    bytes: int
    created_at: str | None
    log: str | None
    session: str | None
    events: int | None
    sessions: int | None
    items: int | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All runs, datasets and studies of a work directory, ordered by name."""

    runs: list[RunRow]
    datasets: list[DatasetRow]
    studies: list[StudyRow]


@dataclass(frozen=True, slots=True)
class Details:
    """One run or dataset in full."""

    kind: Kind
    name: str
    path: str
    summary: RunRow | DatasetRow
    manifest: dict[str, Any]
    evaluations: dict[str, Any]
    """The stored results of each evaluation of a run, by a key such as "test exclude-seen"."""

    members: list[MemberEntry] = field(default_factory=list)
    """The runs that a blend is made of, with their weights; none of any other artefact."""

    @property
    def artefact(self) -> Dataset | Run:
        """The run or dataset itself."""
        return kind_of(self.kind).from_document(Path(self.path), self.manifest)


def list_all(workspace: Workspace) -> Listing:
    """List the runs, datasets and studies of a work directory; damaged ones are listed as such.

    Raises:
        ArtefactError: the work directory cannot be read.
    """
    return Listing(
        [_describe_run(workspace, name) for name in workspace.names("run")],
        [_describe_dataset(workspace, name) for name in workspace.names("dataset")],
        list_studies(workspace),
    )


def show_named(workspace: Workspace, written: str) -> Details:
    """Describe in full the run or dataset that a user names, as in "shop" or "runs/shop".

    Raises:
        ArtefactError, ConfigError, UsageError: see `resolve_artefact` and `show_one`.
    """
    return show_one(workspace, *resolve_artefact(workspace, written))


def show_one(workspace: Workspace, kind: Kind, name: str) -> Details:
    """Describe one run or dataset in full, and verify the checksums of its files.

    Raises:
        ArtefactError: it is missing, or its manifest is damaged.
    """
    artefact = workspace.find(kind, name)
    if artefact is None:
        raise workspace.missing(kind, name)
    describe = _describe_run if kind == "run" else _describe_dataset
    summary = describe(workspace, name, thoroughly=True)
    evaluations = _evaluations(artefact) if isinstance(artefact, Run) else {}
    members = _members(artefact) if isinstance(artefact, Run) else []
    return Details(kind, name, str(artefact.path), summary, artefact.document, evaluations, members)


def _describe_run(workspace: Workspace, name: str, *, thoroughly: bool = False) -> RunRow:
    run, problem = _find(workspace, "run", name)
    size = size_of(workspace.root / "runs" / name)
    if run is None:
        unknown = dict.fromkeys(("dataset", "epoch", "epochs", "created_at", "completed_at"))
        return RunRow(
            run=name, model=DEFAULT_FAMILY, status="damaged", bytes=size, problem=problem,
            **unknown, **_figures([], None, {}),
        )  # fmt: skip
    state = state_of(run, is_written=workspace.is_written("run", name))
    if state.status == "complete":
        problem = _find_damage_of_run(run, thoroughly=thoroughly)
    rows, best = _epochs(run, state)
    return RunRow(
        run=name,
        model=run.model,
        dataset=run.dataset.name,
        status="damaged" if problem else state.status,
        epoch=state.epoch,
        epochs=state.epochs,
        bytes=size,
        created_at=run.created_at,
        completed_at=run.completed_at,
        problem=problem,
        **_figures(rows, best, _evaluations(run).get("test", {})),
    )


def _describe_dataset(workspace: Workspace, name: str, *, thoroughly: bool = False) -> DatasetRow:
    dataset, problem = _find(workspace, "dataset", name)
    size = size_of(workspace.root / "datasets" / name)
    if dataset is None:
        unknown = dict.fromkeys(("created_at", "log", "session", "events", "sessions", "items"))
        return DatasetRow(dataset=name, status="damaged", bytes=size, problem=problem, **unknown)
    problem = _find_damage(dataset, _DATASET_FILES, thoroughly=thoroughly)
    splits = [split for split in dataset.splits.values() if split is not None]
    return DatasetRow(
        dataset=name,
        status="damaged" if problem else "complete",
        bytes=size,
        created_at=dataset.created_at,
        log=dataset.source.name,
        session=dataset.config.get("session"),
        events=sum(split.events for split in splits),
        sessions=sum(split.sessions for split in splits),
        items=dataset.train.items,
        problem=problem,
    )


@overload
def _find(
    workspace: Workspace, kind: Literal["dataset"], name: str
) -> tuple[Dataset | None, str | None]: ...
@overload
def _find(
    workspace: Workspace, kind: Literal["run"], name: str
) -> tuple[Run | None, str | None]: ...
def _find(workspace: Workspace, kind: Kind, name: str) -> tuple[Dataset | Run | None, str | None]:
    """Read a run or a dataset, or return what is damaged."""
    try:
        return workspace.find(kind, name), None
    except (ArtefactError, ConfigError) as error:
        return None, str(error)


def _members(run: Run) -> list[MemberEntry]:
    """Return the members of a blend; none if its manifest is damaged, as its summary says."""
    try:
        return read_members(run) if run.model == BLEND else []
    except ArtefactError:
        return []


def _find_damage_of_run(run: Run, *, thoroughly: bool) -> str | None:
    needed = (WEIGHTS_FILE, ITEMS_FILE)
    if run.model == BLEND:
        try:
            needed = files_of_blend(run)
        except ArtefactError as error:
            return str(error)
    return _find_damage(run, needed, thoroughly=thoroughly)


def _find_damage(artefact: Artefact, needed: tuple[str, ...], *, thoroughly: bool) -> str | None:
    """Return which file is missing or, if `thoroughly`, does not match its checksum; else None."""
    for name in needed:
        if not (artefact.path / name).exists():
            return f"{artefact.path / name} is missing"
    names = list(artefact.files)
    if isinstance(artefact, Dataset):
        # A split in parts is a folder, whose files are checked together.
        names = list(dict.fromkeys(name.partition("/")[0] for name in names))
    for name in names if thoroughly else ():
        try:
            misfit = find_checksum_mismatch(artefact.path / name)
        except OSError as error:
            misfit = f"it cannot be read: {error.strerror}"
        if misfit is not None:
            return f"{artefact.path / name} is damaged: {misfit}"
    return None


def _epochs(run: Run, state: RunState) -> tuple[Sequence[Mapping[str, Any]], int | None]:
    """Return the finished epochs of a run, and the best of them."""
    if run.epochs is None and state.epoch > 1:
        rows = read_history(run.path)
        return rows, best_epoch(rows, run.config.get("monitor", "mrr@20"))
    return run.epochs or [], run.best_epoch


def _figures(
    rows: Sequence[Mapping[str, Any]], best: int | None, test: Mapping[str, Any]
) -> dict[str, Any]:
    (of_best,) = [row for row in rows if row.get("epoch") == best][:1] or [{}]
    metrics = test.get("metrics", {})
    figures: dict[str, Callable[[str], Any]] = {"valid": of_best.get, "test": metrics.get}
    return {
        f"{split}_{metric}": read(f"{metric}@20")
        for split, read in figures.items()
        for metric in ("mrr", "recall")
    }


def _evaluations(run: Run) -> dict[str, Any]:
    """Read the stored evaluations of a run; damaged ones are left out."""
    path = run.path / EVALUATION_FILE
    try:
        kept = read_json(path) if path.exists() else {}
    except ArtefactError:  # sbr evaluate reports the damage
        return {}
    ways = kept.items() if isinstance(kept, dict) else ()
    return {
        way: found
        for way, found in ways
        if isinstance(found, dict) and isinstance(found.get("metrics"), dict)
    }
