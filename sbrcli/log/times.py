"""Times of a log: their unit, seconds since 1970 UTC, and how they are written for a person."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from sbrcli.errors import ConfigError

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""How many of each time unit make a second."""

UNIT_NAMES = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "iso": "ISO 8601",
}

LATEST_SECONDS = 253_370_000_000
"""Just within the year 9999 in every time zone: what a calendar can name."""

YEAR_2200_SECONDS = 7_258_118_400
"""Times beyond it are taken to be in another unit."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"([T ](\d\d:\d\d(:\d\d)?)((?<=:\d\d:\d\d)\.\d{1,9})?( UTC|Z|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recognise_unit(typical: float) -> str:
    """Tell the unit of a log's times by the size of a typical one.

    A unit is taken if the time lies before the year 2200 in it and not in the one before:
    978300760 is in seconds, 978300760000 (the year 32971 in seconds) in milliseconds.

    Args:
        typical: a time in the middle of the log, which one wrong row does not move.
    """
    plausible = (u for u, n in PER_SECOND.items() if abs(typical) < YEAR_2200_SECONDS * n)
    return next(plausible, "s")


def to_seconds(times: np.ndarray, unit: str) -> np.ndarray:
    """Turn a log's times into seconds: int64 where that loses nothing, else float64.

    Args:
        times: (events,) int64 or float64, since 1970 UTC in `unit`.
        unit: "s", "ms", "us" or "ns".
    """
    per_second = PER_SECOND[unit]
    if times.dtype == np.int64:
        if per_second == 1:
            return times
        whole, rest = np.divmod(times, per_second)
        return times / per_second if rest.any() else whole
    seconds = times / per_second
    # Beyond 2**53 a float64 no longer tells one whole number from the next.
    is_whole = (np.abs(seconds) < 2**53).all() and (seconds == np.floor(seconds)).all()
    return seconds.astype(np.int64) if is_whole else seconds


def is_number(text: str) -> bool:
    """Tell whether a field is a finite decimal number, spaces around it allowed."""
    if len(text) < 300 and text.isascii() and text.isdigit():  # nearly all are, and it is quick
        return True
    stripped = text.strip(" \t")
    return _NUMBER.fullmatch(stripped) is not None and math.isfinite(float(stripped))


def is_iso_time(text: str) -> bool:
    """Tell whether a field is a date, or a date and time, as 2014-04-07T10:51:09.277Z.

    Between date and time may stand a space, behind them a zone; ` UTC` is one too.
    """
    match = _ISO_TIME.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(f"{match[1]}T{match[3] or '00:00'}")
    except ValueError:
        return False
    return True


def iso_seconds(text: str) -> float:
    """Give the seconds since 1970 of a date in words, to the second and without its zone."""
    match = _ISO_TIME.fullmatch(text)
    assert match is not None
    return datetime.fromisoformat(f"{match[1]}T{match[3] or '00:00'}+00:00").timestamp()


def is_in_calendar(seconds: float) -> bool:
    """Tell whether a time lies within the years 1970 to 9999; nothing was logged before."""
    return 0 <= seconds <= LATEST_SECONDS


def is_short_span(milliseconds: float) -> bool:
    """Tell whether so many milliseconds may pass in a session: up to a year."""
    return 0 <= milliseconds <= 366 * 86_400_000


def find_zone(name: str) -> tzinfo:
    """Find a time zone by its name, as in Asia/Seoul.

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
    """Write a time as ISO 8601 with offset: 2000-12-31T22:12:40+00:00."""
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()
