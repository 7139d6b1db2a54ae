"""Start a new run from the weights of a complete one: `sbr train --from`."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sbrcli.artefacts.checksums import checksum_of
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.presets import OPTIMIZER_DEFAULTS
from sbrcli.config.training import FitConfig, differences
from sbrcli.dataset.storage import load_items as load_dataset_items
from sbrcli.errors import ArtefactError, ConfigError, OptionError
from sbrcli.models.configuration import require_own_options
from sbrcli.models.loading import shape_of_run
from sbrcli.models.network import Family, NetworkShape
from sbrcli.models.registry import family_of
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from sbrcli.workflow.run_names import write_words
from sbrcli.workflow.training_job import TrainingJob, config_of, make_job

START_FILE = "start.safetensors"
"""The file of the initial weights, in a run that is not complete."""


def make_job_from(
    workspace: Workspace,
    parent: str,
    explicit: Mapping[str, Any],
    dataset: str | None,
    name: str | None,
    model: str | None = None,
) -> TrainingJob:
    """Return the training job of a new run that starts from the weights of another.

    Options and dataset are those of the parent unless given. Epochs, schedule and the optimizer's
    state start again.

    Args:
        workspace: the work directory.
        parent: the parent's name.
        explicit: the user's options; None where the user gave none.
        dataset: another dataset, with the same items in train.
        name: the new run's name; None derives it from the parent's.
        model: the network's family, which must be that of the parent, or None.

    Raises:
        ArtefactError: the parent or the dataset is missing or damaged, or their items differ.
        ConfigError: the network would have another shape, or the parent was, or the run would be,
            trained on valid.
    """
    run = workspace.open("run", parent)
    if run.is_refitted:
        raise ConfigError(
            f"run {parent} was trained on the valid split too (--refit), on which no further epoch "
            "could be judged",
            hint="begin from a run that was trained without --refit",
        )
    old = replace(config_of(run), refit=False)
    family, shape = family_of(run), shape_of_run(run)
    if model not in (None, family.name):
        raise _makes_another_network(parent, ["model"])
    config = _configure(parent, old, explicit, family)
    trained_on = dataset or run.dataset.name
    found = make_job(workspace, trained_on, config, name or parent, model=family.name)
    _require_same_items(run, found.dataset, shape)
    load_weights(run.path / WEIGHTS_FILE, shape)
    kept = {"run": parent, "weights": checksum_of(run.path / WEIGHTS_FILE)}
    called = name or _default_name(parent, old, config)
    workspace.path_of("run", called)
    return replace(found, name=called, parent=kept)


def save_start(workspace: Workspace, parent: Mapping[str, str] | None, folder: Path) -> None:
    """Copy the initial weights of a run into its folder, if it has a parent.

    Raises:
        ArtefactError: the parent's weights have changed.
    """
    if parent is not None:
        source = workspace.path_of("run", parent["run"]) / WEIGHTS_FILE
        shutil.copyfile(source, folder / START_FILE)
        find_start(parent, folder)


def find_start(parent: Mapping[str, str] | None, folder: Path) -> Path | None:
    """Return the file of a run's initial weights; None if they are drawn at random.

    Raises:
        ArtefactError: it is missing or damaged.
    """
    if parent is None:
        return None
    path = folder / START_FILE
    if not path.is_file() or checksum_of(path) != parent["weights"]:
        raise ArtefactError(
            f"{path} is not the weights of run {parent['run']} that this run was started from",
            hint=f"start again: sbr train --from {parent['run']} --overwrite",
        )
    return path


def _configure(
    parent: str, old: FitConfig, explicit: Mapping[str, Any], family: Family
) -> FitConfig:
    """Override the parent's options with those that the user gave."""
    explicit = {name: value for name, value in explicit.items() if value is not None}
    require_own_options(family.name, explicit)
    if explicit.get("n_sample") == "auto":
        explicit["n_sample"] = None
    its_own: dict[str, Any] = {}
    if explicit.get("optimizer", old.optimizer) != old.optimizer:
        usual = FitConfig()
        its_own = {"learning_rate": usual.learning_rate, "momentum": usual.momentum}
        its_own |= OPTIMIZER_DEFAULTS.get(explicit["optimizer"], {})
    config = type(old)(**asdict(old) | its_own | explicit)
    if config.refit:
        raise OptionError(
            "refit trains from scratch and cannot be combined with --from", hint="leave --refit out"
        )
    if family.shape_of(config, 1) != family.shape_of(old, 1):
        raise _makes_another_network(parent, _options_of_shape(family, old, explicit))
    return config


def _options_of_shape(family: Family, old: FitConfig, explicit: Mapping[str, Any]) -> list[str]:
    """Return the options that the user gave and that determine the network's shape."""
    names = []
    for name, value in explicit.items():
        try:
            other = family.shape_of(replace(old, **{name: value}), 1)
        except ConfigError:  # options that depend on each other, such as layers and sizes
            names.append(name)
            continue
        if other != family.shape_of(old, 1):
            names.append(name)
    return names


def _makes_another_network(parent: str, options: list[str]) -> OptionError:
    other = ", ".join(f"--{option}" for option in options)
    return OptionError(
        f"a run that begins at the weights of run {parent} has its network; {other} would "
        "make another one",
        hint=f"leave {other} out, or train from scratch without --from",
    )


def _require_same_items(run: Run, dataset: Dataset, shape: NetworkShape) -> None:
    own = load_items(run.path / ITEMS_FILE).ids
    theirs = load_dataset_items(dataset.path).ids[: dataset.train.items]
    if list(own) != list(theirs) or len(own) != shape.num_items:
        raise ArtefactError(
            f"dataset {dataset.name} has other items in train than run {run.name} was trained on",
            hint="--from needs the same items in the same order; omit it to train from scratch",
        )


def _default_name(parent: str, old: FitConfig, config: FitConfig) -> str:
    """Return the name of a run: its parent, its epochs, and the other options that differ."""
    other = {name: value for name, value in differences(config, old).items() if name != "epochs"}
    return "-".join([f"{parent}-more{config.epochs}", *([write_words(other)] if other else [])])
