"""Fit a baseline as a run: `sbr train --model NAME` where NAME is no network."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.artefacts.checksums import FILES, checksums_of
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.manifests import MANIFEST, WATCHED, new_manifest, utc_now, write_json
from sbrcli.artefacts.run import EpochRow
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.config.training import FitConfig, differences
from sbrcli.dataset.storage import ITEMS_FILE as DATASET_ITEMS_FILE
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.dataset.tables import damaged_file
from sbrcli.errors import ArtefactError
from sbrcli.models.baselines.fitted import FittedBaseline
from sbrcli.models.baselines.options import parse_options
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.baselines.run_files import save_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.reporter import SILENT, Advance, Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.begin_run import name_taken
from sbrcli.workflow.run_names import write_words
from sbrcli.workflow.run_settings import plain_config, settings_of
from sbrcli.workflow.train_result import TrainResult, describe_run
from sbrcli.workflow.trainable import open_trainable
from sbrcli.workflow.training_data import save_known_items
from sbrcli.workflow.training_job import learned_from

Validate = Callable[[Scorer, Sessions, Advance], dict[str, float]]


@dataclass(frozen=True, slots=True)
class BaselineJob:
    """One baseline to be fitted: on which dataset, with which options, and under which name."""

    dataset: Dataset
    model: str
    options: Options
    name: str

    def settings(self) -> dict[str, Any]:
        """Return the manifest entries that identify a run: equal for the same one."""
        return {
            "model": self.model,
            "config": plain_config(self.options),
            "dataset": {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint},
        }


def make_baseline_job(
    workspace: Workspace, dataset: str | None, model: str, text: str, name: str | None
) -> BaselineJob:
    """Return the job of fitting a baseline to a dataset, by default the latest.

    Args:
        workspace: the work directory of the dataset and the run.
        dataset: the dataset's name.
        model: the baseline's name.
        text: its options, as in "k=50,sample=500"; the others have their defaults.
        name: the run's; by default the dataset, the model and the options that differ.

    Raises:
        ArtefactError: there is no such dataset.
        ConfigError: an option is unknown or out of bounds, or the name cannot be a folder's.
    """
    options = parse_options(model, text, find_baseline(model).options())
    if name is not None:
        workspace.path_of("run", name)
    opened = open_trainable(workspace, dataset, FitConfig())
    return BaselineJob(opened, model, options, name or default_name(opened, model, options))


def default_name(dataset: Dataset, model: str, options: Options) -> str:
    """Return the default name of a baseline's run, as in user-vsknn-k50."""
    words = [dataset.name, model]
    other = differences(options, find_baseline(model).options())
    return "-".join([*words, *([write_words(other)] if other else [])])


def train_baseline(
    workspace: Workspace,
    job: BaselineJob,
    validate: Validate,
    reporter: Reporter = SILENT,
    *,
    overwrite: bool = False,
) -> TrainResult:
    """Fit a baseline to train, and store it as a complete run.

    The folder appears at the end, by one rename. Its manifest describes the fitting as one epoch
    without a loss, with the metrics on valid.

    Args:
        workspace: the work directory of the run.
        job: what to fit.
        validate: called with the model and the valid split; returns metrics.
        reporter: receives the progress of the validation.
        overwrite: replace a run of the same name.

    Raises:
        ArtefactError: another run has the name, another process is writing it, or the dataset is
            damaged or was replaced.
    """
    with workspace.locked("run", job.name):
        found = None if overwrite else workspace.find("run", job.name)
        if found is not None:
            if settings_of(found) != job.settings() or not found.is_complete:
                raise name_taken(found)
            return describe_run(found)
        training, train_count = _load_training(job.dataset)
        started = time.monotonic()
        fitted = find_baseline(job.model).fit(training, len(train_count), job.options)
        seconds = time.monotonic() - started
        epoch: EpochRow = {"epoch": 1, "loss": None, "seconds": seconds}
        epoch["events_per_second"] = training.num_targets / max(seconds, 1e-9)
        epoch |= _validate(job.dataset, fitted, validate, reporter)  # pyright: ignore
        _write(workspace, job, fitted, train_count, epoch)
        plan = {"name": job.name, "model": job.model, **job.settings()["config"]}
        return describe_run(workspace.open("run", job.name), plan)


def _load_training(dataset: Dataset) -> tuple[Sessions, IntArray]:
    """Return the train sessions, and how often each of their items occurs."""
    training, items = load_split(dataset.path, "train"), load_items(dataset.path)
    num_items = dataset.train.items
    if training.item_indices.max() >= num_items:
        raise dataset.damaged("train has more items than it states")
    counts = training.count_items(num_items)
    if not np.array_equal(items.train_count[:num_items], counts):
        raise damaged_file(
            dataset.path / DATASET_ITEMS_FILE, "train holds other counts of its items"
        )
    return training, counts


def _validate(
    dataset: Dataset, fitted: FittedBaseline, validate: Validate, reporter: Reporter
) -> Mapping[str, float | None]:
    """Return the metrics on valid; None without a valid split."""
    if dataset.splits["valid"] is None:
        return dict.fromkeys(WATCHED)
    valid = load_split(dataset.path, "valid")
    with reporter.progress(valid.num_targets, "events", "validate") as advance:
        return validate(fitted, valid, advance)


def _write(
    workspace: Workspace,
    job: BaselineJob,
    fitted: FittedBaseline,
    train_count: IntArray,
    epoch: EpochRow,
) -> None:
    """Write the run's folder."""
    items = load_items(job.dataset.path)
    _require_same_dataset(job)
    with workspace.staged("run", job.name) as folder:
        save_known_items(folder, items, train_count)
        save_baseline(folder, job.model, fitted)
        manifest = new_manifest("run") | {
            "status": "complete",
            "completed_at": utc_now(),
            **job.settings(),
            "network": {"num_items": len(train_count)},
            "parameters": sum(array.size for array in fitted.arrays().values()),
            "learned_from": asdict(learned_from(job.dataset, with_valid=False)),
            "epochs": [epoch],
            "best_epoch": 1,
            "versions": _versions(),
            FILES: checksums_of(folder / name for name in (WEIGHTS_FILE, ITEMS_FILE)),
        }
        write_json(folder / MANIFEST, manifest)


def _require_same_dataset(job: BaselineJob) -> None:
    """Check that the data that was read is that of the job's dataset."""
    if Dataset.read(job.dataset.path).fingerprint != job.dataset.fingerprint:
        raise ArtefactError(
            f"dataset {job.dataset.name} has changed since run {job.name} was started on it",
            hint="train again, on the dataset as it is now",
        )


def _versions() -> dict[str, str]:
    import scipy

    return {"numpy": np.__version__, "scipy": scipy.__version__}
