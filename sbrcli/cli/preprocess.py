"""`sbr preprocess`: make a dataset from a log."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.options import DEFAULT_WORKDIR, Invocation, Logs, TimeZone, subcommand
from sbrcli.cli.read_options import takes_read_options
from sbrcli.cli.tables import Table
from sbrcli.config.prepare import PrepareConfig, SplitRule
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.dataset.summary import PreparedDataset, SplitSummary

DEFAULTS = PrepareConfig()

Session = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        help="Session rule: user, gap:SECONDS (a pause that long ends a session), or column "
        "(session ids of the log). \\[default: column if the log has session ids, else user]",
    ),
]
AcrossUsers = Annotated[
    bool,
    typer.Option(
        "--across-users",
        help="With gap: cut the whole log as if it came from one user, as the source notebook "
        "did. Use it only to reproduce the notebook.",
    ),
]
MinSessionLength = Annotated[
    int, typer.Option(metavar="EVENTS", help="Drop sessions with fewer events; at least 2.")
]
MinItemSupport = Annotated[
    int, typer.Option(metavar="EVENTS", help="Drop items with fewer events.")
]
Split = Annotated[
    SplitRule,
    typer.Option(
        "--split",
        help="date: the sessions that end last are test, and those before them valid. last: the "
        "last event of each session is test, and the one before it valid, if two events remain.",
    ),
]
ValidDays = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        help="Sessions that end within this many days before test are valid; 0 for none. "
        "\\[default: 30 if the log spans a year or more, else a share of 0.1]",
    ),
]
TestDays = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        help="Sessions that end within the last days of the log are test; 0 for none, to train on "
        "all events. \\[default: as for --valid-days]",
    ),
]
ValidShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Instead of --valid-days: the share of the sessions, those that end last before test, "
        "that is valid; above 0 and below 1.",
    ),
]
TestShare = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Instead of --test-days: the share of the sessions, those that end last, that is "
        "test.",
    ),
]
DropRepeats = Annotated[
    bool,
    typer.Option(
        "--drop-repeats",
        help="Keep one of a session's consecutive events of the same item, before dropping rare "
        "items.",
    ),
]
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
    subcommand(app, example="sbr preprocess ratings.dat --session gap:3600")(
        takes_read_options(preprocess)
    )


def preprocess(
    invocation: Invocation,
    log: Logs,
    *,
    session: Session = DEFAULTS.session,
    across_users: AcrossUsers = DEFAULTS.across_users,
    min_session_length: MinSessionLength = DEFAULTS.min_session_length,
    min_item_support: MinItemSupport = DEFAULTS.min_item_support,
    split: Split = DEFAULTS.split,
    valid_days: ValidDays = DEFAULTS.valid_days,
    test_days: TestDays = DEFAULTS.test_days,
    valid_share: ValidShare = DEFAULTS.valid_share,
    test_share: TestShare = DEFAULTS.test_share,
    drop_repeats: DropRepeats = DEFAULTS.drop_repeats,
    test_log: TestLog = None,
    valid_log: ValidLog = None,
    titles: Titles = None,
    name: Name = None,
    overwrite: Overwrite = False,
    tz: TimeZone = "UTC",
    reading: ReadConfig,
) -> None:
    """Make a dataset from LOG: sessions, filtered and split into train, valid and test."""
    from sbrcli.log.columns.times import find_zone
    from sbrcli.workflow.preprocess import GivenSplit, prepare_dataset

    zone = find_zone(tz)
    config = PrepareConfig(
        session=session,
        across_users=across_users,
        min_session_length=min_session_length,
        min_item_support=min_item_support,
        split=split,
        valid_days=valid_days,
        test_days=test_days,
        valid_share=valid_share,
        test_share=test_share,
        drop_repeats=drop_repeats,
    )
    if valid_log is not None and test_log is None:
        raise UsageError(
            "--valid-log goes with --test-log", hint="sbr preprocess TRAIN --test-log TEST"
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


def _split_cells(split: "SplitSummary | None") -> Sequence[object]:
    if split is None:
        return [None] * 5
    first, last = split.first_time, split.last_time
    if output.is_terminal(sys.stdout):
        # To the minute and without the offset, which is in the title; more would exceed 80 columns.
        first, last = (time and time[:16].replace("T", " ") for time in (first, last))
    return split.events, split.sessions, split.items, first, last


def _reasons(config: PrepareConfig) -> dict[str, str]:
    return {
        "bad_rows": "cannot be events",
        "other_events": "not of the kinds asked for",
        "dropped_ids": "of ids left out by --drop-id",
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
    root = path.parent.parent
    words = ["--dataset", path.name] if prepared.already_there else []
    words += [] if root == DEFAULT_WORKDIR else ["--workdir", str(root)]
    command = shlex.join(["sbr", "train", *words])
    if prepared.already_there:
        return f"{path} already exists, made from the same log and options; {command} trains on it"
    return f"wrote {path}; {command} trains on it"
