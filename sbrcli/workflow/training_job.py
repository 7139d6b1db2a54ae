"""A training job: the dataset, the configuration and the name of the run."""

from dataclasses import dataclass, fields, replace
from typing import Any

from sbrcli.artefacts.artefact import check_name
from sbrcli.artefacts.dataset import Dataset, SplitSummary
from sbrcli.artefacts.run import LearnedFrom, Phase, Run, Update
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.presets import SHORT_SESSION_EVENTS
from sbrcli.config.training import FitConfig
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.evaluation.rank_metrics.registry import require_monitored
from sbrcli.models.configuration import config_class_of, configure_training
from sbrcli.models.network import Family, NetworkShape
from sbrcli.models.registry import DEFAULT_FAMILY, family_of, find_family
from sbrcli.version import __version__
from sbrcli.workflow.run_names import default_run_name, earlier_run_name
from sbrcli.workflow.run_settings import plain_config, settings_of, update_settings
from sbrcli.workflow.trainable import open_trainable


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training job: the dataset, the configuration and the name of the run."""

    dataset: Dataset
    config: FitConfig
    name: str
    parent: dict[str, str] | None = None
    """The run from whose weights it starts, and their checksum; see `parent.make_job_from`."""

    model: str = DEFAULT_FAMILY
    """The name of the network's family."""

    update: Update | None = None
    """What the parent has not learned from yet, if the run is an update of it."""

    @property
    def family(self) -> Family:
        """The network's family."""
        return find_family(self.model)

    @property
    def shape(self) -> NetworkShape:
        """The network's shape: the items of train, and the units of the configuration."""
        return self.shape_in("fit")

    def shape_in(self, phase: Phase) -> NetworkShape:
        """Return the network's shape in a phase; a refit has the items of valid too."""
        return self.family.shape_of(self.config, self.counts_in(phase).items)

    def counts_in(self, phase: Phase) -> SplitSummary:
        """Return the size of the training data of a phase."""
        if phase == "fit":
            return self.dataset.train
        if self.dataset.train_full is None:
            raise self.dataset.lacks("train_full")
        return self.dataset.train_full

    def settings(self) -> dict[str, Any]:
        """Return the manifest entries that identify a training: equal for the same training."""
        return {
            "model": self.model,
            "config": plain_config(self.config),
            "dataset": {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint},
            **({} if self.parent is None else {"parent": self.parent}),
            **({} if self.update is None else update_settings(self.update)),
        }

    def learned_from(self) -> LearnedFrom:
        """Return the manifest entry of the data that the run learns from."""
        return learned_from(self.dataset, with_valid=self.config.refit)


def learned_from(dataset: Dataset, *, with_valid: bool) -> LearnedFrom:
    """Return how a dataset's log was read and cut into sessions, and when a run's events end.

    Args:
        dataset: what the run is trained on.
        with_valid: whether it is trained on valid too.
    """
    used = [dataset.train, dataset.splits.get("valid") if with_valid else None]
    times = [split.last_time for split in used if split is not None and split.last_time]
    return LearnedFrom(dataset.config, max(times, default=None))


def last_training_time(run: Run, dataset: Dataset | None) -> str | None:
    """Return the time of a run's last training event, ISO 8601.

    Args:
        run: the run.
        dataset: the dataset that it was trained on, for runs that do not store the time themselves.

    Returns:
        None if it is unknown, or the log has no times.
    """
    found = run.learned_from
    if found is None and dataset is not None:
        found = learned_from(dataset, with_valid=run.is_refitted)
    return None if found is None or found.config.get("no_time") else found.last_time


