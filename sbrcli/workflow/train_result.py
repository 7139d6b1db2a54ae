"""The result of `sbr train`: a plan, or a run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.config.presets import SHORT_SESSION_EVENTS
from sbrcli.models.network import count_parameters
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.training_data import load_training_data
from sbrcli.workflow.training_job import TrainingJob, mean_session_length


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The result of `sbr train`; `asdict` returns its JSON document."""

    run: str | None
    """The run's name; None if nothing was trained."""

    path: str | None
    parameters: int
    epochs: Sequence[Mapping[str, Any]]
    best_epoch: int | None
    dataset: str
    refit: dict[str, Any] | None = None
    """Its `epochs`, without metrics on valid; None if the run was not refitted."""

    stopped: str | None = None
    """Why training ended before its last epoch; None if it did not."""

    already_there: bool = False
    plan: dict[str, Any] = field(default_factory=dict)
    """The configuration, and the size of the training data."""

    top_lists: Mapping[str, float] | None = None
    """The best epoch's on valid, as `ListVariety`; None without valid, or if it is very small."""

    estimate: dict[str, Any] | None = None
    """What it would take, as `TrainingEstimate`; None where a run is described."""


def plan_training(job: TrainingJob) -> TrainResult:
    """Describe a training without running it."""
    split = job.counts_in("fit")
    num_items, config = job.shape.num_items, job.config
    n_sample = config.negatives(num_items)
    plan = {
        "name": job.name,
        "model": job.model,
        **({} if job.parent is None else {"from": job.parent["run"]}),
        **job.settings()["config"],
        "n_sample": n_sample,
        "negatives": f"{n_sample:,} sampled per chunk" if n_sample else f"all {num_items:,} items",
        "session_length": _judge_length(mean_session_length(job.dataset)),
        "train_events": split.events,
        "train_sessions": split.sessions,
        "next_items_per_epoch": split.events - split.sessions,
    }
    if config.is_part or job.update is not None:
        plan["next_items_per_epoch"] = load_training_data(job, "fit").sessions.num_targets
    kept = job.shape
    if config.refit:
        kept, refit = job.shape_in("refit"), job.counts_in("refit")
        plan |= {f"refit_{what}": getattr(refit, what) for what in ("events", "sessions", "items")}
    return TrainResult(None, None, count_parameters(kept), [], None, job.dataset.name, plan=plan)


def _judge_length(events: float) -> str:
    return f"{events:.1f}, {'short' if events < SHORT_SESSION_EVENTS else 'long'}"


def describe_run(run: Run, plan: dict[str, Any] | None = None) -> TrainResult:
    """Describe a complete run, from its own folder alone.

    Args:
        run: the run.
        plan: the plan of the training that has just finished; None if the run already existed.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    if run.epochs is None:
        raise run.lacks("epochs")
    if run.best_epoch is None:
        raise run.lacks("best_epoch")
    return TrainResult(
        run=run.name,
        path=str(run.path),
        parameters=run.parameters,
        epochs=run.epochs,
        best_epoch=run.best_epoch,
        dataset=run.dataset.name,
        refit=None if run.refit is None else asdict(run.refit),
        stopped=run.stopped,
        top_lists=run.top_lists,
        already_there=plan is None,
        plan={"name": run.name, **settings_of(run)["config"]} if plan is None else plan,
    )
