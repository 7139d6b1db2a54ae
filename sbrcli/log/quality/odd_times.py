"""Report times that may have been misread, in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

import numpy as np

from sbrcli.log.columns.epochs import YEAR_1995_SECONDS, digit_seconds, latest_seconds
from sbrcli.log.columns.times import ORDER, PER_SECOND, YEAR_2200_SECONDS, format_time, unit_name

_DAY_SECONDS = 86_400
_YEAR_SECONDS = 365 * _DAY_SECONDS
_DATE_NUMBERS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats of dates written as numbers, by number of digits."""

_MIN_EVENTS = 10
_ROUNDED_SECONDS = 1000
"""Times with lost digits are multiples of it, unlike those of any clock."""

_LAST_DAY = 1231
"""December 31 as a number of month and day."""

_SMALLER = {"s": "ms", "ms": "us", "us": "ns"}
"""The next smaller unit, in which the time span is a thousandth."""


@dataclass(frozen=True, slots=True)
class TimeFacts:
    """What warnings about times need of them; facts of parts in their order add up.

    Args:
        count: number of times.
        begin: the first in file order.
        first: the earliest.
        last: the latest.
        has_between: whether one lies from 1971 to 1994.
        are_rounded: whether all are multiples of 1,000 seconds.
        are_midnights: whether all are midnights in UTC.
        may_be_days: whether all may be month and day, as 301 is March 1.
    """

    count: int
    begin: float
    first: float
    last: float
    has_between: bool
    are_rounded: bool
    are_midnights: bool
    may_be_days: bool

    @classmethod
    def of(cls, times: np.ndarray) -> "TimeFacts":
        """Return the facts of (events,) seconds since 1970 UTC, at least one, in file order."""
        first, last = times.min().item(), times.max().item()
        between = (times >= _YEAR_SECONDS) & (times < YEAR_1995_SECONDS) if _is_early(first) else ()
        may_be_days = last <= _LAST_DAY and not np.isnan(digit_seconds(times, "mmdd")).any()
        return cls(
            count=len(times),
            begin=times[0].item(),
            first=first,
            last=last,
            has_between=bool(np.any(between)),
            are_rounded=_are_multiples(times, _ROUNDED_SECONDS),
            are_midnights=_are_multiples(times, _DAY_SECONDS),
            may_be_days=bool(may_be_days),
        )

    def __add__(self, other: "TimeFacts") -> "TimeFacts":
        return TimeFacts(
            count=self.count + other.count,
            begin=self.begin,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            has_between=self.has_between or other.has_between,
            are_rounded=self.are_rounded and other.are_rounded,
            are_midnights=self.are_midnights and other.are_midnights,
            may_be_days=self.may_be_days and other.may_be_days,
        )


def find_odd_times(times: TimeFacts, time_unit: str, zone: tzinfo) -> Iterator[str]:
    """Yield warnings about times of a log that seem to be misread.

    Args:
        times: of the log.
        time_unit: what the log's times were in before they became seconds.
        zone: where times are printed.
    """
    if time_unit == ORDER:
        return
    first, last = times.first, times.last
    dates = [round(time * PER_SECOND.get(time_unit, 1)) for time in (first, last)]
    if time_unit in PER_SECOND and all(map(_is_date_number, dates)):
        yield (
            f"The times, from {dates[0]} to {dates[1]}, seem to be dates, and were read as "
            f"{unit_name(time_unit)}. --time-unit digits reads them as such."
        )
    else:
        yield from _before_1971(times, first, last, time_unit, zone)
        yield from _before_1995(first, last, zone)
        yield from _yet_to_come(last, zone)
        yield from _rounded(times)
    if time_unit == "s" and times.may_be_days:
        yield (
            f"The times, from {first} to {last}, may be month and day without a year. --time-unit "
            "mmdd reads them as such."
        )


def are_dates_alone(times: TimeFacts) -> bool:
    """Return whether all times are midnights and at least ten: dates without a time of day."""
    return times.count >= _MIN_EVENTS and times.begin >= _YEAR_SECONDS and times.are_midnights


def _is_early(first: float) -> bool:
    return first < YEAR_1995_SECONDS


def _are_multiples(times: np.ndarray, seconds: int) -> bool:
    return not (times[:1000] % seconds).any() and not (times % seconds).any()


def _before_1971(
    times: TimeFacts, first: float, last: float, time_unit: str, zone: tzinfo
) -> Iterator[str]:
    if last < _YEAR_SECONDS:
        yield (
            f"All times lie in 1970, the last at {last:,.0f} s: they seem to be running numbers, "
            "not times. Gaps, days and dates mean nothing then."
        )
    elif first < _YEAR_SECONDS and times.has_between and last < YEAR_2200_SECONDS:
        # Where some times alone are unknown or in another unit, none is between these and 1995.
        yield _since_the_beginning(first, last, time_unit)
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


def _since_the_beginning(first: float, last: float, time_unit: str) -> str:
    days = (last - first) / _DAY_SECONDS
    smaller = _SMALLER.get(time_unit)
    remedy = (
        f"--time-unit {smaller} makes {days / 1000:,.1f} days of them instead of {days:,.1f}."
        if smaller is not None
        else "--time-unit says what they are in."
    )
    return (
        "The times run on from 1970: they seem to be counted from the log's own beginning, so that "
        f"dates mean nothing. If they were read in the wrong unit, {remedy}"
    )


def _before_1995(first: float, last: float, zone: tzinfo) -> Iterator[str]:
    if first < _YEAR_SECONDS:
        return
    if last < YEAR_1995_SECONDS:
        yield (
            f"All times lie before 1995, the last at {format_time(last, zone)}: they may be in "
            "another unit, or counted from another year than 1970. --time-unit says what they are "
            "in, such as ms, ticks or excel."
        )
    elif first < YEAR_1995_SECONDS:
        yield (
            f"The first time is {format_time(first, zone)}, before 1995: some times may be wrong, "
            "or in another unit."
        )


def _yet_to_come(last: float, zone: tzinfo) -> Iterator[str]:
    if latest_seconds() <= last < YEAR_2200_SECONDS:
        yield (
            f"The last time is {format_time(last, zone)}, which is yet to come: some times may be "
            "wrong, or in another unit."
        )
    if last >= YEAR_2200_SECONDS:
        yield (
            f"The last time is {format_time(last, zone)}: some times may be in another unit. "
            "Give all of them in one."
        )


def _rounded(times: TimeFacts) -> Iterator[str]:
    if times.count < _MIN_EVENTS or times.last < YEAR_1995_SECONDS:
        return
    if times.are_rounded:
        yield (
            "All times are multiples of 1,000 seconds: they seem to be rounded, as in 1.61459E+09, "
            "so that the order of events and the gaps between them are lost. Export the times with "
            "all their digits."
        )


def _is_date_number(number: int) -> bool:
    """Return whether the digits of a number are a recent date: 20140407, 20140407105109."""
    text = str(number)
    pattern = _DATE_NUMBERS.get(len(text))
    if pattern is None:
        return False
    try:
        return 1970 <= datetime.strptime(text, pattern).year < 2200
    except ValueError:
        return False