def make_job(
    workspace: Workspace,
    dataset: str | None,
    config: FitConfig,
    name: str | None,
    for_short: FitConfig | None = None,
    model: str = DEFAULT_FAMILY,
) -> TrainingJob:
    """Return the job of training on a dataset, by default the latest, under a default name.

    Args:
        workspace: the work directory.
        dataset: the dataset's name.
        config: the configuration.
        name: the run's name.
        for_short: how to train instead where the dataset's sessions are short.
        model: the name of the network's family.

    Raises:
        ArtefactError: there is no such dataset, or it stores no data for a refit.
        ConfigError: there is no such family, the name is not a valid folder name, or a refit is
            requested without a valid split.
    """
    family = find_family(model)
    require_monitored(config.monitor)
    if name is not None:
        workspace.path_of("run", name)
    folder = open_trainable(workspace, dataset, config)
    config = for_short if for_short and has_short_sessions(folder) else config
    if name is not None:
        return TrainingJob(folder, config, name, model=model)
    is_short = has_short_sessions(folder)
    usual = configure_training({}, None, short_sessions=is_short, model=model)
    called = default_run_name(folder.name, family, config, usual)
    job = TrainingJob(folder, config, called, model=model)
    earlier = replace(job, name=earlier_run_name(folder.name, family, config, usual))
    return earlier if _is_there(workspace, earlier) else job


def _is_there(workspace: Workspace, job: TrainingJob) -> bool:
    """Return whether a run of the same name and settings exists."""
    try:
        found = workspace.find("run", job.name)
        return found is not None and settings_of(found) == job.settings()
    except (ArtefactError, ConfigError):
        return False


def mean_session_length(dataset: Dataset) -> float:
    """Return the mean number of events of a dataset's train sessions."""
    return dataset.train.events / dataset.train.sessions


def has_short_sessions(dataset: Dataset) -> bool:
    """Return whether the defaults for short sessions apply to a dataset."""
    return mean_session_length(dataset) < SHORT_SESSION_EVENTS


def find_resumable_run(workspace: Workspace, name: str | None) -> Run:
    """Find the run to resume: the named one, else the latest unfinished, else the latest of all.

    Raises:
        ArtefactError: there is none, or it is damaged.
    """
    if name is None:
        runs = workspace.open_all("run")
    else:
        named = workspace.find("run", name)
        runs = [] if named is None else [named]
    if not runs:
        what = "no run to resume" if name is None else f"no run named {name}"
        raise ArtefactError(f"{what} in {workspace.root}", hint="begin one with: sbr train")
    unfinished = [run for run in runs if not run.is_complete]
    return max(unfinished or runs, key=lambda run: run.created_at or "")


def job_of_run(workspace: Workspace, run: Run) -> TrainingJob:
    """Return the training job that a run's manifest describes.

    Raises:
        ArtefactError: the manifest is damaged, or the dataset has changed.
    """
    config, settings = config_of(run), settings_of(run)
    dataset = open_trainable(workspace, settings["dataset"]["name"], config)
    if dataset.fingerprint != settings["dataset"]["fingerprint"]:
        raise ArtefactError(
            f"dataset {dataset.name} is not the one that run {run.name} was started on",
            hint="prepare that dataset again, or train again with --overwrite",
        )
    model = family_of(run).name
    return TrainingJob(dataset, config, run.name, settings.get("parent"), model, run.update)


def config_of(run: Run) -> FitConfig:
    """Return the training configuration in a run's manifest.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    settings, config_class = settings_of(run), config_class_of(family_of(run).name)
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings["config"].items()
    }
    try:
        config = config_class(**values)
        _require_kinds(config)
        require_monitored(config.monitor)
        check_name("dataset", settings["dataset"]["name"])
    except (ConfigError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"the manifest of run {run.name} holds no configuration of sbr {__version__}: {error}",
            hint="train the run again with --overwrite",
        ) from error
    return config


def _require_kinds(config: FitConfig) -> None:
    """Check that each option has the type of its default.

    Raises:
        TypeError: one has not, as in JSON that was edited by hand.
    """
    default = type(config)()
    for option in (one.name for one in fields(config)):
        value, usual = getattr(config, option), getattr(default, option)
        kinds = (int, float) if isinstance(usual, float) else (type(usual),)
        if not isinstance(value, (int, float, str, type(None)) if usual is None else kinds):
            raise TypeError(f"{option} is {value!r}")
        if isinstance(usual, tuple) and not all(isinstance(one, type(usual[0])) for one in value):
            raise TypeError(f"{option} is {value!r}")
