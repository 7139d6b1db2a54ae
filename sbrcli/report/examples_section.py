"""The examples: sessions with titles, what came next, and what the run expected."""

from collections.abc import Sequence

from sbrcli.report.examples import TOP, Example, NamedItem
from sbrcli.report.html import Section, write_paragraph, write_text


def describe_examples(
    examples: Sequence[Example], candidates: int, recall: float | None
) -> Section:
    """Show each session; those that the reader opens in full.

    Args:
        examples: in order.
        candidates: how many items the run ranks.
        recall: the share of the next items scored that stand in the top ten, where known.
    """
    if not examples:
        content = write_paragraph(
            "No session of the test split holds two items that the run knows."
        )
        return Section("examples", "Examples", content)
    hits = sum(example.rank <= TOP for example in examples)
    content = write_paragraph(
        f"{len(examples)} sessions of the test split, drawn from all lengths, the shortest first. "
        f"Of each an event was drawn and held back, and the run was asked, after those before it, "
        f"for it among all {candidates:,} items. {hits} of them stand in its top {TOP}"
        + (f"; of all next items scored {100 * recall:.1f} % do. " if recall is not None else ". ")
        + "Each line names the item held back and its rank, and opens to the whole example."
    )
    content += "".join(
        _write_example(example, is_open=place == 0) for place, example in enumerate(examples)
    )
    return Section("examples", "Examples", content)


def _write_example(example: Example, *, is_open: bool) -> str:
    hit = " hit" if example.rank <= TOP else ""
    before = example.before
    shown = f"The last {len(example.latest)} of {before:,} items"
    if before == len(example.latest):
        shown = "The items" if before > 1 else "The item"
    latest = "".join(f"<li>{_name(item)}</li>\n" for item in example.latest)
    best = "".join(
        f'<li class="hit">{_name(item)} ✓</li>\n'
        if item.item_id == example.held_back.item_id
        else f"<li>{_name(item)}</li>\n"
        for item in example.best
    )
    return (
        f"<details{' open' if is_open else ''}>\n<summary>"
        f'<span class="next">{_name(example.held_back)}</span>'
        f'<span class="soft">after {before:,} event{"s" if before > 1 else ""}</span>'
        f'<span class="rank{hit}">rank {example.rank:,}</span></summary>\n'
        f'<div class="example">\n<div><h3>{shown} before</h3>\n<ul>\n{latest}</ul></div>\n'
        f"<div><h3>What the run expected next</h3>\n<ol>\n{best}</ol></div>\n</div>\n</details>\n"
    )


def _name(item: NamedItem) -> str:
    """Write an item's title, and its id in small; the id alone where it has no title."""
    if item.title is None:
        return f"<bdi>{write_text(item.item_id)}</bdi>"
    return f'<bdi>{write_text(item.title)}</bdi> <bdi class="id">{write_text(item.item_id)}</bdi>'
