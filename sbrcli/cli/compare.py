"""`sbr compare`: compare runs in one table."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.completion import complete_runs
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.table_formats import write_tables
from sbrcli.cli.tables import Table, Unit, for_person
from sbrcli.config.evaluation import CompareConfig
from sbrcli.errors import UsageError
from sbrcli.evaluation.rank_metrics.registry import LEADING, METRICS

if TYPE_CHECKING:
    from sbrcli.evaluation.paired import RunDifference
    from sbrcli.evaluation.seeds import Spread
    from sbrcli.workflow.compare import Comparison

SORTS = ("valid", "test", *METRICS, "seconds", "parameters", "run")
*_FIRST, _LAST = METRICS
_BEST_FIRST = (*METRICS, "valid")
_UNITS = {"seconds": Unit.SECONDS}

RunNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...",
        help="Names of the runs. \\[default: all]",
        show_default=False,
        autocompletion=complete_runs,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `compare` to the application."""
    sorts = {"names": f"{', '.join(_FIRST)} or {_LAST}", "choices": SORTS}
    has_options = takes_options("config", CompareConfig, completed={"sort": sorts})
    subcommand(app, example="sbr compare --sort seconds")(has_options(compare))


def compare(
    invocation: Invocation,
    *,
    runs: RunNames = None,
    config: CompareConfig,
) -> None:
    """Compare runs: the options in which they differ, their metrics and their cost.

    The metrics are those that sbr evaluate has stored. Runs that were not evaluated on the same
    targets, among the same candidates, are shown separately, with a warning. Each run is compared
    with the first one on the same targets, and runs that differ only in their seed are summarised.
    """
    from sbrcli.workflow.compare import compare_runs

    if config.table_format is not None and invocation.output.as_json:
        raise UsageError("--format cannot be combined with --json", hint="omit one of them")
    order = LEADING if config.sort == "test" else config.sort
    comparison = compare_runs(invocation.workspace, runs or [], config.evaluation, order)
    for warning in comparison.warnings:
        invocation.output.warn(warning)
    if config.table_format is None:
        invocation.output.show(comparison, _tables)
    else:
        invocation.output.write_line(write_tables(_exact_tables(comparison), config.table_format))


def _tables(comparison: "Comparison") -> Iterator[Table]:
    if not output.is_terminal(sys.stdout):
        yield from _exact_tables(comparison)
        return
    yield from _figures_for_person(comparison)
    if comparison.seeds:
        yield _seeds(comparison)
    for protocol, found in groupby(comparison.differences, key=lambda one: one.protocol):
        yield _differences(comparison, protocol, list(found))
    if len(comparison.protocols) > 1:
        yield _protocols(comparison, for_a_person=True)


def _exact_tables(comparison: "Comparison") -> Iterator[Table]:
    """Yield all columns, for a pipe or a file."""
    yield _all_in_one(comparison)
    if comparison.seeds:
        yield _exact_seeds(comparison)
    if comparison.differences:
        yield _exact_differences(comparison)
    if len(comparison.protocols) > 1:
        yield _protocols(comparison, for_a_person=False)


def _seeds(comparison: "Comparison") -> Table:
    """Show what fits into 80 columns: the metric that runs are ordered by, and the one on valid."""
    metric = next(name for name in comparison.runs[0].metrics if name.startswith("mrr@"))
    rows = [
        (
            ", ".join(group.runs),
            group.n,
            *_spread(group.metrics.get(metric)),
            *_spread(group.valid_mrr),
        )
        for group in comparison.seeds
    ]
    title = f"Seeds of one configuration: mean and deviation on {comparison.split} and valid"
    return Table(title, ("runs", "n", metric, "sd", "valid", "its sd"), rows)


def _exact_seeds(comparison: "Comparison") -> Table:
    names = list(comparison.runs[0].metrics)
    rows = [
        (
            group.protocol,
            ",".join(group.runs),
            group.n,
            *(cell for name in names for cell in _spread(group.metrics.get(name))),
            *_spread(group.valid_mrr),
        )
        for group in comparison.seeds
    ]
    spreads = [f"{name} {what}" for name in (*names, "valid") for what in ("mean", "sd")]
    return Table("Seeds of one configuration", ("protocol", "runs", "n", *spreads), rows)


