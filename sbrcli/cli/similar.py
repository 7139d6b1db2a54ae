"""`sbr similar`: the items most similar to one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.chosen_run import name_run
from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunName, subcommand
from sbrcli.cli.tables import Table
from sbrcli.config.recommendation import SimilarConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """List the items most similar to ITEM: by the network, and by the sessions that contain both.

    The network's similarity is the cosine of the items' rows in its output table: items that come
    next after the same sessions are similar. The other one is the damped cosine of the training
    sessions, which are read from the run's dataset; without the dataset, this part is left out. A
    baseline has only the second kind; of a blend, the first network with a weight is used.
    """
    from sbrcli.workflow.find_similar import find_similar

    workspace, out = invocation.workspace, invocation.output
    answer = find_similar(workspace, run, item, config.k, titles, out)
    if out.as_json:
        out.write_json(answer.found.to_document())
    else:
        out.show(answer.found, lambda shown: _tables(shown, titled=answer.is_titled))
    name_run(invocation, answer.run)


def _tables(found: "Similar", *, titled: bool) -> "Iterator[Table]":
    """Return a table for each kind of similarity."""
    title = ["title"] if titled else []
    name = found.title or found.item
    if found.items is not None:
        rows = [(one.rank, one.item, one.score, *[one.title] * titled) for one in found.items]
        columns = ("rank", "item", "cosine", *title)
        network = "the network" if found.network is None else f"network {found.network}"
        words = f"Similar to {name} by {network}'s output table"
        yield Table(words, columns, rows, whole=("item",))
    if found.co_occurring is not None:
        rows = [
            (one.rank, one.item, one.score, one.sessions, *[one.title] * titled)
            for one in found.co_occurring
        ]
        columns = ("rank", "item", "cosine", "sessions", *title)
        yield Table(f"Similar to {name} by shared sessions", columns, rows, whole=("item",))
