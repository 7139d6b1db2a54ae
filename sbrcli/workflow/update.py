"""`sbr update`: train a new run that continues a complete one with later events."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from sbrcli.artefacts.checksums import checksum_of
from sbrcli.artefacts.dataset import Counts, Dataset, SourceFile
from sbrcli.artefacts.run import Run, Update
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.reading import ReadConfig
from sbrcli.config.training import DEFAULT_CHECKPOINT, CheckpointConfig
from sbrcli.config.update import UpdateConfig
from sbrcli.config.workers import require_no_cluster
from sbrcli.dataset.cutting import cut_grown_log
from sbrcli.dataset.growth import Additions, grow
from sbrcli.dataset.spec import describe_files
from sbrcli.errors import ArtefactError, ConfigError, TrainingError
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.files.spool import on_disk
from sbrcli.log.log import Log
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log
from sbrcli.log.titles import read_titles
from sbrcli.models.loading import shape_of_run
from sbrcli.models.registry import family_of
from sbrcli.models.training.events import OnEvent
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow.epoch_validation import Validate
from sbrcli.workflow.evaluate import dataset_of
from sbrcli.workflow.evaluate_log import complete_reading, prepare_config_of
from sbrcli.workflow.grown_dataset import load_learned, write_grown
from sbrcli.workflow.refresh import refresh_partners
from sbrcli.workflow.run_names import name_update
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train import train
from sbrcli.workflow.train_result import TrainResult, describe_run
from sbrcli.workflow.training_job import TrainingJob, config_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvents:
    """A newer log and the run to update with it."""

    logs: Sequence[Path]
    """Its files; - is standard input."""

    reading: ReadConfig
    """How the user says that it is read; the rest is as for the run's dataset."""

    run: str | None = None
    """None takes the latest."""

    name: str | None = None
    """The new run's and dataset's; None makes one of the parent's and the last event's time."""

    titles: Path | None = None
    """A file of the new items' titles."""


@dataclass(frozen=True, slots=True)
class UpdateResult(TrainResult):
    """The result of `sbr update`; `asdict` returns its JSON document."""

    parent: str | None = None
    """The run that it begins at; None where there was nothing to learn."""

    added: Counts = field(default_factory=Counts)
    """New events that were learned from, sessions that begin with them, and new items."""

    continued: int = 0
    """How many earlier sessions go on."""

    seen: int = 0
    """Events of the log that were skipped, because the run had learned from their time already."""

    left_out: dict[str, Counts] = field(default_factory=dict)
    """New events that were not learned from, by reason."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What an update trains on."""

    dataset: Dataset | None
    """None where there is nothing to learn."""

    additions: Additions
    seen: int
    """Events of the log that are no later than those learned from."""

    since: float
    """The time of the last event that the parent has learned from."""

    source: SourceFile


def update(
    workspace: Workspace,
    new: NewEvents,
    config: UpdateConfig,
    validate: Validate,
    on_event: OnEvent | None = None,
    *,
    checkpoint: CheckpointConfig = DEFAULT_CHECKPOINT,
) -> UpdateResult:
    """Update a run with the later events of a log, or resume an interrupted update.

    The grown dataset is written first, then the run; each appears complete or not at all. If the
    same update exists already, it is returned unchanged.

    Args:
        workspace: where the run and its dataset are.
        new: the log and the run.
        config: how to train.
        validate: as of `train`; it has no valid split here.
        on_event, checkpoint: as of `train`.

    Raises:
        ArtefactError: the run or its dataset is missing or damaged, or another run has the name.
        ConfigError: the run was trained without times, or is no network's; or `TF_CONFIG` is set.
        DataError: the log cannot be read.
        TrainingError: the loss is no longer finite, or memory ran out.
    """
    require_no_cluster("sbr update")
    parent = workspace.open("run", new.run)
    shape_of_run(parent)  # refuses what is no network before anything is read or written
    step = _prepare(workspace, new, parent)
    figures = {
        "continued": step.additions.continued,
        "seen": step.seen,
        "left_out": step.additions.dropped,
    }
    added = step.additions.added
    if step.dataset is None:
        return _extended(describe_run(parent), None, **figures)
    name = step.dataset.name
    about = Update(step.since, config.replay, added, step.source.sha256)
    job = _make_job(step.dataset, name, parent, config, about)
    begun = workspace.find("run", name)
    is_same = begun is not None and settings_of(begun) == job.settings()
    if begun is None or not (is_same and begun.is_complete):
        workspace.reporter.note(_describe(step.additions, name, parent.name))
    try:
        result = train(workspace, job, validate, on_event, resume=is_same, checkpoint=checkpoint)
    except (ConfigError, TrainingError) as error:
        error.hint = hint_for_update(error.hint, name, parent.name)
        raise
    refresh_partners(workspace, parent, workspace.open("run", name), step.dataset)
    return _extended(result, parent.name, added=added, **figures)