def _spread(found: "Spread | None") -> tuple[float | None, float | None]:
    return (None, None) if found is None else (found.mean, found.sd)


def _differences(
    comparison: "Comparison", protocol: int, found: "Sequence[RunDifference]"
) -> Table:
    """Show the difference of each run to the first of its protocol, as a share of its metric."""
    against = found[0].difference
    rows = []
    for one in found:
        low, high = one.difference.interval or (None, None)
        cells = (one.difference.share, low, high, one.difference.p_value, one.finding)
        rows.append((one.run, *cells))
    title = f"Difference to {against.model}, as a share of its {against.metric}"
    if len(comparison.protocols) > 1:
        title = f"Protocol {protocol}: {title[0].lower()}{title[1:]}"
    columns = ("run", "to it", "low", "high", "p", "which is")
    units = {"to it": Unit.SHARE, "low": Unit.SHARE, "high": Unit.SHARE}
    return Table(title, columns, rows, whole=("run",), units=units)


def _exact_differences(comparison: "Comparison") -> Table:
    rows = []
    for one in comparison.differences:
        found = one.difference
        shares = (found.share, *(found.interval or (None, None)))
        absolutes = (found.absolute, *found.absolute_interval)
        named = (one.protocol, one.run, found.model, found.metric)
        rows.append((*named, *shares, *absolutes, found.p_value, one.finding))
    columns = ("protocol", "run", "other", "metric", "share", "low", "high")
    columns += ("absolute", "absolute low", "absolute high", "p", "finding")
    return Table("Paired differences", columns, rows)


def _protocols(comparison: "Comparison", *, for_a_person: bool) -> Table:
    """Return one column per part of the protocols; on a terminal, one column for all parts."""
    if for_a_person:
        left_out = ("protocol", "fingerprint")
        rows = [
            (task["protocol"], _in_words({k: v for k, v in task.items() if k not in left_out}))
            for task in comparison.protocols
        ]
        return Table("Protocols", ("protocol", "what it is"), rows, whole=("protocol",))
    names = [name for name in comparison.protocols[0] if name != "fingerprint"]
    rows = [[task[name] for name in names] for task in comparison.protocols]
    return Table("Protocols", names, rows)


def _all_in_one(comparison: "Comparison") -> Table:
    has_protocols = len(comparison.protocols) > 1
    first, rows = comparison.runs[0], []
    names = [name.replace("_", "-") for name in first.config]
    columns = ["run", *names, *first.metrics, "valid", "parameters", "seconds"]
    for run in comparison.runs:
        cells = (run.run, *(_cell(*option) for option in run.config.items()))
        cells = (*cells, *run.metrics.values(), run.valid_mrr, run.parameters, run.seconds)
        rows.append((run.protocol, *cells) if has_protocols else cells)
    title = f"Runs on {comparison.split}, by {comparison.sort}"
    columns = ["protocol", *columns] if has_protocols else columns
    return Table(title, columns, rows, units=_UNITS)


def _figures_for_person(comparison: "Comparison") -> Iterator[Table]:
    """Yield what fits into 80 columns: the metrics by protocol, and the options separately."""
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
        # The best run is first; an ascending order, such as seconds, has no best run.
        has_best = protocol is not None and len(runs) > 1 and comparison.sort in _BEST_FIRST
        if protocol is None:
            heading = f"Not yet evaluated on {comparison.split}"
        elif len(comparison.protocols) > 1:
            heading = f"Protocol {protocol}: runs {title}"
        else:
            heading = f"Runs {title}"
        bold = (0,) if has_best else ()
        yield Table(heading, columns, rows, whole=("run",), units=_UNITS, bold=bold)
    if comparison.runs[0].config:
        differing = [(run.run, _in_words(run.config)) for run in comparison.runs]
        yield Table("Options that differ", ("run", "differs in"), differing, whole=("run",))


def _in_words(config: Mapping[str, object]) -> str:
    """Write options for a person, as in "hsz 50, layers 2"."""
    words = (f"{name.replace('_', '-')} {_word(name, value)}" for name, value in config.items())
    return ", ".join(words)


def _word(name: str, value: object) -> object:
    return for_person(value) if isinstance(value, bool) else _cell(name, value)


def _cell(name: str, value: object) -> object:
    """Write an option's value as typed; a run without --from was trained from scratch."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if value is None:
        return "scratch" if name == "from" else "auto"
    return value
