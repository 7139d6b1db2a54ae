"""Train as a worker that is not the chief: compute a share of each batch, and write nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.workers import Cluster
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.events import LibrariesLoading, OnEvent, ignore_event
from sbrcli.models.training.interruption import deferred_interrupt
from sbrcli.models.training.memory import out_of_memory_explained
from sbrcli.models.training.rendezvous import wait_for_others
from sbrcli.models.training.team_start import join_team, losses_explained
from sbrcli.workflow.epoch_validation import Validate, measure_on
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train_result import TrainResult, describe_run, plan_training
from sbrcli.workflow.training_data import load_training_data, load_valid
from sbrcli.workflow.training_estimate import require_room
from sbrcli.workflow.training_job import TrainingJob
from sbrcli.workflow.worker_task import WorkerTask, require_even_shares, threads_of

_FETCH_SECONDS = 3.0
"""How long a process stays after its last sum, which the chief may still have to fetch from it."""


def train_as_follower(
    workspace: Workspace,
    job: TrainingJob,
    cluster: Cluster,
    validate: Validate,
    on_event: OnEvent,
) -> TrainResult:
    """Train as one of the processes of a cluster, whose chief is another one.

    Args:
        workspace: the work directory, with the dataset; the run appears in the chief's.
        job: what to train.
        cluster: the processes.
        validate: as for `follow`.
        on_event: as for `follow`.

    Returns:
        The plan of the training; the run, if it is complete in this work directory already.

    Raises:
        ConfigError, ArtefactError, TrainingError, KeyboardInterrupt: see `follow`.
    """
    require_even_shares(job, len(cluster.addresses))
    require_room(workspace, job, on_disk=False)
    found = workspace.find("run", job.name)
    if found is not None and found.is_complete and settings_of(found) == job.settings():
        return describe_run(found)
    try:
        follow(job, cluster, validate, on_event, workspace.reporter.note)
    except KeyboardInterrupt:
        time.sleep(_FETCH_SECONDS)
        raise
    time.sleep(_FETCH_SECONDS)
    which = f"worker {cluster.index + 1} of {len(cluster.addresses)}"
    workspace.reporter.note(f"{which} has nothing left to train; the first one writes the run")
    return plan_training(job)


def follow(
    job: TrainingJob,
    cluster: Cluster,
    validate: Validate,
    on_event: OnEvent = ignore_event,
    say: Callable[[str], object] | None = None,
) -> None:
    """Train what the chief trains, until it has nothing left to train.

    Args:
        job: what to train; the chief's is the same.
        cluster: the processes.
        validate: ranks a part of the valid split after each epoch.
        on_event: called when TensorFlow is loaded; the chief reports all else.
        say: called with what is waited for; None if all processes were started at once.

    Raises:
        ConfigError: the chief has been started with other options, or on another dataset.
        ArtefactError: the dataset is damaged.
        TrainingError: the loss is no longer finite, or memory ran out.
        WorkerLostError: the chief or another worker is gone.
        KeyboardInterrupt: a worker was interrupted; the chief has saved the state.
    """
    on_event(LibrariesLoading())
    start_tensorflow(threads_of(job.config, cluster), job.config.device)
    if say is not None:
        wait_for_others(cluster, say)
    team = join_team(cluster)
    with losses_explained(), out_of_memory_explained():
        while (found := team.from_chief(None)) is not None:
            task = WorkerTask(**found)
            task.require_same(job)
            _train(job, task, team, validate)


def _train(job: TrainingJob, task: WorkerTask, team: Any, validate: Validate) -> None:
    """Train one phase."""
    from sbrcli.models.training.fit import EpochLoop
    from sbrcli.models.training.fit import TrainingData as LoopData

    data, family = load_training_data(job, task.phase), job.family
    config = replace(job.config, precision=task.precision, n_sample=task.n_sample)
    weights = family.initial_weights(data.shape, config.seed)
    valid = load_valid(job) if task.phase == "fit" else None
    networks = team.copies(lambda: family.make_network(data.shape, config, weights))
    loop = EpochLoop(
        networks[0],
        LoopData(data.sessions, **measure_on(valid, validate, team)),
        config,
        ignore_event,
        task.epochs,
        task.phase,
        team,
        networks,
    )
    with deferred_interrupt(lambda: None) as is_interrupted:
        loop.train(is_interrupted)
