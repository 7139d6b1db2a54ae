"""Write tables as Markdown, CSV and LaTeX, with all digits, for papers and spreadsheets."""

import csv
import io
import re
from collections.abc import Callable, Iterable

from sbrcli.cli.escapes import printable
from sbrcli.cli.tables import Table
from sbrcli.config.evaluation import TableFormat

_OF_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#])")
_OF_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def write_tables(tables: Iterable[Table], table_format: TableFormat) -> str:
    """Return tables separated by empty lines, without a final line break."""
    write = _WRITERS[table_format]
    return "\n\n".join(write(table) for table in tables)


def write_markdown(table: Table) -> str:
    """Return a table as GitHub Markdown, numbers right-aligned, with its title in bold above."""
    rules = ["---:" if is_number else "---" for is_number in _are_numbers(table)]
    lines = [_row(table.columns, _markdown), f"|{'|'.join(rules)}|"]
    lines += [_row(row, _markdown) for row in table.rows]
    return "\n".join([f"**{_markdown(table.title)}**", "", *lines])


def write_csv(table: Table) -> str:
    """Return a table as CSV: a header, no title, quotes if needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return text.getvalue().rstrip("\n")


def write_latex(table: Table) -> str:
    """Return a table as a LaTeX tabular, which needs no package, with its title as a comment."""
    columns = "".join("r" if is_number else "l" for is_number in _are_numbers(table))
    lines = [_latex_row(table.columns), r"\hline", *map(_latex_row, table.rows)]
    begin, end = f"\\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([f"% {printable(table.title)}", begin, *lines, end])


_WRITERS: dict[TableFormat, Callable[[Table], str]] = {
    "md": write_markdown,
    "csv": write_csv,
    "latex": write_latex,
}


def _are_numbers(table: Table) -> list[bool]:
    return [
        all(row[at] is None or isinstance(row[at], (int, float)) for row in table.rows)
        for at in range(len(table.columns))
    ]


def _plain(cell: object) -> str:
    return "" if cell is None else printable(str(cell))


def _markdown(cell: object) -> str:
    return _OF_MARKDOWN.sub(r"\\\1", _plain(cell))


def _latex(cell: object) -> str:
    return "".join(_OF_LATEX.get(sign, sign) for sign in _plain(cell))


def _row(cells: Iterable[object], write: Callable[[object], str]) -> str:
    return f"| {' | '.join(map(write, cells))} |"


def _latex_row(cells: Iterable[object]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"
