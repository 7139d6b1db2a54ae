"""`sbr tune-baselines`: choose the options of the baselines that a run is compared with."""

import shlex
import sys
from typing import TYPE_CHECKING

import typer

from sbrcli.cli import output
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunArgument, RunName, one_name, subcommand
from sbrcli.cli.tables import Table
from sbrcli.config.evaluation import TunedBaselinesConfig

if TYPE_CHECKING:
    from sbrcli.workflow.tune_baselines import TunedBaselines


def register(app: typer.Typer) -> None:
    """Add `tune-baselines` to the application."""
    has_options = takes_options("config", TunedBaselinesConfig)
    subcommand(app, example="sbr tune-baselines")(has_options(tune_baselines))


def tune_baselines(
    invocation: Invocation,
    *,
    named: RunArgument = None,
    run: RunName = None,
    config: TunedBaselinesConfig,
) -> None:
    """Choose the options of the baselines on the valid split.

    The baselines are fitted to train, and their options are chosen one after the other by mrr@20.
    The choice is stored in the run's baselines.json, which sbr evaluate --baselines reads.
    """
    from sbrcli.workflow.tune_baselines import tune_baselines_of

    name = one_name(named, run, "--run")
    tuning = tune_baselines_of(invocation.workspace, name, invocation.output)
    invocation.output.show(tuning, lambda shown: [_table(shown, config.trials)])
    options = [f"\n  --{name} {shlex.quote(text)}" for name, text in tuning.options.items()]
    invocation.output.note(f"sbr evaluate --baselines all now takes:{''.join(options)}")


def _table(tuning: "TunedBaselines", trials: bool) -> Table:
    is_for_person = output.is_terminal(sys.stdout)
    columns = ("baseline", "options", "recall@20", "mrr@20", "best")
    comma = ", " if is_for_person else ","  # so that a narrow terminal can wrap
    rows = [
        (
            trial.baseline,
            trial.options.replace(",", comma),
            trial.metrics["recall@20"],
            trial.metrics["mrr@20"],
            "*" if trial.is_chosen else "",
        )
        for trial in tuning.trials
        if trials or trial.is_chosen or not is_for_person
    ]
    title = f"Baselines on {tuning.split}, by {tuning.metric} of {tuning.events:,} targets"
    bold = [at for at, row in enumerate(rows) if trials and row[-1]]
    return Table(title, columns, rows, whole=("baseline",), bold=bold)
