"""`sbr report`: write a run as one self-contained HTML file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.options import Invocation, RunArgument, RunName, one_name, subcommand
from sbrcli.cli.tables import Table, size_in_words

if TYPE_CHECKING:
    from sbrcli.report.report import Report

DEFAULT_OUT = Path("report.html")

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="File to write; an existing file is replaced."),
]


def register(app: typer.Typer) -> None:
    """Add `report` to the application."""
    subcommand(app, example="sbr report --out report.html")(report)


def report(
    invocation: Invocation,
    *,
    named: RunArgument = None,
    run: RunName = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Write one HTML file about a run: its metrics, training and data, and twenty examples.

    It can be read offline and on a phone, and sent to anyone. The leaderboard and the slices are
    included if sbr evaluate --baselines all --slices has stored them. Without matplotlib the page
    has no plots.
    """
    from sbrcli.report.report import report_run

    name = one_name(named, run, "--run")
    written = report_run(invocation.workspace, name, out, invocation.output)
    invocation.output.show(written, _tables)
    if not written.has_plots:
        invocation.output.note(
            "it has no plots: pip install matplotlib, or pip install '.[report]' in the folder of "
            "sbr, then write it again"
        )
    if written.missing:
        invocation.output.note(
            f"not included, as not computed yet: {', '.join(written.missing)}; "
            f"sbr evaluate --run {written.run} --baselines all --slices makes it"
        )
    invocation.output.note(
        f"wrote {written.report}, {size_in_words(written.bytes)}; a browser shows it"
    )


def _tables(written: "Report") -> list[Table]:
    """Return the table for a pipe; on a terminal, the note is enough."""
    if output.is_terminal(sys.stdout):
        return []
    return [
        Table("Report", ("report", "run", "bytes"), [(written.report, written.run, written.bytes)])
    ]
