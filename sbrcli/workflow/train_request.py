"""What `sbr train` is asked for: a new run, or one to resume, to finish or only to plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import DEFAULT_CHECKPOINT, CheckpointConfig
from sbrcli.config.workers import ALONE, Cluster, WorkersConfig, read_cluster, require_no_cluster
from sbrcli.errors import UsageError
from sbrcli.evaluation.rank_metrics.registry import require_monitored
from sbrcli.evaluation.validation import validate
from sbrcli.models.configuration import configure_training, family_with
from sbrcli.models.registry import DEFAULT_FAMILY, is_baseline
from sbrcli.models.training.events import OnEvent, TrainingPlanned
from sbrcli.workflow.finish import finish
from sbrcli.workflow.follow import train_as_follower
from sbrcli.workflow.parent import make_job_from
from sbrcli.workflow.train import train
from sbrcli.workflow.train_result import TrainResult, describe_run, plan_training
from sbrcli.workflow.training_estimate import estimate_training
from sbrcli.workflow.training_job import TrainingJob, find_resumable_run, job_of_run, make_job
from sbrcli.workflow.worker_task import require_even_shares

if TYPE_CHECKING:
    from sbrcli.workflow.train_baseline import BaselineJob

# `train_baseline` is imported where it is used, so that training a network does not load SciPy.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What `sbr train` is asked for."""

    dataset: str | None = None
    model: str | None = None
    explicit: Mapping[str, Any] = field(default_factory=dict)
    """Options of the network and its training; None for those not given."""

    baselines: Mapping[str, str] = field(default_factory=dict)
    """The options of a baseline, as in "k=50,sample=500", by its name."""

    preset: str | None = None
    name: str | None = None
    overwrite: bool = False
    from_run: str | None = None
    """The run to start from."""

    resume: bool = False
    finish: str | None = None
    """The interrupted run to complete as it is."""

    checkpoint: CheckpointConfig = DEFAULT_CHECKPOINT
    workers: WorkersConfig = ALONE
    dry_run: bool = False
    measure: bool = False
    """Time a few steps for the estimate of a plan."""

    @property
    def given(self) -> list[str]:
        """The names of the options of the network that were given."""
        return [name for name, value in self.explicit.items() if value is not None]

    def has_more(self, *others: object) -> bool:
        """Return whether options of a new run are given, or any of `others` is."""
        named = (self.model, self.preset, self.dataset, self.from_run, *others)
        return bool(self.given) or self.overwrite or any(one is not None for one in named)


def train_as_requested(
    workspace: Workspace, request: TrainRequest, on_event: OnEvent
) -> TrainResult:
    """Train a run, or do what the request asks for instead; see `TrainRequest`.

    Args:
        workspace: the work directory of the dataset and the run.
        request: what to do.
        on_event: called with each event of `sbrcli.models.training.events`.

    Returns:
        The run; with `dry_run`, the plan of its training.

    Raises:
        UsageError: options do not go together.
        ArtefactError: the dataset or a run is missing or damaged, or the name is taken.
        ConfigError: an option is unknown or out of bounds, or the training does not fit in memory.
        TrainingError: the loss is no longer finite, or memory ran out.
    """
    if request.model is not None and is_baseline(request.model):
        from sbrcli.workflow.train_baseline import make_baseline_job

        require_no_cluster(f"sbr train --model {request.model}")
        text = request.baselines.get(request.model, "")
        job = make_baseline_job(workspace, request.dataset, request.model, text, request.name)
        return run_job(workspace, job, on_event, overwrite=request.overwrite)
    if request.finish is not None:
        return _finish(workspace, request, request.finish)
    # Wrong options are found before any artefact is looked for.
    cluster = _find_cluster(request)
    has_parent = request.from_run is not None
    family = request.model or (family_with(request.given) if has_parent else DEFAULT_FAMILY)
    config = configure_training(request.explicit, request.preset, model=family)
    require_monitored(config.monitor)
    if request.resume:
        _require_resume_alone(request)
        run = find_resumable_run(workspace, request.name)
        if run.is_complete:
            workspace.reporter.note(f"run {run.name} is complete already")
            return describe_run(run)
        job = job_of_run(workspace, run)
    elif request.from_run is not None:
        job = _make_job_from(workspace, request, request.from_run)
    else:
        for_short = configure_training(
            request.explicit, request.preset, short_sessions=True, model=family
        )
        job = make_job(workspace, request.dataset, config, request.name, for_short, family)
    if request.dry_run:
        number = request.workers.workers
        require_even_shares(job, number if cluster is None else len(cluster.addresses))
        estimate = estimate_training(workspace, job, measure=request.measure, workers=number)
        planned = plan_training(job)
        plan = planned.plan | ({"workers": number} if number > 1 else {})
        return replace(planned, plan=plan, estimate=asdict(estimate))
    how: dict[str, Any] = {
        **{"resume": request.resume, "checkpoint": request.checkpoint},
        **{"workers": request.workers, "cluster": cluster},
    }
    return run_job(workspace, job, on_event, overwrite=request.overwrite, **how)


