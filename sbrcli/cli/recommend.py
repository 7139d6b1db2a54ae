"""`sbr recommend`: rank the next items of sessions."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli import output
from sbrcli.cli.chosen_run import name_run, open_run
from sbrcli.cli.item_search import show_found, take_titles
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunName, one_name, subcommand
from sbrcli.cli.output import Output
from sbrcli.cli.recommend_tables import has_titles, shown_by, table_of
from sbrcli.cli.session_lines import STANDARD_INPUT, parse_session, read_sessions
from sbrcli.cli.tables import Table
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import ConfigError, DataError, UsageError

if TYPE_CHECKING:
    from sbrcli.artefacts.items import RunItems
    from sbrcli.artefacts.run import Run
    from sbrcli.workflow.recommend import Recommendation

SessionsFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="File of sessions, one per line, written as for --items; - reads standard input. With "
        "--items, the run.",
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

MOST_WARNINGS = 5
"""The number of sessions with unknown ids that are named; the others are counted."""

Recommend = Callable[[Sequence[str]], "Recommendation"]


def register(app: typer.Typer) -> None:
    """Add `recommend` to the application."""
    subcommand(app, example="sbr recommend --items 3186,1270 -k 10 --fallback popularity")(
        takes_options("config", RecommendConfig)(recommend)
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
) -> None:
    """Recommend the next items for a session, or for each session of a FILE.

    Sessions are answered as they are read; with --json, each gives one line. In a pipe, a header
    line comes first, each row starts with the number of its session, and an empty line ends each
    session. A session of unknown items has no rows, unless --fallback is given; if all are such,
    the exit code is 3.

    A log of events is refused, with the command that turns it into sessions.
    """
    is_named = sessions is not None and (items is not None or find is not None)
    if is_named and _is_run(invocation, str(sessions)):
        run, sessions = one_name(str(sessions), run, "--run"), None
    session = None
    if find is None:
        session = _only_session(sessions, items, may_be_empty=config.fallback is not None)
    if find is not None:
        _require_words(find, alone=sessions is None and items is None)
    folder = open_run(invocation, run)
    run_items = _load_items(folder, titles)
    if find is not None:
        show_found(invocation.output, run_items, find, config.k)
        name_run(invocation, folder)
    elif session is not None:
        answer = _load_model(folder, run_items, config, hybrid)
        may_be_unknown = config.fallback is not None
        asked = take_titles(invocation.output, session, run_items, may_be_unknown=may_be_unknown)
        _answer_one(invocation.output, asked, answer, run_items)
        name_run(invocation, folder)
    elif sessions is not None:
        answer = _load_model(folder, run_items, config, hybrid)
        begin = partial(name_run, invocation, folder)
        _answer_all(invocation.output, sessions, answer, run_items, begin)


def _is_run(invocation: Invocation, word: str) -> bool:
    """Return whether the FILE argument is the name of a run."""
    try:
        return invocation.workspace.find("run", word) is not None
    except ConfigError:  # a path, which cannot be the name of a run
        return False


def _require_words(find: str, *, alone: bool) -> None:
    """Check that --find has a word, and comes without a session."""
    hint = 'sbr recommend --find "back to the future"'
    if not alone:
        raise UsageError("--find cannot be combined with a session", hint=hint)
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


def _load_items(folder: "Run", titles: Path | None) -> "RunItems":
    from sbrcli.artefacts.items import ITEMS_FILE, load_items
    from sbrcli.workflow.recommend import with_titles

    if titles is None:
        return load_items(folder.path / ITEMS_FILE)
    from sbrcli.log.titles import read_titles

    given = read_titles(titles)
    return with_titles(load_items(folder.path / ITEMS_FILE), given)


def _load_model(
    folder: "Run", run_items: "RunItems", config: RecommendConfig, hybrid: bool
) -> Recommend:
    from sbrcli.errors import ArtefactError
    from sbrcli.models.loading import load_scorer
    from sbrcli.workflow.recommend import recommend

    scorer = load_scorer(folder.path)
    if scorer.num_items != len(run_items.ids):
        raise ArtefactError(
            f"{folder.path} is damaged: it scores {scorer.num_items} items and names "
            f"{len(run_items.ids)}",
            hint="train the run again with --overwrite",
        )
    if hybrid:
        from sbrcli.models.blend.files import load_hybrid

        both = load_hybrid(folder.path, scorer)
        return lambda session: recommend(both, run_items, session, config)
    return lambda session: recommend(scorer, run_items, session, config)


def _answer_one(
    out: Output, session: Sequence[str], answer: Recommend, run_items: "RunItems"
) -> None:
    found = answer(session)
    titled = has_titles(run_items)
    if found.fallback is not None:
        unknown = ", ".join(found.unknown) or "it is empty"
        out.warn(
            f"the run knows no item of the session: {unknown}; recommending its most popular items"
        )
    elif found.unknown:
        out.warn(f"skipped items that the run does not know: {', '.join(found.unknown)}")
    if out.as_json:
        out.write_json(found.to_document())
    elif titled and found.session and output.is_terminal(sys.stdout):
        asked = [(one.item, one.title) for one in found.session]
        after = Table("Session", ("item", "title"), asked, whole=("item",))
        out.show(found, lambda shown: [after, table_of("Recommended", shown, titled)])
    else:
        if titled and found.session:
            out.note(f"after: {'; '.join(one.title or one.item for one in found.session)}")
        title = "Recommended" if found.fallback is None else "Most popular items"
        out.show(found, lambda shown: [table_of(title, shown, titled)])


def _answer_all(
    out: Output,
    sessions: Path,
    answer: Recommend,
    run_items: "RunItems",
    begin: Callable[[], None],
) -> None:
    """Answer each session of a file as it is read; call `begin` before the first answer."""
    from sbrcli.log.event_lines import refuse_log

    def check(lines: Sequence[str]) -> None:
        name = "/dev/stdin" if sessions == STANDARD_INPUT else str(sessions)
        refuse_log(name, lines, lambda item_id: item_id in run_items.index_of)

    show = shown_by(out, has_titles(run_items))
    answered = number = odd = popular = 0
    for number, session in enumerate(read_sessions(sessions, check), start=1):
        if number == 1:
            begin()
        found, oddity = _answer_line(session, answer, run_items)
        odd += oddity is not None
        if oddity is not None and odd <= MOST_WARNINGS:
            out.warn(f"session {number}: {oddity}")
        answered += found.fallback is not None or bool(found.session)
        popular += found.fallback is not None
        show(number, found)
    if odd > MOST_WARNINGS:
        out.warn(
            f"{odd - MOST_WARNINGS:,} more sessions are empty or contain ids that the run does not "
            f"know: {odd:,} of {number:,} in all"
        )
    if popular:
        out.warn(
            f"the run knows no item of {popular:,} of {number:,} sessions; they were answered with "
            "its most popular items"
        )
    if not number:
        raise DataError(
            f"{sessions} contains no session", hint="write one per line, as in 3186,1270"
        )
    if not answered:
        raise DataError(
            f"the run knows no item of any session in {sessions}",
            hint="use the item ids of the log that the run was trained on",
        )


def _answer_line(
    session: Sequence[str], answer: Recommend, run_items: "RunItems"
) -> "tuple[Recommendation, str | None]":
    """Recommend for one of many sessions; return the result and a description of any problem."""
    from sbrcli.workflow.recommend import Recommendation, unknown_ids

    try:
        found = answer(session)
    except DataError as error:
        return Recommendation(unknown=unknown_ids(run_items, session)), str(error)
    if not found.unknown or found.fallback is not None:
        return found, None
    return found, f"skipped items that the run does not know: {', '.join(found.unknown)}"
