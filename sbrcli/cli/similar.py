"""`sbr similar`: the items most similar to one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.chosen_run import name_run, open_run
from sbrcli.cli.item_search import suggest_items
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunName, subcommand
from sbrcli.cli.tables import Table
from sbrcli.config.recommendation import SimilarConfig
from sbrcli.errors import ArtefactError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sbrcli.artefacts.items import RunItems
    from sbrcli.workflow.similar import Similar

Item = Annotated[
    str,
    typer.Argument(metavar="ITEM", help="An item's id, or a title that only one item has."),
]
Titles = Annotated[
    Path | None,
    typer.Option(
        "--titles",
        metavar="FILE",
        help="File of item ids and titles, such as movies.dat, to show with the ids.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `similar` to the application."""
    subcommand(app, example='sbr similar "Back to the Future (1985)" -k 5')(
        takes_options("config", SimilarConfig)(similar)
    )


def similar(
    invocation: Invocation,
    *,
    item: Item,
    config: SimilarConfig,
    run: RunName = None,
    titles: Titles = None,
) -> None:
    """List the items most similar to ITEM: by the network, and by the sessions that hold both.

    The network's similarity is the cosine of the items' rows in its output table: items that come
    next after the same sessions are similar. The other one is the damped cosine of the training
    sessions, for which the run's dataset is read; if that is not there, it is left out. A baseline
    has the second kind alone.
    """
    from sbrcli.models.registry import is_baseline
    from sbrcli.workflow.recommender import open_items
    from sbrcli.workflow.similar import OutputSimilarity, Similar, load_session_similarity

    folder = open_run(invocation, run)
    items, out = open_items(folder, titles), invocation.output
    index = _find(invocation, item, items)
    by_output = None
    if not is_baseline(folder.model):
        by_output = OutputSimilarity(folder, items).similar(index, config.k)
    try:
        counted = load_session_similarity(folder, invocation.workspace, items)
        by_sessions = counted.similar(index, config.k)
    except ArtefactError as error:
        if by_output is None:
            raise
        out.warn(f"items of the same sessions are left out: {error}")
        by_sessions = None
    title = items.titles[index] if items.titles else None
    found = Similar(items.ids[index], by_output, by_sessions, title)
    if out.as_json:
        out.write_json(found.to_document())
    else:
        out.show(found, lambda shown: _tables(shown, titled=items.titles is not None))
    name_run(invocation, folder)


def _find(invocation: Invocation, text: str, items: "RunItems") -> int:
    """Return the index of the item with an id or title.

    Raises:
        DataError: there is none; the hint names items with similar titles.
    """
    if text in items.index_of:
        return items.index_of[text]
    from sbrcli.workflow.find_items import TitleSearch

    search = TitleSearch(items)
    found = search.exact(text)
    if len(found) == 1:
        item_id = items.ids[found[0]]
        invocation.output.note(f"{text!r} is the title of item {item_id}, which is used")
        return found[0]
    raise DataError(
        f"the run does not know the item {text}", hint=suggest_items(search, [text], items)
    )


def _tables(found: "Similar", *, titled: bool) -> "Iterator[Table]":
    """Return a table for each kind of similarity."""
    title = ["title"] if titled else []
    name = found.title or found.item
    if found.items is not None:
        rows = [(one.rank, one.item, one.score, *[one.title] * titled) for one in found.items]
        columns = ("rank", "item", "cosine", *title)
        words = f"Similar to {name} by the network's output table"
        yield Table(words, columns, rows, whole=("item",))
    if found.co_occurring is not None:
        rows = [
            (one.rank, one.item, one.score, one.sessions, *[one.title] * titled)
            for one in found.co_occurring
        ]
        columns = ("rank", "item", "cosine", "sessions", *title)
        yield Table(f"Similar to {name} by shared sessions", columns, rows, whole=("item",))
