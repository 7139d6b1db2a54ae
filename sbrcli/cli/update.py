"""`sbr update`: train a run on with newer events."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.completion import complete_runs
from sbrcli.cli.option_groups import takes_options, takes_read_options
from sbrcli.cli.options import Invocation, Logs, RunName, subcommand, workdir_words
from sbrcli.cli.tables import Table, Unit
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.config.reading import ReadConfig
from sbrcli.config.training import CheckpointConfig
from sbrcli.config.update import UpdateConfig
from sbrcli.errors import InterruptionError

if TYPE_CHECKING:
    from sbrcli.workflow.update import UpdateResult

Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the new run and of its dataset. \\[default: the run's, with the time of the "
        "last event]",
        autocompletion=complete_runs,
    ),
]
Titles = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File of titles of the new items.")
]

_UNITS = {"seconds": Unit.SECONDS, "events_per_second": Unit.RATE}


def register(app: typer.Typer) -> None:
    """Add `update` to the application."""
    has_options = takes_options("config", UpdateConfig)
    has_checkpoint = takes_options("checkpoint", CheckpointConfig)
    subcommand(app, example="sbr update clicks.csv --replay 1")(
        has_options(has_checkpoint(takes_read_options(update)))
    )


def update(
    invocation: Invocation,
    log: Logs,
    *,
    run: RunName = None,
    name: Name = None,
    config: UpdateConfig,
    titles: Titles = None,
    checkpoint: CheckpointConfig,
    reading: ReadConfig,
) -> None:
    """Make a new run from a trained one and the newer events of LOG; the old run stays.

    Events up to the last one that the run has learned from are skipped, so that a growing log
    can be given whole each night. The log is read and cut into sessions as the run's dataset was.

    The new run's dataset has all sessions in train. The same command again changes nothing, or
    continues an update that was interrupted.
    """
    from sbrcli.evaluation.validation import validate
    from sbrcli.workflow.update import NewEvents
    from sbrcli.workflow.update import update as update_run

    output = invocation.output
    new = NewEvents(logs=log, reading=reading, run=run, name=name, titles=titles)
    try:
        with TrainingProgress(output) as progress:
            result = update_run(
                invocation.workspace, new, config, validate, progress.show, checkpoint=checkpoint
            )
    except KeyboardInterrupt as error:
        words = ["sbr", "update", *map(str, log), *workdir_words(invocation.workspace.root)]
        hint = f"the same command continues it: {shlex.join(words)} …"
        raise InterruptionError("interrupted", hint) from error
    if result.parent is None:
        output.note(
            f"run {result.run} stays as it is: no event of the log that can be learned from is "
            "later than its last one"
        )
    elif result.already_there:
        output.note(f"run {result.run} already exists, updated with the same events and options")
    output.show(result, _tables)


def _tables(result: "UpdateResult") -> Iterator[Table]:
    added = result.added
    rows = [
        ["new events", added.events],
        ["new sessions", added.sessions],
        ["sessions that go on", result.continued],
        ["new items", added.items],
        ["events skipped", result.seen],
        *(
            [f"left out: {reason.replace('_', ' ')}", counts.events]
            for reason, counts in result.left_out.items()
        ),
    ]
    title = f"Run {result.run}" + (f", an update of run {result.parent}" if result.parent else "")
    yield Table(title, ("of the log", "number"), rows)
    if result.parent is not None:
        figures = ("epoch", "loss", "seconds", "events_per_second")
        rows = [[epoch.get(name) for name in figures] for epoch in result.epochs]
        yield Table(f"Trained on dataset {result.dataset}", figures, rows, units=_UNITS)
