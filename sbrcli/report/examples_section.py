"""The examples section: sessions with titles, the next item, and the recommendations."""

from collections.abc import Sequence

from sbrcli.report.examples import TOP, Example, NamedItem
from sbrcli.report.html import Section, write_paragraph, write_text


def describe_examples(
    examples: Sequence[Example], candidates: int, recall: float | None, noun: str = "item"
) -> Section:
    """Show each session in one line, which opens to show it in full.

    Args:
        examples: in order.
        candidates: how many items the run ranks.
        recall: recall@10 over all scored targets, if known.
        noun: what an item is called.
    """
    if not examples:
        content = write_paragraph(
            "No session of the test split holds two items that the run knows."
        )
        return Section("examples", "Examples", content)
    hits = sum(example.rank <= TOP for example in examples)
    content = write_paragraph(
        f"{len(examples)} sessions of the test split, from the shortest to the longest. In each, "
        f"one {noun} was held back, and the run ranked all {candidates:,} {noun}s by what came "
        f"before it. In {hits} of {len(examples)} it ranked the one held back in its top {TOP}"
        + (f"; of all that were scored, in {100 * recall:.1f} %. " if recall is not None else ". ")
        + f"A list may hold {noun}s that the session held already, as they can come again; these "
        "are marked."
    )
    content += "".join(
        _write_example(example, is_open=place == 0) for place, example in enumerate(examples)
    )
    return Section("examples", "Examples", content)


def _write_example(example: Example, *, is_open: bool) -> str:
    hit = " hit" if example.rank <= TOP else ""
    before = example.before
    shown = f"The last {len(example.latest)} of {before:,} before"
    if before == len(example.latest):
        shown = "Before"
    latest = "".join(f"<li>{_name(item)}</li>\n" for item in example.latest)
    best = "".join(_write_expected(item, example) for item in example.best)
    return (
        f"<details{' open' if is_open else ''}>\n<summary>"
        f'<span class="next">{_name(example.held_back)}</span>'
        f'<span class="soft">after {before:,} event{"s" if before > 1 else ""}</span>'
        f'<span class="rank{hit}">rank {example.rank:,}</span></summary>\n'
        f'<div class="example">\n<div><h3>{shown}</h3>\n<ul>\n{latest}</ul></div>\n'
        f"<div><h3>What the run expected next</h3>\n<ol>\n{best}</ol></div>\n</div>\n</details>\n"
    )


def _write_expected(item: NamedItem, example: Example) -> str:
    """Write one recommended item, marked if it came next or occurred before."""
    is_hit = item.item_id == example.held_back.item_id
    seen = ' <span class="seen">seen before</span>' if item.item_id in example.seen else ""
    if is_hit:
        return f'<li class="hit">{_name(item)}{seen} <span class="came">✓ came next</span></li>\n'
    return f"<li>{_name(item)}{seen}</li>\n"


def _name(item: NamedItem) -> str:
    """Write an item's title with its id in small print; only the id if it has no title."""
    if item.title is None:
        return f"<bdi>{write_text(item.item_id)}</bdi>"
    return f'<bdi>{write_text(item.title)}</bdi> <bdi class="id">{write_text(item.item_id)}</bdi>'
