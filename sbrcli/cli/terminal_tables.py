"""Print tables on a terminal; ids and numbers are never cut, however narrow it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sbrcli.cli.escapes import printable
from sbrcli.cli.tables import Remark, Table, cells_for_person, is_number
from sbrcli.cli.wrapping import wrap_words

_LONGEST_WORD = 28
"""The longest word, in terminal cells, that is never broken; a time has 25."""


def print_table(table: Table | Remark) -> None:
    """Print a table to stdout, or its rows one by one if whole cells do not fit."""
    console = Console(highlight=False)
    console.print(Text(printable(table.title), style="table.title"))
    if isinstance(table, Remark):
        _print_paragraphs(console, table)
        return
    cells = cells_for_person(table)
    widths = share_out(list(_bounds(table, cells)), _room(console, table))
    if widths is not None:
        console.print(_in_columns(table, cells, widths))
    elif not _print_headed(console, table, cells):
        _print_stacked(console, table, cells)


def _print_paragraphs(console: Console, remark: Remark) -> None:
    indent = "  "
    mark = f"{remark.mark} " if remark.mark else ""
    width = max(console.width - len(indent + mark), 1)
    console.print()
    for paragraph in remark.paragraphs:
        lines = wrap_words(printable(paragraph), width).split("\n")
        for number, line in enumerate(lines):
            start = mark if number == 0 else " " * len(mark)
            shown = Text(f"{indent}{start}{line.rstrip()}", style="" if mark else "dim")
            console.print(shown, soft_wrap=True)
    console.print()


def _in_columns(table: Table, cells: Sequence[Sequence[str]], widths: Sequence[int]) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD)
    for position, (column, width) in enumerate(zip(table.columns, widths, strict=True)):
        justify = "right" if table.holds_numbers(position) else "left"
        shown.add_column(Text(column), justify=justify, overflow="fold", width=width)
    for number, (row, written) in enumerate(zip(table.rows, cells, strict=True)):
        texts = map(_styled, row, written)
        shown.add_row(*texts, style="bold" if number in table.bold else None)
    return shown


def _styled(value: object, written: str) -> Text:
    """Return a cell's text; the zero of a count is dim."""
    return Text(written, style="dim" if type(value) is int and value == 0 else "")


def _print_headed(console: Console, table: Table, cells: Sequence[Sequence[str]]) -> bool:
    """Print the long id of each row on its own line, and the other cells in columns below.

    Returns:
        False, and prints nothing, if the table has another form or the cells do not fit.
    """
    if table.columns[0] not in table.whole or len(table.columns) < 3:
        return False
    rows = [row[1:] for row in table.rows]
    rest = replace(table, title="", columns=table.columns[1:], rows=rows)
    are_whole = (
        name in rest.whole or rest.holds_numbers(position)
        for position, name in enumerate(rest.columns)
    )
    below = [row[1:] for row in cells]
    widths = share_out(list(_bounds(rest, below)), _room(console, rest))
    if widths is None or not all(are_whole):
        return False
    with console.capture() as captured:
        console.print(_in_columns(rest, below, widths))
    blank, header, rule, *lines = captured.get().splitlines()
    shown = [blank, header, rule]
    for row, line in zip(cells, lines, strict=False):
        shown += [f"  {row[0]}", line]
    console.file.write("\n".join([*shown, "", ""]))
    return True


def _bounds(table: Table, cells: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Yield the minimum and the full width of each column, in terminal cells."""
    for position, column in enumerate(table.columns):
        full = max(map(cell_len, (column, *(row[position] for row in cells))))
        if column in table.whole or table.holds_numbers(position):
            yield full, full
        else:
            parts = [*column.split()]
            for row, written in zip(table.rows, cells, strict=True):
                text = written[position]
                parts += [text] if is_number(row[position]) else text.split()
            least = max((min(cell_len(part), _LONGEST_WORD) for part in parts), default=1)
            yield min(least, full), full


def _room(console: Console, table: Table) -> int:
    """Return the width available for cells: each column has two spaces and a rule around it."""
    return console.width - 3 * len(table.columns) - 1


def share_out(bounds: Sequence[tuple[int, int]], room: int) -> list[int] | None:
    """Distribute the width of a table among its columns, shrinking the widest first.

    Args:
        bounds: the minimum and the full width of each column.
        room: the width available for all columns together.

    Returns:
        The width of each column, or None if the minimum widths do not fit.
    """
    widths = [full for _, full in bounds]
    while sum(widths) > room:
        gives = [i for i, (least, _) in enumerate(bounds) if widths[i] > least]
        if not gives:
            return None
        widths[max(gives, key=lambda i: widths[i])] -= 1
    return widths


def _print_stacked(console: Console, table: Table, cells: Sequence[Sequence[str]]) -> None:
    """Print a block of `name: value` lines per row; for pairs, one line per pair."""
    for number, (row, written) in enumerate(zip(table.rows, cells, strict=True)):
        style = "bold" if number in table.bold else ""
        if number == 0 or not table.holds_pairs:
            console.print()
        if table.holds_pairs:
            pairs = [(written[0], written[1], True)]
        else:
            names = table.columns
            kept = [n in table.whole or is_number(v) for n, v in zip(names, row, strict=True)]
            pairs = zip(names, written, kept, strict=True)
        for name, value, is_intact in pairs:
            if not value:
                continue
            for line in _stacked_lines(console, name, value, is_intact):
                # The terminal wraps what is still too long, and hides nothing.
                console.print(Text(line, style=style), soft_wrap=True)
    console.print()


def _stacked_lines(console: Console, name: str, value: str, is_intact: bool) -> Iterable[str]:
    line = f"{name}: {value}"
    if cell_len(line) <= console.width:
        return [line]
    if is_intact:
        return [*wrap_words(f"{name}:", console.width).split("\n"), value]
    wrapped = Text(line).wrap(console, console.width, overflow="fold")
    return [part.plain.rstrip() for part in wrapped]
