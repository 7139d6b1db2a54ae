"""`sbr train`: train a network on a dataset."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli import train_options as options
from sbrcli.cli.baseline_options import (
    check_model_options,
    require_no_network_options,
    takes_baseline_options,
)
from sbrcli.cli.option_groups import takes_family_options, takes_options
from sbrcli.cli.options import (
    DatasetArgument,
    DatasetName,
    Invocation,
    one_name,
    subcommand,
    workdir_words,
)
from sbrcli.cli.tables import Table, Unit, size_in_words
from sbrcli.cli.training_progress import TrainingProgress, write_duration
from sbrcli.config.training import DEFAULT_CHECKPOINT, CheckpointConfig, FitConfig
from sbrcli.errors import InterruptionError, UsageError
from sbrcli.evaluation.rank_metrics.registry import monitored_metrics, require_monitored
from sbrcli.models.configuration import configure_training, family_with
from sbrcli.models.registry import DEFAULT_FAMILY, FAMILIES, find_family, is_baseline

if TYPE_CHECKING:
    from sbrcli.workflow.train_baseline import BaselineJob
    from sbrcli.workflow.train_result import TrainResult
    from sbrcli.workflow.training_job import TrainingJob

_UNITS = {"seconds": Unit.SECONDS, "events_per_second": Unit.RATE}


def register(app: typer.Typer) -> None:
    """Add `train` to the application."""
    has_options = takes_training_options("explicit")
    has_checkpoint = takes_options("checkpoint", CheckpointConfig)
    has_baselines = takes_baseline_options("baselines", panel="Baselines (--model NAME)")
    subcommand(app, example="sbr train --layers 2 --hsz 50")(
        has_options(has_baselines(has_checkpoint(train)))
    )


def takes_training_options(parameter: str) -> Callable[[Callable], Callable]:
    """Replace a parameter by the options of all families; see `takes_family_options`."""
    families = {name: find_family(name).options for name in FAMILIES}
    monitored = {"names": "", "choices": monitored_metrics()}
    return takes_family_options(parameter, families, FitConfig, {"monitor": monitored})


def train(
    invocation: Invocation,
    *,
    named: DatasetArgument = None,
    dataset: DatasetName = None,
    model: options.Model = None,
    explicit: dict[str, Any],
    baselines: dict[str, str],
    preset: options.Preset = None,
    name: options.Name = None,
    overwrite: options.Overwrite = False,
    from_run: options.From = None,
    resume: options.Resume = False,
    finish: options.Finish = None,
    checkpoint: CheckpointConfig,
    dry_run: options.DryRun = False,
    measure: options.Measure = False,
) -> None:
    """Train a network on a dataset, validate after each epoch, and keep the best epoch.

    With --model and a baseline, fit that in one pass. A complete run can be evaluated and can
    recommend. Some defaults differ for short sessions, fewer than 20 events on average; --dry-run
    prints the values that would be used.
    """
    from sbrcli.workflow.training_job import make_job

    if measure and not dry_run:
        raise UsageError("--measure goes with --dry-run", hint="sbr train --dry-run --measure")
    dataset = one_name(named, dataset, "--dataset")
    check_model_options(model, baselines)
    if model is not None and is_baseline(model):
        flags = {"preset": preset, "from": from_run, "resume": resume, "finish": finish}
        flags |= {"dry-run": dry_run, "checkpoint-minutes": checkpoint != DEFAULT_CHECKPOINT}
        require_no_network_options(model, explicit | flags)
        texts = (dataset, model, baselines.get(model, ""), name)
        _fit_baseline(invocation, texts, overwrite=overwrite)
        return
    if finish is not None:
        flags = [resume or None, dry_run or None, checkpoint != DEFAULT_CHECKPOINT or None]
        others = [*explicit.values(), model, preset, dataset, name, from_run, *flags]
        _finish(invocation, finish, others, overwrite=overwrite)
        return
    family = model or (DEFAULT_FAMILY if from_run is None else family_with(_given(explicit)))
    config = configure_training(explicit, preset, model=family)
    require_monitored(config.monitor)
    if resume:
        _check_alone([*explicit.values(), model, preset, dataset, from_run], overwrite=overwrite)
        job = _job_to_resume(invocation, name)
        if job is None:
            return
    elif from_run is not None:
        job = _make_job_from(invocation.workspace, from_run, explicit, preset, dataset, name, model)
    else:
        for_short = configure_training(explicit, preset, short_sessions=True, model=family)
        job = make_job(invocation.workspace, dataset, config, name, for_short, family)
    if dry_run:
        _show_plan(invocation, job, measure=measure)
    else:
        how: dict[str, Any] = {"overwrite": overwrite, "resume": resume, "checkpoint": checkpoint}
        invocation.output.show(train_job(invocation, job, **how), _epoch_tables)


def _job_to_resume(invocation: Invocation, name: str | None) -> "TrainingJob | None":
    """Return the job of the run to resume; show the run and return None if it is complete."""
    from sbrcli.workflow.train_result import describe_run
    from sbrcli.workflow.training_job import find_resumable_run, job_of_run

    run = find_resumable_run(invocation.workspace, name)
    if not run.is_complete:
        return job_of_run(invocation.workspace, run)
    invocation.output.note(f"run {run.name} is complete already")
    invocation.output.show(describe_run(run), _epoch_tables)
    return None


def _show_plan(invocation: Invocation, job: "TrainingJob", *, measure: bool) -> None:
    """Show what would be trained, and what it takes."""
    from sbrcli.workflow.train_result import plan_training
    from sbrcli.workflow.training_estimate import estimate_training

    estimate = estimate_training(invocation.workspace, job, measure=measure)
    plan = replace(plan_training(job), estimate=asdict(estimate))
    invocation.output.show(plan, _plan_tables)


def _given(explicit: dict[str, Any]) -> list[str]:
    return [name for name, value in explicit.items() if value is not None]


def _fit_baseline(
    invocation: Invocation, job_words: tuple[str | None, str, str, str | None], *, overwrite: bool
) -> None:
    """Fit a baseline and show the result; `job_words` are those of `make_baseline_job`."""
    from sbrcli.workflow.train_baseline import make_baseline_job

    job = make_baseline_job(invocation.workspace, *job_words)
    invocation.output.show(fit_job(invocation, job, overwrite=overwrite), _epoch_tables)


def fit_job(
    invocation: Invocation, job: "BaselineJob", *, overwrite: bool = False
) -> "TrainResult":
    """Fit a baseline as a run and show the progress."""
    from sbrcli.evaluation.validation import validate
    from sbrcli.workflow.train_baseline import train_baseline

    out = invocation.output
    out.note(f"run {job.name} on dataset {job.dataset.name}")
    result = train_baseline(invocation.workspace, job, validate, out, overwrite=overwrite)
    if result.already_there:
        out.note(f"run {result.run} already exists, trained with the same options")
    return result


def train_job(invocation: Invocation, job: "TrainingJob", **how: Any) -> "TrainResult":
    """Train and show the progress; `how` are the options of `training.train`."""
    from sbrcli.evaluation.validation import validate
    from sbrcli.workflow.train import train

    header = f"run {job.name} on dataset {job.dataset.name}"
    workspace, output = invocation.workspace, invocation.output
    try:
        with TrainingProgress(output, header) as progress:
            result = train(workspace, job, validate, progress.show, **how)
    except KeyboardInterrupt as error:
        if not workspace.path_of("run", job.name).is_dir():
            raise
        words = ["sbr", "train", "--resume", "--name", job.name, *workdir_words(workspace.root)]
        raise InterruptionError("interrupted", f"{shlex.join(words)} continues it") from error
    if result.already_there:
        output.note(f"run {result.run} already exists, trained with the same options")
    return result


def _make_job_from(
    workspace: Workspace,
    parent: str,
    explicit: dict[str, Any],
    preset: str | None,
    *names: str | None,
) -> "TrainingJob":
    """Prepare a training run that starts from the weights of another run."""
    from sbrcli.workflow.parent import make_job_from

    if preset is not None:
        raise UsageError(
            "--from takes the options of the run that it starts from, and no preset",
            hint="leave --preset out, and pass the options to change",
        )
    return make_job_from(workspace, parent, explicit, *names)


def _finish(invocation: Invocation, name: str, others: list[Any], *, overwrite: bool) -> None:
    """Complete an interrupted run with its best epoch."""
    from sbrcli.workflow.finish import finish

    if overwrite or any(option is not None for option in others):
        raise UsageError(
            "--finish takes an interrupted run as it is, and no other option",
            hint=f"sbr train --finish {name}",
        )
    result = finish(invocation.workspace, name)
    if result.already_there:
        invocation.output.note(f"run {name} is complete already")
    else:
        invocation.output.note(
            f"run {name} is complete with the weights of epoch {result.best_epoch}"
        )
    invocation.output.show(result, _epoch_tables)


def _check_alone(options: list[Any], *, overwrite: bool) -> None:
    if overwrite or any(option is not None for option in options):
        raise UsageError(
            "--resume takes the interrupted run's own options and no others but --name and "
            "--checkpoint-minutes",
            hint="leave the other options out, or train under another --name",
        )


def _plan_tables(training: "TrainResult") -> Iterator[Table]:
    rows = [["dataset", training.dataset], ["parameters", training.parameters]]
    rows += [[name.replace("_", " "), plain_option(value)] for name, value in training.plan.items()]
    yield Table("What would be trained", ("option", "value"), rows)
    if training.estimate is not None:
        yield Table("What it takes", ("resource", "value"), list(_costs(training)))


def _costs(training: "TrainResult") -> Iterator[list[str]]:
    """Write the estimate of a training, one row for each resource."""
    taken = training.estimate or {}
    for resource, limit, words in (("memory", "limit", " of {}"), ("disk", "free", "; {} free")):
        about, most = taken[f"{resource}_bytes"], taken[f"{resource}_{limit}_bytes"]
        room = "" if most is None else words.format(size_in_words(most))
        yield [resource, f"about {size_in_words(about)}{room}"]
    if taken["seconds"] is None:
        yield ["time", "not measured; --measure times a few steps"]
        return
    durations = (taken["epoch_seconds"], taken["validation_seconds"])
    epoch, validation = (write_duration(seconds) for seconds in durations)
    yield ["time", f"about {write_duration(taken['seconds'])}"]
    yield ["time of an epoch", f"{epoch}, and {validation} to validate it"]


def _epoch_tables(training: "TrainResult") -> Iterator[Table]:
    figures = ("epoch", "loss", "recall@20", "mrr@20", "seconds", "events_per_second")
    rows = []
    best = [at for at, e in enumerate(training.epochs) if e["epoch"] == training.best_epoch]
    for epoch in training.epochs:
        is_best = epoch["epoch"] == training.best_epoch
        rows.append([*(epoch.get(name) for name in figures), "*" if is_best else ""])
    title = f"Run {training.run}: {training.parameters:,} parameters, on dataset {training.dataset}"
    yield Table(title, (*figures, "best"), rows, units=_UNITS, bold=best)
    if training.refit:
        measured = ("epoch", "loss", "seconds", "events_per_second")
        rows = [[epoch.get(name) for name in measured] for epoch in training.refit["epochs"]]
        title = "Refit on train and valid, whose weights are kept"
        yield Table(title, measured, rows, units=_UNITS)


def plain_option(value: Any) -> Any:
    """Write an option as typed: 0.00001 in full, sizes separated by commas."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, float) else value
