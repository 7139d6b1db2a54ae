"""Detect the layout of delimited text: separator, header, and the place of each column.

Known layouts are modules of `sbrcli.log.formats.layouts`; other tables are read by their header.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sbrcli.config.reading import ReadConfig
from sbrcli.log.columns.kind_column import add_kind_column
from sbrcli.log.columns.matching import (
    check_columns,
    match_columns,
    named_by_place,
    with_path_names,
    without_time,
)
from sbrcli.log.columns.time_columns import add_time_columns
from sbrcli.log.columns.times import field_seconds, is_number, is_words, recognise_field
from sbrcli.log.events import ITEM_ID, RATING, TIME_OF_DAY, TIMESTAMP, USER_ID
from sbrcli.log.files.samples import Sample
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.layouts.registry import headed_layouts, headerless_layouts
from sbrcli.log.formats.log_format import LogFormat, ordered
from sbrcli.log.formats.row_widths import fit_header
from sbrcli.log.formats.separators import (
    choose_separator,
    likely_separators,
    may_quote,
    split_best,
    split_fields,
)
from sbrcli.log.formats.unsupported_layouts import refuse_blocks, refuse_drawn, unknown_layout

_HIGHEST_RATING = 10


def recognise_text(path: Path, sample: Sample, config: ReadConfig) -> LogFormat:
    """Detect the layout of delimited text by its first lines.

    Raises:
        DataError: it has no known layout, or lacks a column.
    """
    wanted = config.named_columns
    separators = likely_separators(sample, config)
    refuse_blocks(path, sample.lines)
    refuse_drawn(path, sample.lines)
    are_numbers = bool(wanted) and all(
        name.replace("+", "").isdecimal() for name in wanted.values()
    )
    may_have_none = config.header is None and not _numbers_columns(sample.lines[0], separators)
    found = None
    if config.header is False or (may_have_none and are_numbers):
        found = _numbered(path, sample, separators, config)
    elif may_have_none and not wanted:
        # A row of ids such as "user" and "item" must not be taken for a header.
        found = _from_rows(sample, sample.lines[:1], separators)
    if found is None and config.header is not False:
        found = _from_header(path, sample, separators, config)
    if found is None and may_have_none:
        found = _from_rows(sample, sample.lines, separators)
    if found is None and may_have_none:
        found = _pairs(path, sample, separators, config)
    if found is None:
        raise unknown_layout(path, sample, *split_best(sample.lines[0], separators))
    found = fit_header(found, sample.lines[1:])
    if config.no_time:
        return ordered(found)
    if TIME_OF_DAY in found.columns:
        return replace(found, time_unit="iso")
    if config.unit_of_times != "auto" or len(found.time_columns) > 1:
        return replace(found, time_unit=config.unit_of_times)
    return _with_iso_times(found, sample)


def _numbers_columns(line: str, separators: Sequence[str]) -> bool:
    """Return whether a line is a header of running numbers, as written by programs: 0,1,2,3."""
    fields, separator = split_best(line, separators)
    numbers = ([str(at + first) for at in range(len(fields))] for first in (0, 1))
    return len(separator) == 1 and fields in numbers  # double colons are MovieLens', without header


def _from_header(
    path: Path, sample: Sample, separators: Sequence[str], config: ReadConfig
) -> LogFormat | None:
    """Return the format by the header with most known names; None if no name is known."""
    wanted, line = config.named_columns, sample.lines[0]
    readings = {s: split_fields(line, s, may_quote(s)) for s in separators}
    widths = {s: len(names) for s, names in readings.items()}
    readings = {s: with_path_names(names, sample.path_names) for s, names in readings.items()}
    wishes = {s: named_by_place(names, wanted) for s, names in readings.items()}
    found = {s: match_columns(n, wishes[s], by_last_part=True) for s, n in readings.items()}
    separator = max(found, key=lambda s: len(found[s]))
    columns, names = found[separator], readings[separator]
    if not columns:
        if not wanted and not config.header:
            return None
        names, separator = split_best(line, separators)
    wanted = wishes.get(separator, wanted)
    rows = [split_fields(row, separator, may_quote(separator)) for row in sample.lines[1:]]
    if "time" not in wanted and not config.no_time:
        columns = add_time_columns(names, columns, rows)
    columns = add_kind_column(names, columns, rows)
    columns = without_time(columns) if config.no_time else columns
    check_columns(
        f"{path} line {sample.first_line}", names, columns, wanted, needs_time=not config.no_time
    )
    place = {position: column for column, position in columns.items()}
    return LogFormat(
        name=_name_of(names),
        names=tuple(names),
        separator=separator,
        skipped_lines=sample.first_line,
        num_path_names=len(names) - widths.get(separator, len(names)),
        is_quoted=may_quote(separator),
        columns=tuple(place.get(position) for position in range(len(names))),
    )


def _name_of(names: Sequence[str]) -> str:
    return next((one.name for one in headed_layouts() if one.is_header(names)), "a table")


def _numbered(
    path: Path, sample: Sample, separators: Sequence[str], config: ReadConfig
) -> LogFormat | None:
    """Return the format of a text without header by column numbers, counted from 1."""
    wanted = config.named_columns
    if not wanted:
        found = _from_rows(sample, sample.lines, separators)
        return found or _pairs(path, sample, separators, config)
    time = int(wanted["time"]) - 1 if wanted.get("time", "").isdecimal() else None
    separator = choose_separator(sample, separators, time)
    fields = split_fields(sample.lines[0], separator, may_quote(separator))
    names = [str(number) for number in range(1, len(fields) + 1)]
    where = f"{path}, whose columns are numbered as it has no header"
    columns = match_columns(names, wanted)
    check_columns(where, names, columns, wanted, needs_time=not config.no_time)
    place = {position: column for column, position in columns.items()}
    return LogFormat(
        name="a table",
        names=tuple(names),
        separator=separator,
        is_quoted=may_quote(separator),
        columns=tuple(place.get(position) for position in range(len(names))),
    )


def _pairs(
    path: Path, sample: Sample, separators: Sequence[str], config: ReadConfig
) -> LogFormat | None:
    """Return the format of rows of a user and an item without times, as in SASRec."""
    if not config.no_time or config.columns:
        return None
    fields, separator = split_best(sample.lines[0], separators)
    rows = [split_fields(line, separator, may_quote(separator)) for line in sample.lines]
    if any(map(str.isdigit, "".join(fields))) and all(len(row) == 2 for row in rows):
        return _numbered(path, sample, separators, replace(config, columns="user=1,item=2"))
    return None


def _from_rows(sample: Sample, lines: Sequence[str], separators: Sequence[str]) -> LogFormat | None:
    """Return the known layout without header that one of some lines fits.

    One line is enough, so that a bad first row is reported as such.
    """
    known = (one for one in headerless_layouts() if one.format.separator in separators)
    likely = (
        one
        for one in known
        if RATING not in one.format.columns or _may_hold_ratings(one, sample.lines)
    )
    return next((one.format for one in likely if any(_fits(one, line) for line in lines)), None)


def _fits(layout: Headerless, line: str) -> bool:
    log_format = layout.format
    fields = split_fields(line, log_format.separator, log_format.is_quoted)
    if len(fields) != len(log_format.columns):
        return False
    if not layout.is_row(fields):
        return False
    time = fields[log_format.position(TIMESTAMP)]
    if is_words(log_format.time_unit):
        return field_seconds(time, log_format.time_unit) is not None
    if RATING not in log_format.columns:
        return is_number(time)
    # Four fields between tabs may be anything; between double colons it is MovieLens.
    return len(log_format.separator) > 1 or (
        is_number(time) and is_number(fields[log_format.position(RATING)])
    )


def _may_hold_ratings(layout: Headerless, lines: Sequence[str]) -> bool:
    """Return whether four tab-separated columns are user, item, rating and time in this order.

    Ratings are at most 10, unlike most ids and times, and nobody rates an item twice with different
    ratings, unlike the events of a user's session.
    """
    log_format = layout.format
    if len(log_format.separator) > 1:
        return True
    ratings: dict[tuple[str, str], str] = {}
    for line in lines:
        if _fits(layout, line):
            row = line.split(log_format.separator)
            user, item, rating = (row[log_format.position(c)] for c in (USER_ID, ITEM_ID, RATING))
            is_other = ratings.setdefault((user, item), rating) != rating
            if is_other or abs(float(rating)) > _HIGHEST_RATING:
                return False
    return True


def _with_iso_times(log_format: LogFormat, sample: Sample) -> LogFormat:
    """Return the format with written dates as its times, if the first valid time is one."""
    at = log_format.position(TIMESTAMP)
    for line in sample.lines[log_format.has_header :]:
        fields = split_fields(line, log_format.separator, log_format.is_quoted)
        unit = recognise_field(fields[at]) if len(fields) > at else None
        if unit is not None:
            return replace(log_format, time_unit=unit)
    return log_format
