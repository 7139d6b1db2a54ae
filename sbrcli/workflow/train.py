"""Train a run: `sbr train`, from a dataset to a complete run folder."""

from contextlib import ExitStack

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import DEFAULT_CHECKPOINT, CheckpointConfig
from sbrcli.config.workers import ALONE, Cluster, WorkersConfig
from sbrcli.models.training.events import OnEvent
from sbrcli.workflow.begin_run import begin_run, name_taken, retract_without_checkpoint
from sbrcli.workflow.epoch_validation import Validate
from sbrcli.workflow.launch import launch
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train_result import TrainResult, describe_run, plan_training
from sbrcli.workflow.training_estimate import require_room
from sbrcli.workflow.training_job import TrainingJob
from sbrcli.workflow.training_phases import Phases
from sbrcli.workflow.worker_process import WorkerRequest
from sbrcli.workflow.worker_task import require_even_shares


def train(
    workspace: Workspace,
    job: TrainingJob,
    validate: Validate,
    on_event: OnEvent | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    checkpoint: CheckpointConfig = DEFAULT_CHECKPOINT,
    workers: WorkersConfig = ALONE,
    cluster: Cluster | None = None,
) -> TrainResult:
    """Train a run, or resume one that was interrupted.

    The run's folder appears before TensorFlow loads, with `status: training`; it is complete
    when its manifest says so.

    Args:
        workspace: the work directory of the run.
        job: what to train.
        validate: called with the model and the valid split after each epoch; returns metrics.
        on_event: called with each event of `sbrcli.models.training.events`; the workspace's
            reporter takes them by default.
        overwrite: replace a run of the same name.
        resume: continue from the run's checkpoint.
        checkpoint: how often the training state is saved.
        workers: how many processes of this machine train it.
        cluster: the processes that train it, this one the chief; an unfinished run is resumed.

    Raises:
        ArtefactError: another run has the name, or another process is writing it.
        ConfigError: it does not fit in the machine's memory, or on the disk; or the workers cannot
            divide its lanes evenly.
        TrainingError: the loss is no longer finite, memory ran out, or a worker has died.
        StopTraining: `on_event` raised it; the run can be resumed.
    """
    require_even_shares(job, len(cluster.addresses) if cluster else workers.workers)
    require_room(workspace, job, on_disk=False, workers=workers.workers)
    with workspace.locked("run", job.name):
        # With overwrite, the run is replaced even if it is damaged.
        found = None if overwrite else workspace.find("run", job.name)
        same = found is not None and settings_of(found) == job.settings()
        if found is not None and same and found.is_complete:
            return describe_run(found)
        if found is not None and not resume and not (same and cluster):
            raise name_taken(found, by_update=job.update is not None)
        undo = ExitStack()
        if found is None:
            require_room(workspace, job, workers=workers.workers)
            begin_run(workspace, job)
            undo.callback(retract_without_checkpoint, workspace, job.name)
        handler = on_event or workspace.reporter.event
        with undo:
            if workers.workers == 1:
                Phases(workspace, job, validate, handler, checkpoint, cluster).run()
            else:
                request = WorkerRequest(workspace.root, job.name, validate, checkpoint)
                launch(request, workers, handler, workspace.reporter)
        plan = plan_training(job).plan
        return describe_run(workspace.open("run", job.name), plan)
