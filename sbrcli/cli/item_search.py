"""Items by title: the results of `sbr recommend --find`."""

from typing import TYPE_CHECKING

from sbrcli.cli.output import Output
from sbrcli.cli.tables import Table

if TYPE_CHECKING:
    from sbrcli.artefacts.items import RunItems


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
