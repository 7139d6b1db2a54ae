"""`sbr train`: train a network on a dataset."""

import shlex
from collections.abc import Callable, Iterator
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
from sbrcli.config.workers import ALONE, WorkersConfig, read_cluster
from sbrcli.errors import ArtefactError, InterruptionError, UsageError
from sbrcli.evaluation.rank_metrics.registry import monitored_metrics
from sbrcli.models.registry import FAMILIES, find_family, is_baseline
from sbrcli.models.training.events import OnEvent, TrainingEvent, TrainingPlanned

if TYPE_CHECKING:
    from sbrcli.workflow.train_result import TrainResult

_UNITS = {"seconds": Unit.SECONDS, "events_per_second": Unit.RATE}


def register(app: typer.Typer) -> None:
    """Add `train` to the application."""
    has_options = takes_training_options("explicit")
    has_checkpoint = takes_options("checkpoint", CheckpointConfig)
    has_workers = takes_options("workers", WorkersConfig)
    has_baselines = takes_baseline_options("baselines", panel="Baselines (--model NAME)")
    subcommand(app, example="sbr train --layers 2 --hsz 50")(
        has_options(has_baselines(has_checkpoint(has_workers(train))))
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
    workers: WorkersConfig,
    dry_run: options.DryRun = False,
    measure: options.Measure = False,
) -> None:
    """Train a network on a dataset, validate after each epoch, and keep the best epoch.

    With --model and a baseline, fit that in one pass. A complete run can be evaluated and can
    recommend. Some defaults differ for short sessions, fewer than 20 events on average; --dry-run
    prints the values that would be used. --workers N divides the training among N processes; under
    TF_CONFIG (Kubeflow, Vertex AI, SageMaker) this process is one of the workers named there.
    """
    from sbrcli.workflow.train_request import TrainRequest, train_as_requested

    if measure and not dry_run:
        raise UsageError("--measure goes with --dry-run", hint="sbr train --dry-run --measure")
    dataset = one_name(named, dataset, "--dataset")
    check_model_options(model, baselines)
    if model is not None and is_baseline(model):
        flags = {"preset": preset, "from": from_run, "resume": resume, "finish": finish}
        flags |= {"dry-run": dry_run, "checkpoint-minutes": checkpoint != DEFAULT_CHECKPOINT}
        flags |= {"workers": workers != ALONE}
        require_no_network_options(model, explicit | flags)
    request = TrainRequest(
        dataset=dataset,
        model=model,
        explicit=explicit,
        baselines=baselines,
        preset=preset,
        name=name,
        overwrite=overwrite,
        from_run=from_run,
        resume=resume,
        finish=finish,
        checkpoint=checkpoint,
        workers=workers,
        dry_run=dry_run,
        measure=measure,
    )

    def train_it(on_event: OnEvent) -> "TrainResult":
        return train_as_requested(invocation.workspace, request, on_event)

    result = show_training(invocation, train_it, workers)
    invocation.output.show(result, _plan_tables if dry_run else _epoch_tables)


def show_training(
    invocation: Invocation,
    train: "Callable[[OnEvent], TrainResult]",
    workers: WorkersConfig = ALONE,
) -> "TrainResult":
    """Call what trains a run, show its progress, and say how to continue after an interruption."""
    workspace, run = invocation.workspace, None

    def show(event: TrainingEvent) -> None:
        nonlocal run
        if isinstance(event, TrainingPlanned):
            run = event.run
        progress.show(event)

    try:
        with TrainingProgress(invocation.output) as progress:
            return train(show)
    except KeyboardInterrupt as error:
        if run is None:
            raise
        raise InterruptionError("interrupted", _how_to_go_on(workspace, run, workers)) from error


def _how_to_go_on(workspace: Workspace, run: str, workers: WorkersConfig) -> str:
    """Return what is left of a run whose training was interrupted, and the next command."""
    if read_cluster() is not None:  # the checkpoint is the chief's
        return "start all workers again; training continues from the last checkpoint, if any"
    again = "run the same command again"
    if not workspace.path_of("run", run).is_dir():
        return f"it had no checkpoint yet, and nothing is left of run {run}: {again}"
    if not _is_in_training(workspace, run):  # it is the one that was to be replaced
        return f"it had no checkpoint yet, and run {run} is as it was before: {again}"
    words = ["sbr", "train", "--resume", "--name", run, *workdir_words(workspace.root)]
    words += [] if workers == ALONE else ["--workers", str(workers.workers)]
    return f"{shlex.join(words)} continues it"


def _is_in_training(workspace: Workspace, run: str) -> bool:
    try:
        found = workspace.find("run", run)
    except ArtefactError:
        return False
    return found is not None and not found.is_complete


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
    if training.run is None:  # another process writes it
        return
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
