"""Items by title: the results of `sbr recommend --find`, and the hint for an unknown id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sbrcli.cli.output import Output
from sbrcli.cli.tables import Table
from sbrcli.errors import DataError

if TYPE_CHECKING:
    from sbrcli.artefacts.items import RunItems
    from sbrcli.workflow.find_items import TitleSearch

MAX_SUGGESTED = 5
"""Items that a hint names."""


def show_found(out: Output, run_items: "RunItems", words: str, k: int) -> None:
    """Show the items whose title contains each of some words, at most k."""
    from sbrcli.workflow.find_items import TitleSearch

    indices = TitleSearch(run_items).containing(words)
    titles = run_items.titles or [None] * len(run_items.ids)
    rows = [
        (run_items.ids[index], int(run_items.train_count[index]), titles[index])
        for index in indices[:k]
    ]
    if out.as_json:
        found = [{"item": item, "events": events} | ({} if title is None else {"title": title})
                 for item, events, title in rows]  # fmt: skip
        out.write_json({"found": found, "matches": len(indices)})
    else:
        columns = ("item", "events", "title")
        out.show(rows, lambda shown: [Table("Items", columns, shown, whole=("item",))])
    if not indices:
        lacks = "" if run_items.titles else "; the run has no titles: name them with --titles FILE"
        out.note(f"no item contains: {words}{lacks}")
    elif len(indices) > k:
        out.note(f"{len(indices) - k:,} more; -k shows more")


def take_titles(
    out: Output, session: Sequence[str], run_items: "RunItems", *, may_be_unknown: bool
) -> list[str]:
    """Replace titles in a session by ids, and say so; ids are returned as they are.

    Raises:
        DataError: the run knows none of it, which is not allowed; the hint names the items with
            similar titles.
    """
    if all(item_id in run_items.index_of for item_id in session) or run_items.titles is None:
        return list(session)
    from sbrcli.workflow.find_items import TitleSearch

    search = TitleSearch(run_items)
    resolved, taken = search.take_titles(session)
    for title, item_id in taken.items():
        out.note(f"{title!r} is the title of item {item_id}, which is used")
    unknown = [text for text in resolved if text not in run_items.index_of]
    if may_be_unknown or len(unknown) < len(resolved):
        return resolved
    raise DataError(
        f"the run knows no item of the session: {', '.join(dict.fromkeys(unknown))}",
        hint=suggest_items(search, unknown, run_items),
    )


def suggest_items(search: "TitleSearch", unknown: Sequence[str], run_items: "RunItems") -> str:
    """Name the items whose titles are like what the run does not know."""
    titles = run_items.titles or []
    found = search.containing(", ".join(unknown)) or [
        index for text in unknown for index in search.containing(text)
    ]
    if not found:
        return (
            "use the item ids of the log that the run was trained on; sbr recommend --find WORDS "
            "finds them by title"
        )
    named = "; ".join(f"{run_items.ids[at]} {titles[at]}" for at in found[:MAX_SUGGESTED])
    more = f"; and {len(found) - MAX_SUGGESTED:,} more" if len(found) > MAX_SUGGESTED else ""
    return f"ids with such a title: {named}{more}"
