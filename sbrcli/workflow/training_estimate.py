"""What a training costs before it begins: memory, disk and time."""

from dataclasses import dataclass, replace
from time import perf_counter

from sbrcli.artefacts.disk import free_bytes
from sbrcli.artefacts.run import Phase
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import ITEMS_FILE
from sbrcli.errors import ConfigError
from sbrcli.evaluation.validation import validate
from sbrcli.models.network import count_parameters
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.events import LibrariesLoading
from sbrcli.models.training.memory import (
    count_copies,
    estimate_memory,
    gigabytes_in_words,
    out_of_memory_explained,
    physical_memory,
    require_memory,
)
from sbrcli.reporter import ignore_progress
from sbrcli.workflow.training_data import load_training_data, load_valid
from sbrcli.workflow.training_job import TrainingJob

_MEASURED_SECONDS = 2.0
_MEASURED_TARGETS = 2_000
_SMALL_FILES = 2**20
"""Bytes of a run's manifest, history and other small files, and more than these take."""


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """What a training takes; `asdict` is `estimate` in the JSON of `sbr train --dry-run`."""

    memory_bytes: int
    """About how much memory the process, or all of several workers, take at their peak."""

    memory_limit_bytes: int | None
    """How much it may take; None if the system does not say."""

    disk_bytes: int
    """What the run's folder takes at its peak."""

    disk_free_bytes: int | None
    seconds: float | None = None
    """All of it: loading, all epochs and their validation, and the refit if there is one; None if
    no steps were timed. Early stopping makes it shorter."""

    start_seconds: float | None = None
    """Loading TensorFlow and compiling a step."""

    epoch_seconds: float | None = None
    """The steps of one epoch."""

    validation_seconds: float | None = None
    """Ranking the valid split once."""

    events_per_second: float | None = None
    """Targets trained on in a second."""


def estimate_training(
    workspace: Workspace, job: TrainingJob, *, measure: bool = False, workers: int = 1
) -> TrainingEstimate:
    """Estimate what a training costs; write nothing.

    Args:
        workspace: where the run would be kept.
        job: what to train.
        measure: load TensorFlow and time a few steps, so that the seconds are known too.
        workers: the number of processes of this machine that train.

    Raises:
        ConfigError: it does not fit in the memory, or on the disk.
        ArtefactError: with `measure`, the dataset is damaged.
        TrainingError: with `measure`, memory ran out.
    """
    estimate = TrainingEstimate(
        memory_bytes=_memory_of(job, workers),
        memory_limit_bytes=physical_memory(),
        disk_bytes=_disk_bytes(job),
        disk_free_bytes=free_bytes(workspace.root),
    )
    require_room(workspace, job, workers=workers)
    return _with_times(workspace, job, estimate) if measure else estimate


def require_room(
    workspace: Workspace, job: TrainingJob, *, on_disk: bool = True, workers: int = 1
) -> None:
    """Check that a training fits in the memory and on the disk.

    Args:
        workspace: where the run would be kept.
        job: what to train.
        on_disk: check the disk too; a run that is resumed has its files there already.
        workers: the number of processes of this machine that train.

    Raises:
        ConfigError: it does not fit.
    """
    shape = job.shape_in(_last_phase(job))
    options = job.family.size_options if workers == 1 else ("workers", *job.family.size_options)
    require_memory(_memory_of(job, workers), shape, job.config, options)
    # The small files are a guess, and no reason to refuse.
    needed, free = _disk_bytes(job) - _SMALL_FILES, free_bytes(workspace.root)
    if on_disk and free is not None and needed > free:
        raise ConfigError(
            f"run {job.name} takes {gigabytes_in_words(needed)} while it is trained; the disk of "
            f"{workspace.root} has {gigabytes_in_words(free)} left",
            hint="delete runs with sbr runs rm, or name another disk with --workdir",
        )


def _last_phase(job: TrainingJob) -> Phase:
    return "refit" if job.config.refit else "fit"


def _memory_of(job: TrainingJob, workers: int) -> int:
    """Return the memory of all workers; each has all weights and all sessions."""
    phase = _last_phase(job)
    events = job.counts_in(phase).events
    return workers * estimate_memory(job.shape_in(phase), job.config, events, workers)


def _disk_bytes(job: TrainingJob) -> int:
    """Return the size of the run's folder while its largest file is being replaced.

    There are the best epoch's weights, a checkpoint and the one that replaces it; in a refit, its
    own two checkpoints; and at the beginning of `--from`, the other run's weights.
    """
    weights = 4 * count_parameters(job.shape_in(_last_phase(job)))
    checkpoints = 3 if job.config.refit else 2
    copies = 1 + checkpoints * count_copies(job.config) + (job.parent is not None)
    path = job.dataset.path / ITEMS_FILE
    items = path.stat().st_size if path.exists() else 0  # the training says that it is missing
    return weights * copies + 2 * items + _SMALL_FILES


def _with_times(
    workspace: Workspace, job: TrainingJob, estimate: TrainingEstimate
) -> TrainingEstimate:
    """Add the seconds, from steps and validations that are timed."""
    data = load_training_data(job, "fit")
    valid = load_valid(job)
    workspace.reporter.event(LibrariesLoading())
    began = perf_counter()
    start_tensorflow(job.config.threads, job.config.device)
    from sbrcli.models.training.events import ignore_event
    from sbrcli.models.training.fit import EpochLoop
    from sbrcli.models.training.fit import TrainingData as LoopData
    from sbrcli.models.training.pace import time_epoch

    with out_of_memory_explained():
        weights = job.family.initial_weights(data.shape, job.config.seed)
        network = job.family.make_network(data.shape, job.config, weights)
        loop = EpochLoop(network, LoopData(data.sessions), job.config, ignore_event)
        started = perf_counter() - began
        epoch = time_epoch(loop, _MEASURED_SECONDS)
        validation = 0.0
        if valid is not None:
            some = valid.subsample(_MEASURED_TARGETS)
            began = perf_counter()
            validate(network.scorer(), some, ignore_progress)
            validation = perf_counter() - began
            validation *= valid.num_targets / max(some.num_targets, 1)
    pairs = loop.num_pairs
    total = started + job.config.epochs * (epoch + validation)
    if job.config.refit:
        counts = job.counts_in("refit")
        total += job.config.epochs * epoch * (counts.events - counts.sessions) / max(pairs, 1)
    return replace(
        estimate,
        seconds=total,
        start_seconds=started,
        epoch_seconds=epoch,
        validation_seconds=validation,
        events_per_second=pairs / max(epoch, 1e-9),
    )
