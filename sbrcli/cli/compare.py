"""`sbr compare`: all runs in one table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sbrcli.cli.evaluate import DEFAULTS, ExcludeSeen, Split
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.output import Table
from sbrcli.config import EvaluateConfig

if TYPE_CHECKING:
    from sbrcli.evaluation.comparison import ComparedRun, Comparison

DEFAULT_K = max(DEFAULTS.ks)

RunNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="The runs; all unless given.", show_default=False),
]
K = Annotated[int, typer.Option("-k", metavar="K", help="The k of the metrics shown.")]
Sort = Annotated[
    Literal["mrr", "recall", "ndcg", "valid", "seconds", "parameters", "run"],
    typer.Option(
        "--sort",
        metavar="NAME",
        help="Order by mrr, recall, ndcg or valid, the best first, or by seconds, parameters or "
        "run.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `compare` to the application."""
    subcommand(app, example="sbr compare --sort seconds")(compare)


def compare(
    invocation: Invocation,
    *,
    runs: RunNames = None,
    split: Split = DEFAULTS.split,
    k: K = DEFAULT_K,
    exclude_seen: ExcludeSeen = DEFAULTS.exclude_seen,
    sort: Sort = "mrr",
) -> None:
    """Put runs side by side: the options in which they differ, their figures and their cost.

    The figures are those that sbr evaluate has kept. Runs that were not
    evaluated on the same next items, among the same candidates, stand apart,
    with a warning.
    """
    from sbrcli.evaluation.comparison import compare_runs

    config = EvaluateConfig(split=split, ks=(k,), exclude_seen=exclude_seen)
    comparison = compare_runs(invocation.workspace, runs or [], config, sort)
    for warning in comparison.warnings:
        invocation.output.warn(warning)
    invocation.output.show(comparison, _tables)


def _tables(comparison: "Comparison") -> Iterator[Table]:
    has_protocols = len(comparison.protocols) > 1
    columns, rows = _columns(comparison.runs[0], has_protocols), []
    for run in comparison.runs:
        cells = (run.run, *map(_cell, run.config.values()), *run.metrics.values())
        cells = (*cells, run.valid_mrr, run.parameters, run.seconds)
        rows.append((run.protocol, *cells) if has_protocols else cells)
    yield Table(f"Runs on {comparison.split}, by {comparison.sort}", columns, rows)
    if has_protocols:
        names = [name for name in comparison.protocols[0] if name != "fingerprint"]
        told = [[task[name] for name in names] for task in comparison.protocols]
        yield Table("Protocols", names, told)


def _columns(run: "ComparedRun", has_protocols: bool) -> list[str]:
    names = [name.replace("_", "-") for name in run.config]
    columns = ["run", *names, *run.metrics, "valid", "parameters", "seconds"]
    return ["protocol", *columns] if has_protocols else columns


def _cell(value: object) -> object:
    """Write an option's value as one types it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "auto" if value is None else value