def run_job(
    workspace: Workspace,
    job: "TrainingJob | BaselineJob",
    on_event: OnEvent,
    *,
    overwrite: bool = False,
    resume: bool = False,
    checkpoint: CheckpointConfig = DEFAULT_CHECKPOINT,
    workers: WorkersConfig = ALONE,
    cluster: Cluster | None = None,
) -> TrainResult:
    """Train a network, or fit a baseline, and validate it by the metrics of ranks.

    Args:
        workspace: the work directory of the run.
        job: what to train.
        on_event: called first with `TrainingPlanned`, if the job is of a network.
        overwrite: replace a run of the same name.
        resume: continue from the run's checkpoint.
        checkpoint: how often the training state is saved.
        workers: how many processes of this machine train a network.
        cluster: the processes that train a network, of which this is one.

    Raises:
        ArtefactError, ConfigError, TrainingError: see `sbrcli.workflow.train.train`.
    """
    reporter = workspace.reporter
    if isinstance(job, TrainingJob):
        on_event(TrainingPlanned(run=job.name, dataset=job.dataset.name))
        if cluster is not None and not cluster.is_chief:
            return train_as_follower(workspace, job, cluster, validate, on_event)
        how: dict[str, Any] = {"overwrite": overwrite, "resume": resume, "checkpoint": checkpoint}
        how |= {"workers": workers, "cluster": cluster}
        result = train(workspace, job, validate, on_event, **how)
    else:
        from sbrcli.workflow.train_baseline import train_baseline

        reporter.note(f"run {job.name} on dataset {job.dataset.name}")
        result = train_baseline(workspace, job, validate, reporter, overwrite=overwrite)
    if result.already_there:
        reporter.note(f"run {result.run} already exists, trained with the same options")
    return result


def _finish(workspace: Workspace, request: TrainRequest, name: str) -> TrainResult:
    require_no_cluster("sbr train --finish")
    flags = (request.resume, request.dry_run, request.checkpoint != DEFAULT_CHECKPOINT)
    flags = (*flags, request.workers != ALONE)
    if request.has_more(request.name, *(flag or None for flag in flags)):
        raise UsageError(
            "--finish takes an interrupted run as it is, and no other option",
            hint=f"sbr train --finish {name}",
        )
    result = finish(workspace, name)
    if result.already_there:
        workspace.reporter.note(f"run {name} is complete already")
    else:
        workspace.reporter.note(
            f"run {name} is complete with the weights of epoch {result.best_epoch}"
        )
    return result


def _find_cluster(request: TrainRequest) -> Cluster | None:
    """Return the cluster that this process is of, after checking the options of several workers."""
    cluster, workers = read_cluster(), request.workers
    if workers.max_restarts and workers.workers == 1:
        raise UsageError(
            "--max-restarts goes with --workers",
            hint="sbr train --workers 2 --max-restarts 3",
        )
    if cluster is not None and workers.workers > 1:
        raise UsageError(
            f"--workers starts processes on this machine, and TF_CONFIG names "
            f"{len(cluster.addresses)} that are started already",
            hint="leave --workers out, or unset TF_CONFIG",
        )
    if request.measure and (cluster is not None or workers.workers > 1):
        raise UsageError(
            "--measure times the steps of one process", hint="leave --workers or --measure out"
        )
    return cluster


def _require_resume_alone(request: TrainRequest) -> None:
    if request.has_more():
        raise UsageError(
            "--resume takes the interrupted run's own options and no others but --name, "
            "--checkpoint-minutes, --workers and --max-restarts",
            hint="leave the other options out, or train under another --name",
        )


def _make_job_from(workspace: Workspace, request: TrainRequest, parent: str) -> TrainingJob:
    """Return the job of a run that starts from the weights of another."""
    if request.preset is not None:
        raise UsageError(
            "--from takes the options of the run that it starts from, and no preset",
            hint="leave --preset out, and pass the options to change",
        )
    named = (request.dataset, request.name, request.model)
    return make_job_from(workspace, parent, request.explicit, *named)
