"""`sbr train`, the whole way: from a dataset to a run folder that can evaluate and recommend."""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sbrcli import __version__
from sbrcli.config import TrainConfig, differences
from sbrcli.dataset.storage import Sessions, load_items, load_split
from sbrcli.errors import ArtefactError, ConfigError, TrainingError
from sbrcli.models.gru4rec.backend import start_tensorflow
from sbrcli.models.gru4rec.checkpoint import CHECKPOINT_FILE
from sbrcli.models.gru4rec.weights import NetworkShape
from sbrcli.models.items import ITEMS_FILE, save_items
from sbrcli.models.scorer import Scorer
from sbrcli.workspace import (
    MANIFEST,
    Folder,
    Workspace,
    new_manifest,
    read_manifest,
    utc_now,
    write_json,
)

Watch = Callable[[str, int, dict[str, Any]], None]
Validate = Callable[[Scorer, Sessions], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Training:
    """What came of `sbr train`; `asdict` is its JSON document."""

    run: str | None
    """The run's name; None where nothing was trained."""

    path: str | None
    parameters: int
    epochs: list[dict[str, Any]]
    best_epoch: int | None
    dataset: str
    already_there: bool = False
    plan: dict[str, Any] = field(default_factory=dict)
    """The configuration, and how much there is to train on."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One training to be done: on which dataset, how, and under which name."""

    dataset: Folder
    config: TrainConfig
    name: str

    @property
    def shape(self) -> NetworkShape:
        """The network's shape: the dataset's train items, the configuration's units."""
        num_items = self.dataset.manifest["splits"]["train"]["items"]
        return NetworkShape(num_items, self.config.units, self.config.embedding)

    def settings(self) -> dict[str, Any]:
        """What makes two trainings the same one, as it stands in a manifest."""
        config = json.loads(json.dumps(asdict(self.config)))
        fingerprint = self.dataset.manifest["fingerprint"]
        return {
            "config": config,
            "dataset": {"name": self.dataset.name, "fingerprint": fingerprint},
        }


def assign(
    workspace: Workspace, dataset: str | None, config: TrainConfig, name: str | None
) -> Assignment:
    """Find the dataset (the latest unless named), and the run's name unless one is given.

    Raises:
        ArtefactError: there is no such dataset.
        ConfigError: the name can not be a folder's.
    """
    if name is not None:
        workspace.place("run", name)
    folder = _open_dataset(workspace, dataset)
    return Assignment(folder, config, name or default_run_name(folder.name, config))


def plan_training(assignment: Assignment) -> Training:
    """Say what a training would be, and train nothing."""
    split = assignment.dataset.manifest["splits"]["train"]
    num_items, config = assignment.shape.num_items, assignment.config
    n_sample = config.negatives(num_items)
    plan = {
        "name": assignment.name,
        **assignment.settings()["config"],
        "n_sample": n_sample,
        "negatives": f"{n_sample} drawn for each chunk" if n_sample else f"all {num_items} items",
        "train_events": split["events"],
        "train_sessions": split["sessions"],
        "next_items_per_epoch": split["events"] - split["sessions"],
    }
    return Training(
        None, None, assignment.shape.parameters, [], None, assignment.dataset.name, plan=plan
    )


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
        found = workspace.find("run", assignment.name)
        if found is not None and not overwrite:
            same = _settings_of(found.manifest) == assignment.settings()
            if same and found.manifest.get("status") == "complete":
                return _describe(found, assignment, already_there=True)
            if not resume:
                raise _in_the_way(found)
        undo = ExitStack()
        if found is None or overwrite:
            _begin_run(workspace, assignment)
            undo.callback(_retract_if_bare, workspace, assignment.name)
        with undo:
            _train_epochs(workspace, assignment, validate, watch)
        return _describe(workspace.open("run", assignment.name), assignment)


def find_interrupted(workspace: Workspace, name: str | None) -> Assignment:
    """Find the run to resume: the named one, else the latest that has not finished.

    Raises:
        ArtefactError: there is none, or its dataset is not what it was.
    """
    names = [name] if name is not None else workspace.names("run")
    runs = [run for n in names if (run := workspace.find("run", n)) is not None]
    if name is None:
        runs = [run for run in runs if run.manifest.get("status") != "complete"]
    if not runs:
        what = "no run to resume" if name is None else f"no run named {name}"
        raise ArtefactError(f"{what} in {workspace.root}", hint="begin one with: sbr train")
    run = max(runs, key=lambda folder: str(folder.manifest.get("created_at", "")))
    settings = _settings_of(run.manifest)
    try:
        config = TrainConfig(**settings["config"] | {"hsz": tuple(settings["config"]["hsz"])})
    except (ConfigError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"the manifest of run {run.name} holds no configuration of sbr {__version__}: {error}",
            hint="train the run again with --overwrite",
        ) from error
    dataset = _open_dataset(workspace, settings["dataset"]["name"])
    if dataset.manifest["fingerprint"] != settings["dataset"]["fingerprint"]:
        raise ArtefactError(
            f"dataset {dataset.name} is not the one that run {run.name} was begun on",
            hint="prepare that dataset again, or train anew with --overwrite",
        )
    return Assignment(dataset, config, run.name)


def default_run_name(dataset: str, config: TrainConfig) -> str:
    """Name a run by its dataset, layers and units, and a hash of what else is not the default."""
    sizes = "-".join(map(str, config.hsz))
    other = differences(replace(config, layers=1, hsz=TrainConfig().hsz), TrainConfig())
    text = json.dumps(other, sort_keys=True)
    suffix = f"-{hashlib.sha256(text.encode()).hexdigest()[:6]}" if other else ""
    return f"{dataset}-{config.layers}x{sizes}{suffix}"


def _open_dataset(workspace: Workspace, name: str | None) -> Folder:
    """Open a dataset whose manifest says all that training asks of it."""
    dataset = workspace.open("dataset", name)
    try:
        splits = dataset.manifest["splits"]
        counts = [splits["train"][what] for what in ("events", "sessions", "items")]
        is_whole = all(isinstance(count, int) and count > 0 for count in counts)
        is_whole = is_whole and "valid" in splits and "fingerprint" in dataset.manifest
    except (KeyError, TypeError):
        is_whole = False
    if not is_whole:
        raise _damaged(dataset)
    return dataset


def _damaged(dataset: Folder) -> ArtefactError:
    from sbrcli.dataset.summary import damaged_manifest  # loads pandas, for which none should wait

    return damaged_manifest(dataset)


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
        raise _damaged(assignment.dataset)
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


def _settings_of(manifest: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"config": manifest["config"], "dataset": manifest["dataset"]}
    except KeyError as error:
        raise ArtefactError(
            f"the run's manifest lacks {error}", hint="train the run again with --overwrite"
        ) from error


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
