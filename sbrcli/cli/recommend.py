"""`sbr recommend`: rank the next items of sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.chosen_run import name_run
from sbrcli.cli.item_search import show_found
from sbrcli.cli.option_groups import takes_options, takes_read_options
from sbrcli.cli.options import Invocation, RunName, one_name, subcommand
from sbrcli.cli.recommend_all import (
    Everybody,
    Out,
    User,
    check_everybody,
    tables_of_all,
)
from sbrcli.cli.recommend_tables import note_answer, show_one, shown_by
from sbrcli.config.reading import ReadConfig
from sbrcli.config.recommendation import RecommendConfig, RuleConfig
from sbrcli.errors import ConfigError, UsageError
from sbrcli.log.session_lines import parse_session

if TYPE_CHECKING:
    from sbrcli.workflow.recommend_request import RecommendAnswer

SessionsFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="File of sessions, one per line, written as for --items; - reads standard input. With "
        "--items, the run; with --all or --user, a log or the run.",
        allow_dash=True,
    ),
]
ItemIds = Annotated[
    str | None,
    typer.Option(
        "--items",
        metavar="IDS",
        help="One session: item ids separated by commas, the oldest first, or a JSON array of "
        "strings. A title that only one item has stands for its id.",
    ),
]
Find = Annotated[
    str | None,
    typer.Option(
        "--find",
        metavar="WORDS",
        help="List the items whose titles contain these words, with their ids.",
    ),
]
Titles = Annotated[
    Path | None,
    typer.Option(
        "--titles",
        metavar="FILE",
        help="File of item ids and titles, such as movies.dat, to show with the ids.",
    ),
]
Hybrid = Annotated[
    bool,
    typer.Option(
        "--hybrid",
        help="Recommend with the blend that sbr evaluate --hybrid has chosen.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `recommend` to the application."""
    subcommand(app, example="sbr recommend --items 3186,1270 -k 10 --fallback popularity")(
        takes_options("config", RecommendConfig)(
            takes_options("rules", RuleConfig)(takes_read_options(recommend))
        )
    )


def recommend(
    invocation: Invocation,
    *,
    sessions: SessionsFile = None,
    items: ItemIds = None,
    find: Find = None,
    config: RecommendConfig,
    run: RunName = None,
    titles: Titles = None,
    hybrid: Hybrid = False,
    rules: RuleConfig,
    everybody: Everybody = False,
    user: User = None,
    out: Out = None,
    reading: ReadConfig,
) -> None:
    """Recommend the next items for a session, or for each session of a FILE.

    Sessions are answered as they are read; with --json, each gives one line. In a pipe, a header
    line comes first, each row starts with the number of its session, and an empty line ends each
    session. A session of unknown items has no rows, unless --fallback is given; if all are such,
    the exit code is 3.

    A log of events is refused, with the command that turns it into sessions; --all takes a log,
    and writes the recommendations for everybody to a file.
    """
    from sbrcli.workflow.recommend_request import RecommendRequest, recommend_as_requested

    is_alone = items is not None or find is not None  # else FILE may be one of sessions or a log
    is_absent = (everybody or user is not None) and sessions is not None and not sessions.exists()
    is_named = sessions is not None and (is_alone or is_absent)
    if is_named and _is_run(invocation, str(sessions)):
        run, sessions = one_name(str(sessions), run, "--run"), None
    others = {"--items": items is not None, "--find": find is not None}
    others |= {"--titles": everybody and titles is not None, "--why": everybody and config.why}
    check_everybody(everybody, user, out, sessions, reading, others)
    is_of_log = everybody or user is not None
    session = None
    if find is None and not is_of_log:
        session = _only_session(sessions, items, may_be_empty=config.fallback is not None)
    if find is not None:
        _require_words(find, alone=sessions is None and items is None, ruled=rules.are_given)
    request = RecommendRequest(
        run=run,
        find=find,
        out=out,
        user=user,
        session=session,
        file=sessions,
        config=config,
        rules=rules,
        reading=reading,
        titles=titles,
        is_hybrid=hybrid,
    )
    answer = recommend_as_requested(invocation.workspace, request, invocation.output)
    _show(invocation, answer, find, config)


def _show(
    invocation: Invocation, answer: "RecommendAnswer", find: str | None, config: RecommendConfig
) -> None:
    out, titled = invocation.output, answer.is_titled
    if answer.each is not None:
        show = shown_by(out, titled, config.why)
        for number, one in enumerate(answer.each, start=1):
            show(number, one)
        return  # the run is named before the first answer
    if answer.found is not None:
        show_found(out, answer.found, find or "", titled=titled)
    elif answer.everybody is not None:
        out.show(answer.everybody, tables_of_all)
    elif answer.one is not None:
        note_answer(out, answer.one, config.k)
        show_one(out, answer.one, titled, config.why)
    name_run(invocation, answer.run)


def _is_run(invocation: Invocation, word: str) -> bool:
    """Return whether the FILE argument is the name of a run."""
    try:
        return invocation.workspace.find("run", word) is not None
    except ConfigError:  # a path, which cannot be the name of a run
        return False


def _require_words(find: str, *, alone: bool, ruled: bool) -> None:
    """Check that --find has a word, and comes without a session or rules."""
    hint = 'sbr recommend --find "back to the future"'
    if not alone:
        raise UsageError("--find cannot be combined with a session", hint=hint)
    if ruled:
        raise UsageError("--find lists all items, and no rule changes that", hint=hint)
    if not any(c.isalnum() for c in find):
        raise UsageError("--find names no word", hint=hint)


def _only_session(
    sessions: Path | None, items: str | None, *, may_be_empty: bool
) -> list[str] | None:
    """Parse --items; return None if a FILE is given instead."""
    if (sessions is None) == (items is None):
        raise UsageError(
            "give the session as --items, or a FILE of sessions"
            + ("" if items is None else ", not both"),
            hint="sbr recommend --items 3186,1270",
        )
    session = None if items is None else parse_session(items)
    if session == [] and not may_be_empty:
        raise UsageError("--items names no item", hint="sbr recommend --items 3186,1270")
    return session
