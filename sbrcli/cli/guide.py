"""`sbr guide`: show the manual, one page per topic."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.completion import complete_words
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.tables import Table
from sbrcli.guide.pages import TOPICS

if TYPE_CHECKING:
    from sbrcli.guide.pages import TopicList

TopicName = Annotated[
    str | None,
    typer.Argument(
        metavar="[TOPIC]",
        help="The topic to read; without it, the topics are listed.",
        show_default=False,
        autocompletion=complete_words(TOPICS),
    ),
]


def register(app: typer.Typer) -> None:
    """Add `guide` to the application."""
    subcommand(app, example="sbr guide logs")(guide)


def guide(invocation: Invocation, *, topic: TopicName = None) -> None:
    """Read the manual: list its topics, or show the page of one.

    On a terminal the page is formatted; a pipe gets its Markdown.
    """
    from sbrcli.guide.pages import list_topics, read_page

    if topic is None:
        invocation.output.show(list_topics(), _tables)
    else:
        invocation.output.show_page(read_page(topic))


def _tables(found: "TopicList") -> Iterator[Table]:
    rows = [(topic.topic, topic.summary) for topic in found.topics]
    yield Table("Guide (sbr guide TOPIC shows a page)", ("topic", "about"), rows, whole=("topic",))
