"""`sbr recommend --all` and `--user`: the sessions of a log, or of the run's dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.tables import Table
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.workflow.recommend_all import AllRecommended

PANEL = "Everybody"

Everybody = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Recommend for the latest session of every user (or for each session, if the log "
        "names them) of a log, which takes the place of FILE, or of the run's dataset; --out "
        "names the file.",
        rich_help_panel=PANEL,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The file of --all: .parquet or .csv, with a row per item, or .jsonl, with a line per "
        "session.",
        rich_help_panel=PANEL,
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="ID",
        help="Recommend for one user (or session) of those that --all takes.",
        rich_help_panel=PANEL,
    ),
]


def check_everybody(
    everybody: bool,
    user: str | None,
    out: Path | None,
    log: Path | None,
    reading: ReadConfig,
    others: dict[str, bool],
) -> None:
    """Check that the options of --all and --user fit together.

    Args:
        everybody: whether --all is given.
        user: the value of --user.
        out: the value of --out.
        log: the value of FILE.
        reading: how to read the log.
        others: options that go with neither, and whether they are given.
    """
    example = "sbr recommend --all --out recs.parquet"
    if not everybody and user is None:
        if out is not None:
            raise UsageError("--out goes with --all", hint=example)
        if reading != ReadConfig():
            raise UsageError(
                "options that say how a log is read need --all or --user", hint=f"{example} LOG"
            )
        return
    option = "--all" if everybody else "--user"
    for name, is_given in others.items():
        if is_given:
            raise UsageError(f"{option} cannot be combined with {name}", hint=example)
    if everybody and user is not None:
        raise UsageError("--all and --user exclude each other", hint="omit one of them")
    if everybody and out is None:
        raise UsageError("--all needs --out, the file to write", hint=example)
    if not everybody and out is not None:
        raise UsageError("--out goes with --all", hint=example)
    if log is None and reading != ReadConfig():
        raise UsageError("options that say how a log is read need a log", hint=f"{example} LOG")


def tables_of_all(found: "AllRecommended") -> list[Table]:
    """Return the tables of a file of recommendations: what it holds, and what rules removed."""
    counts = [("out", found.out), ("sessions", found.sessions), ("rows", found.rows)]
    if found.fallback:
        counts.append(("sessions answered by the fallback", found.fallback))
    if found.unknown_events:
        counts.append(("events of unknown items, skipped", found.unknown_events))
    counts += [(f"sessions with fewer items: {_WHY[why]}", n) for why, n in found.short.items()]
    removed = list((found.removed or {}).items())
    tables = [Table("Recommended", ("what", "value"), counts)]
    if removed:
        tables.append(Table("Candidates removed", ("rule", "candidates"), removed))
    return tables


_WHY = {
    "unknown": "the run knows no item of theirs",
    "items": "the run has no more",
    "rules": "the rules leave no more",
}
