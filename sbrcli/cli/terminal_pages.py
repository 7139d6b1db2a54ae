"""Print a page of Markdown on a terminal; commands and numbers are never cut."""

import re
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement, TableRowElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from sbrcli.cli.terminal_tables import share_out

_WIDEST = 100
"""The maximum width of a page; longer lines are hard to read."""

_LONGEST_WORD = 22
"""The longest word of a table that is never broken."""

_THEME = Theme(
    {
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold italic",
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.item.bullet": "bold",
        "markdown.link_url": "underline",
        "markdown.table.header": "bold",
        "markdown.table.border": "dim",
    }
)
"""Colours that are readable on light and dark terminals."""

_LOCAL_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
"""A link to another page, of which only the text is useful on a terminal."""

_PADDING = re.compile(r" +((?:\x1b\[[\d;]*m)*)$", re.MULTILINE)
"""The spaces with which Rich pads a line; control sequences may follow them."""

_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


class _Heading(Heading):
    """A heading at the left margin; Rich centres its own."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Code(CodeBlock):
    """A code block, indented and never wrapped."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style("markdown.code_block")
        for line in str(self.text).rstrip().split("\n"):
            yield Text(f"    {line}", style=style, no_wrap=True, overflow="ignore")


class _Table(TableElement):
    """A table whose cells are wrapped between words; Rich truncates cells that do not fit."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = [cell.content for row in _rows(self.header) for cell in row.cells]
        rows = [[cell.content for cell in row.cells] for row in _rows(self.body)]
        bounds = [
            _bounds([text, *(row[number] for row in rows)]) for number, text in enumerate(head)
        ]
        gaps = len(head) - 1
        wide = share_out(bounds, options.max_width - 2 * gaps)
        table = Table(
            box=box.SIMPLE_HEAD,  # which puts a space between two columns
            show_edge=False,
            pad_edge=False,
            padding=(0, 0 if wide is None else 1, 0, 0),
            border_style="markdown.table.border",
        )
        widths = wide or share_out(bounds, options.max_width - gaps) or [None] * len(head)
        for text, width in zip(head, widths, strict=True):
            heading = text.copy()
            heading.stylize("markdown.table.header")
            table.add_column(
                heading, width=width, overflow="fold", justify=text.justify or "default"
            )
        for row in rows:
            table.add_row(*row)
        yield table


def _rows(part: Any) -> list[TableRowElement]:
    """Return the rows of a table's head or body."""
    if part is None:
        return []
    return [part.row] if hasattr(part, "row") else part.rows


def _bounds(texts: Sequence[Text]) -> tuple[int, int]:
    """Return the width that a column needs for whole words, and its full width."""
    longest = max((cell_len(word) for text in texts for word in text.plain.split()), default=1)
    full = max(text.cell_len for text in texts)
    return min(longest, _LONGEST_WORD, full), full


class _Page(Markdown):
    elements = Markdown.elements | {
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
    }


def print_page(text: str) -> None:
    """Print Markdown to stdout, formatted for the width of the terminal."""
    console = Console(highlight=False, theme=_THEME)
    page = _Page(_LOCAL_LINK.sub(r"\1", _COMMENT.sub("", text)), hyperlinks=False)
    with console.capture() as captured:
        console.print(page, width=min(console.width, _WIDEST), crop=False)
    console.file.write(_PADDING.sub(r"\1", captured.get()))
