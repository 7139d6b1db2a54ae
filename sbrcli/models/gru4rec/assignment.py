"""What is to be trained: on which dataset, how, and under which name."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sbrcli import __version__
from sbrcli.config import TrainConfig, differences
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.gru4rec.weights import NetworkShape
from sbrcli.workspace import Folder, Workspace


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
    settings = settings_of(run.manifest)
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
        raise damaged_dataset(dataset)
    return dataset


def damaged_dataset(dataset: Folder) -> ArtefactError:
    """Make the error that says that a dataset is damaged."""
    from sbrcli.dataset.summary import damaged_manifest  # loads pandas, for which none should wait

    return damaged_manifest(dataset)


def settings_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Read from a run's manifest what `Assignment.settings` wrote there.

    Raises:
        ArtefactError: it is not there.
    """
    try:
        return {"config": manifest["config"], "dataset": manifest["dataset"]}
    except KeyError as error:
        raise ArtefactError(
            f"the run's manifest lacks {error}", hint="train the run again with --overwrite"
        ) from error
