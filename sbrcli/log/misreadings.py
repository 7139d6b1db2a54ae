"""What shows that a log may not be read as it was meant, in plain sentences."""

import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns import ROLE_NAMES
from sbrcli.log.epochs import YEAR_1995_SECONDS, digit_seconds, latest_seconds
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.nobody import StandIn, find_stand_ins
from sbrcli.log.times import PER_SECOND, YEAR_2200_SECONDS, format_time, unit_name

_FEWEST_ROWS = 10
_DAY_SECONDS = 86_400
_YEAR_SECONDS = 365 * _DAY_SECONDS
_DATE_NUMBERS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How dates are written as numbers, by how many digits they have."""

_NUMBER = re.compile(r"\+?0*([0-9]+)(?:\.0*)?")
_OTHER_FORM = r"^\s|\s$|^\+[0-9]|^0[0-9]|^[+]?[0-9]+\.0*$"
"""Ids that may be another one, written in another way."""


def find_misreadings(
    events: pd.DataFrame | Mapping[Any, pd.Series], *, time_unit: str = "s", zone: tzinfo = UTC
) -> Iterator[str]:
    """Say what about ids and times seems to be meant otherwise than it was read.

    Args:
        events: an event table, or its columns by their names; at least one row, in any order.
        time_unit: what the log's times were in before they became seconds.
        zone: where times are printed.
    """
    yield from _odd_ids(events)
    times = events[TIMESTAMP].to_numpy()
    first, last = times.min().item(), times.max().item()
    dates = [round(time * PER_SECOND.get(time_unit, 1)) for time in (first, last)]
    if time_unit in PER_SECOND and all(map(_is_date_number, dates)):
        yield (
            f"The times, from {dates[0]} to {dates[1]}, seem to be dates, and were read as "
            f"{unit_name(time_unit)}. --time-unit digits reads them as such."
        )
    else:
        yield from _odd_times(first, last, zone, time_unit)
        yield from _early_times(first, last, zone)
    if time_unit == "s" and last <= 1231 and not np.isnan(digit_seconds(times, "mmdd")).any():
        yield (
            f"The times, from {first} to {last}, may be month and day without a year. --time-unit "
            "mmdd reads them as such."
        )


def _early_times(first: float, last: float, zone: tzinfo) -> Iterator[str]:
    if _YEAR_SECONDS <= last < YEAR_1995_SECONDS:
        yield (
            f"All times lie before 1995, the last at {format_time(last, zone)}: they may be in "
            "another unit, or counted from another year than 1970. --time-unit says what they are "
            "in, such as ms, ticks or excel."
        )
    elif _YEAR_SECONDS <= first < YEAR_1995_SECONDS:
        yield (
            f"The first time is {format_time(first, zone)}, before 1995: some times may be wrong, "
            "or in another unit."
        )
    if latest_seconds() <= last < YEAR_2200_SECONDS:
        yield (
            f"The last time is {format_time(last, zone)}, which is yet to come: some times may be "
            "wrong, or in another unit."
        )


def _odd_times(first: float, last: float, zone: tzinfo, time_unit: str) -> Iterator[str]:
    if last < _YEAR_SECONDS:
        yield (
            f"All times lie in 1970, the last at {last:,.0f} s: they seem to be running numbers, "
            "not times. Gaps, days and dates mean nothing then."
        )
    elif first == 0:
        yield (
            f"The first time is {format_time(first, zone)}: a time of 0 often stands for an "
            "unknown one. Take such events out."
        )
    elif first < _YEAR_SECONDS:
        yield (
            f"The first time is {format_time(first, zone)}: some times may be in another unit. "
            "Give all of them in one."
        )
        if time_unit == "s" and last < YEAR_2200_SECONDS:
            yield (
                f"Where times are counted from the log's own beginning, --time-unit ms makes "
                f"{(last - first) / 1000 / _DAY_SECONDS:,.1f} days of them instead of "
                f"{(last - first) / _DAY_SECONDS:,.1f}."
            )
    if last >= YEAR_2200_SECONDS:
        yield (
            f"The last time is {format_time(last, zone)}: some times may be in another unit. "
            "Give all of them in one."
        )


def _odd_ids(events: pd.DataFrame | Mapping[Any, pd.Series]) -> Iterator[str]:
    for column in (USER_ID, SESSION_ID, ITEM_ID):
        ids = events.get(column)
        if ids is None:
            continue
        role = ROLE_NAMES[column]
        for stand_in in find_stand_ins(column, ids):
            yield _odd_id(role, stand_in, len(ids))
        if (
            column == ITEM_ID
            and len(ids) >= _FEWEST_ROWS
            and ids.iloc[:1000].is_unique
            and ids.is_unique
        ):
            yield (
                "Each item id occurs once: the column may number the rows. Check which column "
                "names the items; --columns item=NAME takes another."
            )
        if isinstance(ids.dtype, pd.CategoricalDtype):
            yield from _odd_forms(role, ids.cat.categories.tolist())


def _odd_id(role: str, stand_in: StandIn, num_events: int) -> str:
    count, text = stand_in.count, shlex.quote(stand_in.text)
    drop = f"--drop-id {shlex.quote(f'{role}={stand_in.text}')} leaves them out."
    if not stand_in.is_named:
        share = 100 * count / num_events
        return (
            f"{count:,} of {num_events:,} events ({share:.0f} %) have the {role} {text}: it may "
            f"stand for many or be a program. {drop}"
        )
    return (
        f"{count:,} of {num_events:,} events {'has' if count == 1 else 'have'} the {role} {text}: "
        f"it seems to stand for no {role}, and counts as one like any other. {drop}"
    )


def _odd_forms(role: str, texts: list[str]) -> Iterator[str]:
    spaced = next((text for text in texts if text != text.strip()), None)
    if spaced is not None:
        yield (
            f"{role.capitalize()} ids begin or end with a space, as '{spaced}' does. It is a part "
            "of the id, which --items and titles do not have. Take such spaces out."
        )
    written = pa.array(texts, pa.string())
    others = written.filter(pc.match_substring_regex(written, _OTHER_FORM)).to_pylist()  # pyright: ignore
    if not others:
        return
    forms = {text: text for text in set(texts).difference(others)}
    pairs = [(forms.setdefault(_plain_form(text), text), text) for text in others]
    two = [pair for pair in pairs if pair[0] != pair[1]]
    if two:
        one, other = two[0]
        yield (
            f"{len(two):,} {role} id{' is' if len(two) == 1 else 's are'} written in two ways, as "
            f"'{one}' and '{other}', and counted as two. Write each id in one way."
        )


def _plain_form(text: str) -> str:
    """Return what an id is without outer spaces, leading zeros, a plus and decimals of zero."""
    found = _NUMBER.fullmatch(text.strip())
    return found[1] if found else text.strip()


def _is_date_number(number: int) -> bool:
    """Tell whether a number reads as a date of our time: 20140407, 20140407105109."""
    text = str(number)
    pattern = _DATE_NUMBERS.get(len(text))
    if pattern is None:
        return False
    try:
        return 1970 <= datetime.strptime(text, pattern).year < 2200
    except ValueError:
        return False
