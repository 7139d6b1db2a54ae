"""Choose the separator of fields by how well it splits the first rows."""

import csv
import re
from collections import Counter
from collections.abc import Sequence

from sbrcli.config.reading import SPACES, ReadConfig
from sbrcli.log.columns.times import is_number, recognise_field
from sbrcli.log.files.samples import Sample

_USUAL = (",", "\t", ";", "|", "::")
_UNUSUAL = ("\x01", "\x1f", "\x02", "^", "~", "，", "；", "｜", "¦", "§")  # noqa: RUF001
"""Separators that are tried if a line has none of the usual ones."""

_SPACE_RUN = re.compile(r"[ \t]+")

_MIN_TIME = 1e8
"""Smaller numbers are no times since 1970 in any unit: this is 1973 in seconds."""


def split_fields(line: str, separator: str, is_quoted: bool) -> list[str]:
    """Split one line into its fields."""
    if separator == SPACES:
        return _SPACE_RUN.split(line.strip(" \t"))
    if is_quoted:
        try:
            return next(csv.reader([line], delimiter=separator), [])
        except csv.Error:  # a field is too long
            return line.split(separator)
    return line.split(separator)


def may_quote(separator: str) -> bool:
    """Return whether fields may be quoted with this separator: PyArrow needs one byte."""
    return separator != SPACES and len(separator.encode()) == 1


def likely_separators(sample: Sample, config: ReadConfig) -> tuple[str, ...]:
    """Return the possible separators: spaces only if there is no other."""
    if config.separator is not None:
        return (config.separator,)
    line = sample.lines[0]
    usual = tuple(s for s in _USUAL if s in line)
    if usual:
        return tuple("||" if s == "|" and _are_pairs(sample.lines) else s for s in _USUAL)
    unusual = tuple(s for s in _UNUSUAL if s in line)
    if unusual:
        return unusual
    return (SPACES if _are_aligned(sample.lines) else " ",)


def _are_pairs(lines: Sequence[str]) -> bool:
    """Return whether all runs of vertical bars are two long, equally many in each line."""
    counts = {line.count("||") for line in lines}
    runs = {len(run) for line in lines for run in re.findall(r"\|+", line)}
    return runs == {2} and len(counts) == 1


def _are_aligned(lines: Sequence[str]) -> bool:
    """Return whether runs of spaces separate fields, rather than empty fields."""
    has_runs = ["  " in line.strip() or line != line.strip() for line in lines]
    squeezed = _num_alike([len(line.split()) for line in lines])
    single = _num_alike([len(line.split(" ")) for line in lines])
    return any(has_runs) and (squeezed > single or (squeezed == single and all(has_runs)))


def _num_alike(widths: Sequence[int]) -> int:
    """Return the number of lines of the most common width."""
    return max(Counter(widths).values())


def split_best(line: str, separators: Sequence[str]) -> tuple[list[str], str]:
    """Split a line by the separator that gives most fields."""
    readings = [(split_fields(line, s, may_quote(s)), s) for s in separators]
    return max(readings, key=lambda reading: len(reading[0]))


def choose_separator(sample: Sample, separators: Sequence[str], time: int | None) -> str:
    """Return the separator that splits most rows alike, gives times, and gives most fields.

    Args:
        sample: rows without header.
        separators: at least one.
        time: index of the field with the time, if the user gave it.
    """

    def _merit(separator: str) -> tuple[float, float, int]:
        rows = [split_fields(line, separator, may_quote(separator)) for line in sample.lines]
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows) if width > 1 else 0
        times = [row[time] for row in rows if time is not None and time < len(row)]
        return alike // max(1, len(rows) // 2), sum(map(is_likely_time, times)), width

    return max(separators, key=_merit)


def is_likely_time(field: str) -> bool:
    """Return whether a field is a written date, or a number as large as a time since 1970."""
    if is_number(field):
        return float(field) >= _MIN_TIME
    return recognise_field(field) is not None
