"""The output of `sbr recommend`: a table on a terminal, blocks of lines in a pipe, or JSON."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from sbrcli.cli import output
from sbrcli.cli.output import Output
from sbrcli.cli.tables import Table

if TYPE_CHECKING:
    from sbrcli.workflow.recommendation import Recommendation, RecommendedItem

MAX_NAMED = 3
"""The number of a session's last items whose titles head its answer, where it is one of many."""


def note_answer(out: Output, found: "Recommendation", k: int) -> None:
    """Report unknown ids, what the rules removed, and why there are fewer than k items."""
    from sbrcli.workflow.recommendation import describe_removed, describe_shortage

    if found.fallback is not None:
        unknown = ", ".join(found.unknown) or "it is empty"
        out.warn(
            f"the run knows no item of the session: {unknown}; recommending its most popular items"
        )
    elif found.unknown:
        out.warn(f"skipped items that the run does not know: {', '.join(found.unknown)}")
    if found.removed is not None:
        out.note(describe_removed(found.removed))
    if found.short is not None:
        out.warn(f"{len(found.items)} of {k} items: {describe_shortage(found.short)}")


def show_one(out: Output, found: "Recommendation", titled: bool, explained: bool) -> None:
    """Show the answer to the only session; on a terminal with the session's titles."""
    title = "Recommended" if found.fallback is None else "Most popular items"
    if out.as_json:
        out.write_json(found.to_document())
    elif titled and found.session and output.is_terminal(sys.stdout):
        asked = [(one.item, one.title) for one in found.session]
        after = Table("Session", ("item", "title"), asked, whole=("item",))
        out.show(found, lambda shown: [after, table_of(title, shown, titled, explained)])
    else:
        if titled and found.session:
            out.note(f"after: {'; '.join(one.title or one.item for one in found.session)}")
        out.show(found, lambda shown: [table_of(title, shown, titled, explained)])


def shown_by(out: Output, titled: bool, explained: bool) -> Callable[[int, "Recommendation"], None]:
    """Choose how each of many sessions is shown: as JSON, to a person, or in a pipe."""
    if out.as_json:
        return lambda _number, found: out.write_json(found.to_document())
    if output.is_terminal(sys.stdout):
        return lambda number, found: out.show(
            found,
            lambda shown: [
                table_of(_session_title(number, shown, titled), shown, titled, explained)
            ],
        )
    header = ("session", "rank", "item", "score", *["title"] * titled, *["why"] * explained)

    def show(number: int, found: "Recommendation") -> None:
        if number == 1:
            out.write_line("\t".join(header))
        table = table_of("", found, titled, explained)
        lines = ["\t".join(map(_cell, (number, *row))) for row in table.rows]
        out.write_line("\n".join([*lines, ""]))

    return show


def _session_title(number: int, found: "Recommendation", titled: bool) -> str:
    """Name one of many sessions, with the titles of its last items."""
    if found.fallback is not None:
        return f"Session {number}, most popular items"
    if not titled or not found.session:
        return f"Session {number}"
    latest = "; ".join(one.title or one.item for one in found.session[-MAX_NAMED:])
    more = "…; " if len(found.session) > MAX_NAMED else ""
    return f"Session {number}, after {more}{latest}"


def table_of(title: str, found: "Recommendation", titled: bool, explained: bool) -> Table:
    """Return the table of a session's answer."""
    columns = ("rank", "item", "score", *["title"] * titled, *["why"] * explained)
    rows = [
        (item.rank, item.item, item.score, *[item.title] * titled, *[_why(item)] * explained)
        for item in found.items
    ]
    return Table(title, columns, rows, whole=("item",))


def _why(item: "RecommendedItem") -> str:
    """Return the events that raised an item: for a person in words, for a pipe as JSON."""
    causes = item.why or ()
    if not output.is_terminal(sys.stdout):
        return json.dumps([[cause.item, cause.share] for cause in causes])
    return "; ".join(f"{100 * one.share:.0f} % {one.title or one.item}" for one in causes)


def _cell(value: object) -> str:
    return "" if value is None else output.printable(str(value))
