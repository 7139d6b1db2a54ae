"""`sbr tune`: search for the options that are best on a dataset."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbrcli.cli import train_options
from sbrcli.cli.baseline_options import (
    check_model_options,
    require_no_network_options,
    takes_baseline_options,
)
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import (
    DatasetArgument,
    DatasetName,
    Invocation,
    one_name,
    subcommand,
    workdir_words,
)
from sbrcli.cli.train import show_training, takes_training_options
from sbrcli.cli.tuning_progress import TuningProgress
from sbrcli.cli.tuning_tables import plan_tables, result_tables
from sbrcli.config.tuning import PANEL, TuneConfig
from sbrcli.errors import InterruptionError, UsageError
from sbrcli.models.registry import is_baseline

if TYPE_CHECKING:
    from sbrcli.workflow.tuning.events import OnTuneEvent
    from sbrcli.workflow.tuning.result import TuneResult

_OF_BASELINES = ("monitor", "seed")
"""Options of sbr train that also a study of a baseline takes."""

Search = Annotated[
    list[str] | None,
    typer.Option(
        "--search",
        metavar="OPTION=VALUES",
        help="Option to search, and its values: hsz=50:300, learning-rate=0.01:0.3:log, "
        "loss=bpr-max,top1-max. Without values: the option's own range; all: every option that "
        "has one. \\[default: all]",
        rich_help_panel=PANEL,
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="OPTION=A,B,…",
        help="Train a run for every combination of the values of these options, instead of a "
        "search: layers=1,2, also session=user,gap:3600.",
        rich_help_panel=PANEL,
    ),
]
Log = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="LOG",
        help="With --grid session=…: the log, to prepare the datasets that are missing.",
        rich_help_panel=PANEL,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the study. \\[default: from the dataset and what is searched]",
        rich_help_panel=PANEL,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace an existing study of the same name.", rich_help_panel=PANEL
    ),
]
Train = Annotated[
    bool,
    typer.Option(
        "--train",
        help="Then train the best trial as a run; --refit as in sbr train.",
        rich_help_panel=PANEL,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print what would be searched and the estimated time, without training.",
        rich_help_panel=PANEL,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `tune` to the application."""
    has_search = takes_options("config", TuneConfig, explicit=False)
    has_options = takes_training_options("explicit")
    example = "sbr tune --trials 30 --search hsz=50:300 --search dropout=0:0.5"
    has_baselines = takes_baseline_options("baselines", panel="Baselines (--model NAME)")
    subcommand(app, example=example)(has_search(has_options(has_baselines(tune))))


def tune(
    invocation: Invocation,
    *,
    named: DatasetArgument = None,
    dataset: DatasetName = None,
    config: TuneConfig,
    search: Search = None,
    grid: Grid = None,
    log: Log = None,
    name: Name = None,
    overwrite: Overwrite = False,
    train: Train = False,
    dry_run: DryRun = False,
    measure: train_options.Measure = False,
    model: train_options.Model = None,
    preset: train_options.Preset = None,
    explicit: dict[str, Any],
    baselines: dict[str, str],
) -> None:
    """Search for the options of sbr train that are best on the valid split of a dataset.

    The first trial has the defaults. Options given with a value are fixed. Bad trials are pruned
    early. The study is stored in the work directory: the same command continues it, and several
    processes can share it. With --model and a baseline, its options are searched. The test split
    is never read. Needs Optuna, the package's extra tune.
    """
    from sbrcli.workflow.tune_request import Tuning, tune_as_requested
    from sbrcli.workflow.tuning.request import TuneRequest

    if measure and not dry_run:
        raise UsageError("--measure goes with --dry-run", hint="sbr tune --dry-run --measure")
    _check_model(model, explicit, baselines, preset)
    _check_words(grid, search, log, name, config, overwrite=overwrite)
    request = TuneRequest(
        dataset=one_name(named, dataset, "--dataset"),
        explicit=explicit,
        searches=tuple(search or ()),
        config=config,
        baselines=baselines,
        preset=preset,
        model=model,
        name=name,
        overwrite=overwrite,
        measure=measure,
    )
    tuning = Tuning(
        request=request, grid=tuple(grid or ()), log=log, is_dry_run=dry_run, trains_best=train
    )
    result = tune_as_requested(
        invocation.workspace,
        tuning,
        invocation.output,
        lambda: _searching(invocation),
        lambda run: show_training(invocation, run),
    )
    if dry_run:
        invocation.output.show(result, plan_tables)
    else:
        _show(invocation, result)


def _check_model(
    model: str | None, explicit: dict[str, Any], baselines: dict[str, str], preset: str | None
) -> None:
    """Check that the options are those of the model."""
    check_model_options(model, baselines, "tune")
    if model is not None and is_baseline(model):
        others = {name: value for name, value in explicit.items() if name not in _OF_BASELINES}
        require_no_network_options(model, others | {"preset": preset})


def _check_words(
    grid: list[str] | None,
    search: list[str] | None,
    log: Path | None,
    name: str | None,
    config: TuneConfig,
    *,
    overwrite: bool,
) -> None:
    if grid:
        others = {"--search": search, "--name": name, "--overwrite": overwrite or None}
        others["--trials"] = None if config.trials == TuneConfig().trials else config.trials
        clash = [flag for flag, value in others.items() if value is not None]
        if clash:
            raise UsageError(
                f"--grid trains all combinations, and takes no {clash[0]}", hint=f"omit {clash[0]}"
            )
    elif log is not None:
        raise UsageError("--log goes with --grid session=…", hint="omit it")


@contextmanager
def _searching(invocation: Invocation) -> Iterator["OnTuneEvent"]:
    """Show the trials while the body runs, and say how to continue after an interruption."""
    try:
        with TuningProgress(invocation.output) as progress:
            yield progress.show
    except KeyboardInterrupt as error:
        hint = "the trials are kept, and the same command continues"
        raise InterruptionError("interrupted", hint) from error


def _show(invocation: Invocation, result: "TuneResult") -> None:
    """Show the result, and say what to do next."""
    where = workdir_words(invocation.workspace.root)
    if result.command is not None and where:
        result = replace(result, command=f"{result.command} {shlex.join(where)}")
    reporter = invocation.output
    reporter.show(result, result_tables)
    runs = [trial.run for trial in result.trials if trial.run is not None]
    if runs:
        reporter.note(f"{shlex.join(['sbr', 'compare', *runs, *where])} shows the runs")
    if result.run is not None:
        evaluation = shlex.join(["sbr", "evaluate", *where])
        reporter.note(f"trained run {result.run}; {evaluation} is next")
    elif result.command is not None:
        reporter.note(f"this trains the best trial as a run:\n  {result.command}")
