"""Items by title: the results of `sbr recommend --find`."""

from typing import TYPE_CHECKING

from sbrcli.cli.output import Output
from sbrcli.cli.tables import Table

if TYPE_CHECKING:
    from sbrcli.workflow.find_items import FoundItems


def show_found(out: Output, found: "FoundItems", words: str, *, titled: bool) -> None:
    """Show the items whose title contains each of some words."""
    if out.as_json:
        items = [{"item": item, "events": events} | ({} if title is None else {"title": title})
                 for item, events, title in found.rows]  # fmt: skip
        out.write_json({"found": items, "matches": found.matches})
    else:
        columns = ("item", "events", "title")
        out.show(found.rows, lambda shown: [Table("Items", columns, shown, whole=("item",))])
    more = found.matches - len(found.rows)
    if not found.matches:
        lacks = "" if titled else "; the run has no titles: name them with --titles FILE"
        out.note(f"no item contains: {words}{lacks}")
    elif more:
        out.note(f"{more:,} more; -k shows more")
