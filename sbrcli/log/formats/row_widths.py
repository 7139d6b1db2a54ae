"""Fit headers to rows of another width."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from sbrcli.log.columns.names import normalised
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.separators import is_likely_time, split_fields

_LISTS = ("list", "features", "vector", "embedding", "genres", "tags", "categories")
"""Endings of the last column's name if it stands for all following fields."""


def fit_header(log_format: LogFormat, lines: Sequence[str]) -> LogFormat:
    """Return a format whose columns fit the rows, if all rows have the same other width than the
    header.

    These cases are trailing separators, a last name that stands for a list (as in JODIE's logs),
    and the row names of R, whose column has no name. Other rows are bad, and are reported later.

    Args:
        log_format: by its header.
        lines: the first rows.
    """
    rows = [split_fields(line, log_format.separator, log_format.is_quoted) for line in lines]
    widths = {len(row) for row in rows}
    named = len(log_format.columns) - log_format.num_path_names
    if not log_format.has_header or len(widths) != 1 or widths == {named}:
        return log_format
    (width,) = widths
    names = log_format.names[:named]
    more = width - named
    if more == -1 and not names[-1]:
        return _with_names(log_format, names[:-1], log_format.columns[: named - 1])
    if more < 0:
        return log_format
    is_list = normalised(names[-1]).endswith(_LISTS)
    if is_list or not any(any(row[named:]) for row in rows):
        unnamed: tuple[None, ...] = (None,) * more
        names = (*names, *("" for _ in unnamed))
        return _with_names(log_format, names, (*log_format.columns[:named], *unnamed))
    if more == 1 and _are_row_names(rows, log_format.position(TIMESTAMP)):
        return _with_names(log_format, ("", *names), (None, *log_format.columns[:named]))
    return log_format


def _with_names(
    log_format: LogFormat, names: Sequence[str], columns: Sequence[str | None]
) -> LogFormat:
    behind = len(log_format.columns) - log_format.num_path_names
    return replace(
        log_format,
        names=(*names, *log_format.names[behind:]),
        columns=(*columns, *log_format.columns[behind:]),
    )


def _are_row_names(rows: list[list[str]], time: int) -> bool:
    """Return whether the first fields name the rows, so that the time is one field further."""
    if not all(is_likely_time(row[time + 1]) for row in rows):
        return False
    firsts = [row[0] for row in rows]
    if all(is_likely_time(row[time]) for row in rows):  # both may be times: only counting shows it
        are_numbers = all(first.isdecimal() for first in firsts) and len(firsts) > 1
        return are_numbers and all(int(b) - int(a) == 1 for a, b in pairwise(firsts))
    return len(set(firsts)) == len(firsts)
