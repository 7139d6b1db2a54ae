"""`sbr compare`: all runs in one table."""

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sbrcli.cli import output
from sbrcli.cli.evaluate import DEFAULTS, ExcludeSeen
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.tables import Table, Unit, for_person
from sbrcli.config import EvaluateConfig

if TYPE_CHECKING:
    from sbrcli.evaluation.comparison import Comparison

DEFAULT_K = max(DEFAULTS.ks)
_BEST_FIRST = ("mrr", "recall", "ndcg", "valid")
_UNITS = {"seconds": Unit.SECONDS}

RunNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="The runs; all unless given.", show_default=False),
]
Split = Annotated[
    Literal["test", "valid"],
    typer.Option("--split", help="The split whose figures are shown."),
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
    if output.is_terminal(sys.stdout):
        yield from _figures_for_person(comparison)
    else:
        yield _all_in_one(comparison)
    if len(comparison.protocols) > 1:
        yield _protocols(comparison)


def _protocols(comparison: "Comparison") -> Table:
    """Give a column to each part of the protocols, or to a person, whose screen is narrow, one."""
    if output.is_terminal(sys.stdout):
        left_out = ("protocol", "fingerprint")
        rows = [
            (task["protocol"], _in_words({k: v for k, v in task.items() if k not in left_out}))
            for task in comparison.protocols
        ]
        return Table("Protocols", ("protocol", "what it is"), rows, whole=("protocol",))
    names = [name for name in comparison.protocols[0] if name != "fingerprint"]
    told = [[task[name] for name in names] for task in comparison.protocols]
    return Table("Protocols", names, told)


def _all_in_one(comparison: "Comparison") -> Table:
    has_protocols = len(comparison.protocols) > 1
    first, rows = comparison.runs[0], []
    names = [name.replace("_", "-") for name in first.config]
    columns = ["run", *names, *first.metrics, "valid", "parameters", "seconds"]
    for run in comparison.runs:
        cells = (run.run, *map(_cell, run.config.values()), *run.metrics.values())
        cells = (*cells, run.valid_mrr, run.parameters, run.seconds)
        rows.append((run.protocol, *cells) if has_protocols else cells)
    title = f"Runs on {comparison.split}, by {comparison.sort}"
    columns = ["protocol", *columns] if has_protocols else columns
    return Table(title, columns, rows, units=_UNITS)


def _figures_for_person(comparison: "Comparison") -> Iterator[Table]:
    """Give what fits into 80 columns: figures by protocol, and apart from them the options."""
    (k,) = {name.partition("@")[2] for name in comparison.runs[0].metrics}
    names = [name.partition("@")[0] for name in comparison.runs[0].metrics]
    columns = ("run", *names, "valid", "seconds", "parameters")
    title = f"on {comparison.split}, by {comparison.sort}; figures at k = {k}"
    for protocol, group in groupby(comparison.runs, key=lambda run: run.protocol):
        runs = list(group)
        rows = [
            (run.run, *run.metrics.values(), run.valid_mrr, run.seconds, run.parameters)
            for run in runs
        ]
        # The best stands first; what ascends, as seconds do, has no best.
        has_best = protocol is not None and len(runs) > 1 and comparison.sort in _BEST_FIRST
        if protocol is None:
            heading = f"Not evaluated so far on {comparison.split}"
        elif len(comparison.protocols) > 1:
            heading = f"Protocol {protocol}: runs {title}"
        else:
            heading = f"Runs {title}"
        bold = (0,) if has_best else ()
        yield Table(heading, columns, rows, whole=("run",), units=_UNITS, bold=bold)
    if comparison.runs[0].config:
        differing = [(run.run, _in_words(run.config)) for run in comparison.runs]
        yield Table("Their options", ("run", "differs in"), differing, whole=("run",))


def _in_words(config: Mapping[str, object]) -> str:
    """Write options for a person, as in "hsz 50, layers 2"."""
    words = (f"{name.replace('_', '-')} {_word(value)}" for name, value in config.items())
    return ", ".join(words)


def _word(value: object) -> object:
    return for_person(value) if isinstance(value, bool) else _cell(value)


def _cell(value: object) -> object:
    """Write an option's value as one types it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "auto" if value is None else value
