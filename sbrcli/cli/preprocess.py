"""`sbr preprocess`: make a dataset from a log."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.option_groups import takes_options, takes_read_options
from sbrcli.cli.options import Invocation, Logs, TimeZone, subcommand, workdir_words
from sbrcli.cli.tables import Table, Unit
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.dataset.summary import PreparedDataset, SplitSummary

Titles = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File of item titles, such as movies.dat; stored in the dataset."
    ),
]
TestLog = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Log to use as test; LOG is train, and nothing is split off by date.",
    ),
]
ValidLog = Annotated[
    Path | None, typer.Option(metavar="FILE", help="With --test-log: log to use as valid.")
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of the dataset. \\[default: the log's name, the session rule and the options "
        "that differ from the defaults]",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing dataset of the same name.")
]


def register(app: typer.Typer) -> None:
    """Add `preprocess` to the application."""
    take = takes_options("config", PrepareConfig)
    take_engine = takes_options("engine", EngineConfig)
    subcommand(app, example="sbr preprocess ratings.dat --session gap:3600")(
        take(take_engine(takes_read_options(preprocess)))
    )


def preprocess(
    invocation: Invocation,
    log: Logs,
    *,
    config: PrepareConfig,
    test_log: TestLog = None,
    valid_log: ValidLog = None,
    titles: Titles = None,
    name: Name = None,
    overwrite: Overwrite = False,
    engine: EngineConfig,
    tz: TimeZone = "UTC",
    reading: ReadConfig,
) -> None:
    """Make a dataset from LOG: sessions, filtered and split into train, valid and test."""
    from sbrcli.log.columns.times import find_zone
    from sbrcli.workflow.given_split import GivenSplit
    from sbrcli.workflow.preprocess import prepare_dataset

    zone = find_zone(tz)
    if valid_log is not None and test_log is None:
        raise UsageError(
            "--valid-log requires --test-log", hint="sbr preprocess TRAIN --test-log TEST"
        )
    prepared = prepare_dataset(
        log,
        config,
        invocation.workspace,
        reading=reading,
        given=None if test_log is None else GivenSplit(test=test_log, valid=valid_log),
        name=name,
        overwrite=overwrite,
        titles=titles,
        engine=engine,
        reporter=invocation.output,
    )
    invocation.output.show(prepared.in_zone(zone), partial(_tables, config=config, tz=tz))
    invocation.output.note(_closing_words(prepared))


def _tables(prepared: "PreparedDataset", config: PrepareConfig, tz: str) -> Iterator[Table]:
    columns = ("split", "events", "sessions", "items", "first_time", "last_time")
    rows = [(name, *_split_cells(split)) for name, split in prepared.splits.items()]
    whole = ("split", "first_time", "last_time")
    yield Table(f"Dataset {prepared.name} (times in {tz})", columns, rows, whole=whole)

    whys = _reasons(config)
    dropped = [
        (reason, counts.events, counts.sessions, counts.items, whys[reason])
        for reason, counts in prepared.dropped.items()
        if not output.is_terminal(sys.stdout) or any((counts.events, counts.sessions, counts.items))
    ]
    columns = ("dropped", "events", "sessions", "items", "why")
    if dropped:
        yield Table("What was dropped", columns, dropped, whole=("dropped",))
    if prepared.timeline:
        columns = ("targets of", "last training event", "first target", "after training")
        rows = [
            (
                name,
                _shown_time(held.train_last_time),
                _shown_time(held.first_target_time),
                held.targets_after_train,
            )
            for name, held in prepared.timeline.items()
        ]
        yield Table("Targets in time", columns, rows, units={"after training": Unit.SHARE})


def _split_cells(split: "SplitSummary | None") -> Sequence[object]:
    if split is None:
        return [None] * 5
    first, last = (_shown_time(time) for time in (split.first_time, split.last_time))
    return split.events, split.sessions, split.items, first, last


def _shown_time(time: str | None) -> str | None:
    """Write a time; on a terminal to the minute and without the offset, to fit 80 columns."""
    return time and time[:16].replace("T", " ") if output.is_terminal(sys.stdout) else time


def _reasons(config: PrepareConfig) -> dict[str, str]:
    return {
        "bad_rows": "cannot be events",
        "other_events": "of other event types",
        "dropped_ids": "of ids left out by --drop-id",
        "older_events": f"older than the newest {config.max_user_events} of a user",
        "repeats": "same item again",
        "short_sessions": f"fewer than {config.min_session_length} events",
        "rare_items": f"fewer than {config.min_item_support} events",
        "test_unseen_items": "not in train or valid",
        "test_short_sessions": "one event left",
        "valid_unseen_items": "not in train",
        "valid_short_sessions": "one event left",
    }


def _closing_words(prepared: "PreparedDataset") -> str:
    path = Path(prepared.dataset)
    words = ["--dataset", path.name] if prepared.already_there else []
    words += workdir_words(path.parent.parent)
    command = shlex.join(["sbr", "train", *words])
    if prepared.already_there:
        return f"{path} already exists, made from the same log and options; {command} trains on it"
    return f"wrote {path}; {command} trains on it"
