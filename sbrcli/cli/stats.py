"""`sbr stats`: describe a log or a prepared dataset."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.option_groups import takes_options, takes_read_options
from sbrcli.cli.options import DatasetName, Invocation, TimeZone, subcommand
from sbrcli.cli.tables import Remark, Table, Unit
from sbrcli.config.engine import EngineConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.statistics import StatsConfig
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.log.figures import LogStatistics

LogsOrNone = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="LOG...",
        help="The log of events: a file, a folder of its parts, several of these in their order, "
        "an address such as s3://bucket/log.parquet, or - for standard input. Without it, a "
        "dataset is described.",
    ),
]

_UNITS = {
    "density": Unit.SHARE,
    "session length, median": Unit.MEAN,
    "session length, mean": Unit.MEAN,
    "session length, 99.9th percentile": Unit.MEAN,
    "tie share": Unit.SHARE,
    "repeat share": Unit.SHARE,
    "new item share, last 30 days": Unit.SHARE,
}


def register(app: typer.Typer) -> None:
    """Add `stats` to the application."""
    has_session = takes_options("config", StatsConfig)
    take_engine = takes_options("engine", EngineConfig)
    subcommand(app, example="sbr stats ratings.dat --session gap:3600")(
        has_session(take_engine(takes_read_options(stats)))
    )


def stats(
    invocation: Invocation,
    log: LogsOrNone = None,
    *,
    config: StatsConfig,
    dataset: DatasetName = None,
    engine: EngineConfig,
    tz: TimeZone = "UTC",
    reading: ReadConfig,
) -> None:
    """Count the events, sessions and items of LOG, and report possible problems.

    Without LOG, describe a prepared dataset.
    """
    from sbrcli.log.columns.times import find_zone
    from sbrcli.workflow.describe import describe

    zone = find_zone(tz)
    _check_words(log, config, dataset, engine, reading)
    found = describe(
        invocation.workspace, log, dataset, reading, config.rule, zone, engine, invocation.output
    )
    if found.dataset is not None:
        title = f"Dataset {found.dataset}"
    else:
        names = log or []
        title = "Standard input" if log == [Path("-")] else ", ".join(path.name for path in names)
    invocation.output.show(found.statistics, lambda shown: _tables(shown, title))


def _check_words(
    log: list[Path] | None,
    config: StatsConfig,
    dataset: str | None,
    engine: EngineConfig,
    reading: ReadConfig,
) -> None:
    """Refuse options of a log without one, and a log together with a dataset."""
    if log and dataset is not None:
        raise UsageError("give a LOG or a --dataset, not both", hint="sbr stats --help")
    if not log and reading != ReadConfig():
        raise UsageError(
            "options that say how a log is read require a LOG; a dataset has been read already",
            hint="sbr stats LOG --columns user=NAME,item=NAME,time=NAME",
        )
    if not log and config.rule is not None:
        raise UsageError(
            "--session requires a LOG; a dataset has its sessions already",
            hint="sbr stats LOG --session gap:3600",
        )
    if not log and engine != EngineConfig():
        raise UsageError(
            "--memory, --processes and --engine require a LOG; a dataset is read as a whole",
            hint="sbr stats LOG --memory 4GB",
        )


def _tables(statistics: "LogStatistics", title: str) -> Iterator[Table | Remark]:
    yield Table(title, ("measure", "value"), list(_rows(statistics)), units=_UNITS)
    if statistics.ratings is not None:
        ratings = list(statistics.ratings.items())
        yield Table("Ratings", ("rating", "events"), ratings, whole=("rating",))
    if statistics.event_kinds is not None:
        kinds = [(kind or "(no kind)", count) for kind, count in statistics.event_kinds.items()]
        yield Table("Kinds of events", ("kind", "events"), kinds, whole=("kind",))
    if statistics.warnings and output.is_terminal(sys.stdout):
        yield Remark("Doctor", statistics.warnings, mark="!")
    elif statistics.warnings:
        yield Table("Doctor", ("warning",), [(text,) for text in statistics.warnings])


def _rows(statistics: "LogStatistics") -> Iterator[tuple[str, object]]:
    length = statistics.session_length
    yield "events", statistics.events
    if statistics.bad_rows:
        yield "rows left out", statistics.bad_rows
    yield "users", statistics.users
    yield "items", statistics.items
    yield "sessions", statistics.sessions
    yield "density", statistics.density
    yield "session length, min", length.min
    yield "session length, median", length.median
    yield "session length, mean", length.mean
    yield "session length, 99.9th percentile", length.q999
    yield "session length, max", length.max
    yield "first time", statistics.time.first
    yield "last time", statistics.time.last
    yield "tie share", statistics.tie_share
    yield "repeat share", statistics.repeat_share
    yield "exact duplicates", statistics.duplicates
    yield "users with one event", statistics.single_event_users
    yield "suggested gap, seconds", statistics.suggested_gap_seconds
    yield "new item share, last 30 days", statistics.new_item_share