def _prepare(workspace: Workspace, new: NewEvents, parent: Run) -> _Step:
    """Read the log, and write the dataset to train on.

    When it returns, the files that the earlier dataset was mapped from are gone from the disk.
    """
    dataset = _dataset_of(parent, workspace)
    learned = load_learned(parent, dataset)
    read, source = _read(new, dataset, workspace)
    made_with = prepare_config_of(parent.name, dataset.config)
    cut, older = cut_grown_log(read.events, made_with, learned.last_time)
    grown = grow(learned, cut, made_with)
    additions = replace(grown.additions, dropped=older | grown.additions.dropped)
    grown = replace(grown, additions=additions)
    times = read.events[TIMESTAMP].to_numpy()
    seen = int(np.count_nonzero(times <= learned.last_time))
    if not additions.added.events:
        return _Step(None, additions, seen, learned.last_time, source)
    _warn_of_events_between(parent, dataset, times.min().item(), workspace)
    name = new.name or name_update(parent.name, grown.last_time)
    _require_update(workspace, name, parent.name)
    titles = read_titles(new.titles) if new.titles else {}
    folder = write_grown(workspace, name, dataset, grown, source, titles)
    return _Step(folder, additions, seen, learned.last_time, source)


def _require_update(workspace: Workspace, name: str, parent: str) -> None:
    """Check that a run of this name, if there is one, is an update of the parent, complete or not.

    Raises:
        ArtefactError: it is not.
    """
    begun = workspace.find("run", name)
    if begun is not None and (begun.parent is None or begun.parent.run != parent):
        raise ArtefactError(
            f"run {name} already exists, and is no update of run {parent}",
            hint="--name gives the update another name",
        )


def hint_for_update(hint: str | None, name: str, parent: str) -> str | None:
    """Return what helps an update that failed, which has few of the options of `sbr train`.

    Args:
        hint: what helps `sbr train`.
        name: the update's run.
        parent: the run that it begins at.
    """
    if hint is None or "--" not in hint or "--workdir" in hint:
        return hint
    if "--learning-rate" in hint:
        return f"delete it with sbr runs rm {name}, then update with a lower --learning-rate"
    return f"the sizes are those of run {parent}: train a smaller run, and update that one"


def _dataset_of(run: Run, workspace: Workspace) -> Dataset:
    """Open the dataset that a run was trained on.

    Raises:
        ArtefactError: it is missing or another one.
        ConfigError: its log was read without times.
    """
    try:
        dataset = dataset_of(run, workspace)
    except ArtefactError as error:
        raise ArtefactError(
            f"run {run.name} cannot be updated without the dataset that it was trained on: {error}",
            hint="prepare the dataset as it was, or train a run on a dataset of the whole log",
        ) from error
    if not dataset.has_times:
        raise ConfigError(
            f"run {run.name} was trained on a log without times, so no event of it is newer",
            hint="train a run on a dataset of the whole log instead",
        )
    return dataset


def _read(new: NewEvents, dataset: Dataset, workspace: Workspace) -> tuple[Log, SourceFile]:
    """Read the log as the dataset's was read; return it with its files' names and digest."""
    reading = complete_reading(new.reading, dataset.config)
    with ExitStack() as stack:
        paths = [stack.enter_context(on_disk(path)) for path in new.logs]
        source = describe_files(paths, new.logs)
        read = read_log(paths, reading)
    workspace.reporter.note(describe_reading(read))
    return read, source


def _warn_of_events_between(
    run: Run, dataset: Dataset, first_time: float, workspace: Workspace
) -> None:
    """Warn about events of the dataset that the run has not learned from and the log lacks."""
    splits = ["test"] if run.is_refitted else ["valid", "test"]
    for name in splits:
        split = dataset.splits.get(name)
        is_before = split and split.last_time and _seconds(split.last_time) < first_time
        if split and is_before:
            workspace.reporter.warn(
                f"run {run.name} has not learned from {name} of dataset {dataset.name}, up to "
                f"{split.last_time}, and the log begins after it: give the log whole to add it too"
            )


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _make_job(
    dataset: Dataset, name: str, parent: Run, config: UpdateConfig, about: Update
) -> TrainingJob:
    """Return the job of an update: the parent's options and weights, and shuffled sessions."""
    old = config_of(parent)
    rate = old.learning_rate if config.learning_rate is None else config.learning_rate
    how = replace(old, refit=False, since=None, last_days=None, shuffle=True, patience=0)
    how = replace(how, epochs=config.epochs, learning_rate=rate)
    start = {"run": parent.name, "weights": checksum_of(parent.path / WEIGHTS_FILE)}
    return TrainingJob(dataset, how, name, start, family_of(parent).name, about)


def _describe(additions: Additions, name: str, parent: str) -> str:
    added = additions.added
    return (
        f"run {name} adds to run {parent}: {added.events:,} events, {added.sessions:,} new "
        f"sessions and {additions.continued:,} that go on, {added.items:,} new items"
    )


def _extended(result: TrainResult, parent: str | None, **figures: Any) -> UpdateResult:
    shared = {one.name: getattr(result, one.name) for one in fields(result)}
    return UpdateResult(**shared, parent=parent, **figures)
