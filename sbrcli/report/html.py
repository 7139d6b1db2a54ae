"""The HTML elements of a page; all text of users and logs is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

# They join and separate letters in many scripts, and do not change the direction of text.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page, with a link to it.

    Args:
        anchor: its name in links; letters only.
        heading: plain text.
        content: HTML.
    """

    anchor: str
    heading: str
    content: str

    def to_html(self) -> str:
        """Return the section as HTML."""
        return (
            f'<section id="{self.anchor}">\n<h2>{write_text(self.heading)}</h2>\n'
            f"{self.content}</section>\n"
        )


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its own format, such as 12.5 %."""

    value: float
    text: str


def percent(share: float, digits: int = 1) -> Number:
    """Return a share, formatted as a percentage."""
    return Number(share, f"{100 * share:.{digits}f} %")


def visible(text: str) -> str:
    r"""Replace invisible and direction-changing characters by escapes, as in `\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else ascii(c)[1:-1] for c in text)


def write_text(text: object) -> str:
    """Escape plain text for HTML."""
    return escape(visible(str(text)))


def write_paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{write_text(text)}</p>\n"


def write_figure(plot: str, name: str, words: str = "") -> str:
    """Return a plot, which is SVG, with its name above and words below it.

    Without a plot, only the words are shown; without words, nothing.
    """
    if not plot:
        return write_paragraph(f"{name}: {words}") if words else ""
    below = f"<p>{write_text(words)}</p>\n" if words else ""
    return f"<figure>\n<figcaption>{write_text(name)}</figcaption>\n{plot}\n{below}</figure>\n"


def write_plots(figures: Sequence[str]) -> str:
    """Place figures, plots or tables side by side, as the width of the page allows."""
    shown = "".join(figures)
    return f'<div class="plots">\n{shown}</div>\n' if shown else ""


def write_facts(facts: Mapping[str, object]) -> str:
    """Show a few figures in large print, each under its name."""
    pairs = "".join(
        f"<div><dt>{write_text(name)}</dt><dd>{_show(value)}</dd></div>\n"
        for name, value in facts.items()
    )
    return f'<dl class="facts">\n{pairs}</dl>\n'


def write_rows(rows: Sequence[tuple[str, object]]) -> str:
    """Show names and values, one pair per line."""
    pairs = "".join(
        f"<div><dt>{write_text(name)}</dt><dd>{_show(value)}</dd></div>\n" for name, value in rows
    )
    return f'<dl class="rows">\n{pairs}</dl>\n'


def write_commands(commands: Sequence[str]) -> str:
    """Show commands, one per line."""
    lines = "\n".join(write_text(command) for command in commands)
    return (
        f'<pre tabindex="0" role="region" aria-label="Command lines"><code>{lines}</code></pre>\n'
    )


def write_missing(what: str, command: str) -> str:
    """State what the page lacks, and the command that adds it."""
    return (
        f'<p class="verdict missing">{write_text(what)} '
        f"Run <code>{write_text(command)}</code>, then write the report again.</p>\n"
    )


def write_table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    best: int | None = None,
    own: int | None = None,
) -> str:
    """Return a table that is sorted by a click on a column's name; its first column stays visible.

    Args:
        caption: plain text.
        columns: their names.
        rows: one value per column: text, a number, a `Number`, or None for an empty cell.
        best: the number of the bold row.
        own: the number of the tinted row.
    """
    is_number = [
        all(isinstance(row[at], (int, float, Number, type(None))) for row in rows)
        for at in range(len(columns))
    ]
    head = "".join(
        f'<th scope="col"{_class(number)}><button type="button">{write_text(name)}</button></th>'
        for name, number in zip(columns, is_number, strict=True)
    )
    body = "".join(
        f"<tr{_row_class(at == best, at == own)}>{''.join(map(_cell, row, is_number))}</tr>\n"
        for at, row in enumerate(rows)
    )
    name = write_text(caption)
    return (
        f'<figure class="table">\n<figcaption>{name}</figcaption>\n'
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">\n'
        f'<table aria-label="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table>\n</div>\n</figure>\n"
    )


def write_details(summary: str, content: str) -> str:
    """Hide content, which is HTML, behind a line of plain text that opens it."""
    return f"<details>\n<summary>{write_text(summary)}</summary>\n{content}</details>\n"


def _cell(value: object, is_number: bool) -> str:
    if value is None:
        return f"<td{_class(is_number)}></td>"
    number = value.value if isinstance(value, Number) else value
    sorted_by = f' data-value="{number!r}"' if isinstance(number, (int, float)) else ""
    return f"<td{_class(is_number)}{sorted_by}>{_show(value)}</td>"


def _row_class(is_best: bool, is_own: bool) -> str:
    classes = " ".join(["best"] * is_best + ["own"] * is_own)
    return f' class="{classes}"' if classes else ""


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _show(value: object) -> str:
    """Format a value: digits grouped, only significant decimals."""
    if isinstance(value, Number):
        return write_text(value.text)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return write_text(value)
