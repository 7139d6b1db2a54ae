"""Detect the unit of times, convert them to seconds since 1970 UTC, and format them."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from sbrcli.errors import ConfigError
from sbrcli.log.columns.dates import SHAPE_NAMES, date_seconds, find_shape, is_format
from sbrcli.log.columns.epochs import DIGITS, EPOCHS, digit_seconds, linear_seconds, number_seconds

ORDER = "order"
"""Unit of times in a log without any: events are numbered from 0."""

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Number of each time unit in a second."""

UNIT_NAMES = (
    {unit: epoch.name for unit, epoch in EPOCHS.items()}
    | DIGITS
    | SHAPE_NAMES
    | {"iso": "ISO 8601", ORDER: "the order of the file"}
)

LATEST_SECONDS = 253_370_000_000
"""Just within the year 9999 in every time zone, the last one of a calendar."""

YEAR_2200_SECONDS = 7_258_118_400
"""Later times are assumed to be in another unit."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"([T ](\d\d(?::\d\d(:\d\d)?)?)((?<=:\d\d:\d\d)\.\d{1,9})?( UTC|Z|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recognise_unit(typical: float) -> str:
    """Return the unit of a log's times by the size of a typical one.

    It is the first unit in which the time is before the year 2200: 978300760 is in seconds,
    978300760000 (the year 32971 in seconds) in milliseconds.

    Args:
        typical: the median time, which one bad row does not change.
    """
    plausible = (u for u, n in PER_SECOND.items() if abs(typical) < YEAR_2200_SECONDS * n)
    return next(plausible, "s")


def to_seconds(times: np.ndarray, unit: str) -> np.ndarray:
    """Return a log's times in seconds: int64 if lossless, else float64.

    Args:
        times: (events,) int64 or float64, in `unit`.
        unit: a unit of numbers (see `epochs`).

    Raises:
        ValueError: the digits of one are not a date.
    """
    if unit == "s" and times.dtype == np.int64:
        return times
    if unit in EPOCHS:
        return linear_seconds(times, unit)
    seconds = digit_seconds(times, unit)
    if np.isnan(seconds).any():
        raise ValueError("the digits of a time are no date")
    return seconds


def is_number(text: str) -> bool:
    """Return whether a field is a finite decimal number, possibly with outer spaces."""
    if len(text) < 300 and text.isascii() and text.isdigit():  # a fast path for nearly all fields
        return True
    stripped = text.strip(" \t")
    return _NUMBER.fullmatch(stripped) is not None and math.isfinite(float(stripped))


def is_iso_time(text: str) -> bool:
    """Return whether a field is a date, or a date and time, as 2014-04-07T10:51:09.277Z.

    A space may separate date and time; a zone, also ` UTC`, may follow.
    """
    match = _ISO_TIME.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(f"{match[1]}T{match[3] or '00:00'}")
    except ValueError:
        return False
    return True


def recognise_field(text: str) -> str | None:
    """Return "auto" for a number, "iso" or "dates" for a written date, or None."""
    if is_number(text):
        return "auto"
    if is_iso_time(text):
        return "iso"
    return "dates" if find_shape(text) is not None else None


def is_words(unit: str) -> bool:
    """Return whether times in a unit are text: dates in a shape or a format."""
    return unit == "iso" or unit in SHAPE_NAMES or is_format(unit)


def unit_name(unit: str) -> str:
    """Return the name of a unit of times in messages."""
    return f"the format {unit}" if is_format(unit) else UNIT_NAMES[unit]


def field_seconds(text: str, unit: str) -> float | None:
    """Return the seconds since 1970 of one field, to the second; None if it is not a time.

    Args:
        text: the field.
        unit: any but "auto" and "dates".
    """
    if unit == "iso":
        return iso_seconds(text) if is_iso_time(text) else date_seconds(text, "ymd")
    if is_words(unit):
        return date_seconds(text, unit)
    if not is_number(text):
        return None
    stripped = text.strip(" \t")
    return number_seconds(int(stripped) if stripped.isdigit() else float(stripped), unit)


def iso_seconds(text: str) -> float:
    """Return the seconds since 1970 of an ISO date, to the second and ignoring its zone."""
    match = _ISO_TIME.fullmatch(text)
    assert match is not None
    return datetime.fromisoformat(f"{match[1]}T{match[3] or '00:00'}+00:00").timestamp()


def is_in_calendar(seconds: float) -> bool:
    """Return whether a time is within the years 1970 to 9999."""
    return 0 <= seconds <= LATEST_SECONDS


def is_short_span(milliseconds: float) -> bool:
    """Return whether a number of milliseconds is from 0 to a year."""
    return 0 <= milliseconds <= 366 * 86_400_000


def find_zone(name: str) -> tzinfo:
    """Return the time zone of a name such as Asia/Seoul.

    Raises:
        ConfigError: no zone has that name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ConfigError(
            f"tz must be a time zone. Received: {name}", hint="for example --tz Asia/Seoul"
        ) from error


def format_time(seconds: float, zone: tzinfo = UTC) -> str:
    """Return a time as ISO 8601 with offset: 2000-12-31T22:12:40+00:00."""
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()
