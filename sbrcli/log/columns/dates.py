"""Define the shapes of written dates, and read one date.

A shape is a regular expression that Python and RE2 read alike, so that a row is checked by the same
expression that reads the whole column (see `date_columns`).
"""

import re
from datetime import UTC, datetime
from functools import cache

from sbrcli.errors import ConfigError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

NUMBERS = ("year", "month", "day", "hour", "minute", "second")
"""Numeric groups of a shape; the others are name, half, fraction and zone."""

_CLOCK = (
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,:](?P<fraction>\d{1,9}))?)?)?"
    r"(?: ?(?P<half>[AaPp]\.?[Mm]\.?))?"
)
_ZONE_NAME = r"[A-Z]{2,5}"
_ZONE = rf"(?: *(?P<zone>z|(?:GMT|UTC)?[+-]\d\d(?::?\d\d)?|Z|{_ZONE_NAME})(?: ?\([A-Za-z ]+\))?)?"
_REST = rf"(?:(?:,? +|T|t|:){_CLOCK}{_ZONE})?"
_YEAR = r"(?P<year>\d{4})"
_DAY = r"(?P<day>\d{1,2})"
_MONTH = r"(?P<month>\d{1,2})"
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_WEEKDAY = r"(?:[A-Za-z]{3,9},? +)?"

SHAPES = {
    "ymd": rf"{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}{_REST}",
    "compact": rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)[Tt ](?P<hour>\d\d):?(?P<minute>\d\d)"
    rf"(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{{1,9}}))?)?{_ZONE}",
    "day month": rf"\[?{_WEEKDAY}{_DAY}[ /-]{_NAME}[ /,-]+{_YEAR}{_REST}\]?",
    "month day": rf"{_WEEKDAY}{_NAME} +{_DAY}(?:st|nd|rd|th)?,? +{_YEAR}{_REST}",
    "year last": rf"{_WEEKDAY}{_NAME} +{_DAY} +{_CLOCK}{_ZONE} +{_YEAR}",
    "dmy": rf"{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}{_REST}",
    "mdy": rf"{_MONTH}[-/.]{_DAY}[-/.]{_YEAR}{_REST}",
}
"""Shapes that are detected; the whole column decides between the last two."""

ZONES = (
    {"Z": 0, "z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0}
    | {"EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
    | {"CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "WEST": 1, "MSK": 3}
    | {"KST": 9, "JST": 9, "HKT": 8, "SGT": 8, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13}
)
"""Offsets from UTC in hours by zone name, without ambiguous names: CST is also China's."""

SHAPE_NAMES = {
    "dates": "words",
    "ymd": "dates (2021-03-31)",
    "compact": "dates (20210331T080000)",
    "day month": "dates (31 Mar 2021)",
    "month day": "dates (Mar 31, 2021)",
    "year last": "dates (Wed Mar 31 08:00:00 2021)",
    "dmy": "dates, the day first (31/03/2021)",
    "mdy": "dates, the month first (03/31/2021)",
}

_DIRECTIVES = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short>\d\d)",
    "m": r"(?P<month>\d{1,2})",
    "d": r"(?P<day>\d{1,2})",
    "e": r" ?(?P<day>\d{1,2})",
    "H": r"(?P<hour>\d{1,2})",
    "I": r"(?P<hour>\d{1,2})",
    "M": r"(?P<minute>\d{1,2})",
    "S": r"(?P<second>\d{1,2})",
    "f": r"(?P<fraction>\d{1,9})",
    "p": r"(?P<half>[AaPp]\.?[Mm]\.?)",
    "b": r"(?P<name>[A-Za-z]{3,9})",
    "B": r"(?P<name>[A-Za-z]{3,9})",
    "a": r"[A-Za-z]{2,9}",
    "A": r"[A-Za-z]{2,9}",
    "z": rf"(?P<zone>[+-]\d\d(?::?\d\d)?|Z|{_ZONE_NAME})",
    "Z": rf"(?P<zone>{_ZONE_NAME}|Z)",
    "%": "%",
}
_SHORTHANDS = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%R": "%H:%M"}


def is_format(unit: str) -> bool:
    """Return whether a time unit is a format for `--time-format`."""
    return "%" in unit


@cache
def pattern_of(unit: str) -> str:
    """Return the regular expression of a shape or format for a whole field.

    Raises:
        ConfigError: the format has an unknown or repeated directive, or no year.
    """
    return rf"^\s*(?:{SHAPES[unit] if unit in SHAPES else _pattern_of_format(unit)})\s*$"


def find_shape(text: str) -> str | None:
    """Return the shape of a date, "dmy" also if the month may come first, or None."""
    matching = (shape for shape in SHAPES if date_seconds(text, shape) is not None)
    return next(matching, None)


def date_seconds(text: str, unit: str) -> float | None:
    """Return the seconds since 1970 of a date in a shape or format; None if it does not match.

    Times without a zone are in UTC.
    """
    match = _compiled(unit).fullmatch(text)
    if match is None:
        return None
    found = {name: value or "" for name, value in match.groupdict().items()}
    fields = {name: int(found.get(name) or 0) for name in NUMBERS}
    if "short" in found:
        fields["year"] = full_year(int(found["short"]))
    if "name" in found:
        fields["month"] = month_of(found["name"])
    for name in ("month", "day"):
        fields[name] = fields[name] if name in found or fields[name] else 1
    if found.get("half"):
        fields["hour"] = _full_hour(fields["hour"], found["half"])
    try:
        found_time = datetime(*(fields[name] for name in NUMBERS), tzinfo=UTC)
    except ValueError:
        return None
    seconds = found_time.timestamp()
    zone = zone_seconds(found.get("zone", ""))
    fraction = float(f"0.{found['fraction']}") if found.get("fraction") else 0
    return None if zone is None else seconds - zone + fraction


def unclear_zone(text: str) -> str | None:
    """Return the name of a date's zone if it is unknown or ambiguous, else None."""
    for found in re.finditer(rf"(?<![A-Za-z]){_ZONE_NAME}(?![A-Za-z])", text):
        name = found[0]
        in_utc = f"{text[: found.start()]}UTC{text[found.end() :]}"
        if name not in ZONES and find_shape(text) is None and find_shape(in_utc) is not None:
            return name
    return None


def full_year(short: int) -> int:
    """Return the year of two digits, as strptime does: 69 is 1969, 68 is 2068."""
    return short + (1900 if short > 68 else 2000)


def month_of(name: str) -> int:
    """Return the number of a month by its English name or its first three letters; 0 if unknown."""
    short = name[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def zone_seconds(zone: str) -> int | None:
    """Return the offset of a zone from UTC in seconds; None if it is unknown."""
    digits = re.sub(r"[^0-9]", "", zone)
    if not digits:
        hours = ZONES.get(zone or "UTC")
        return None if hours is None else hours * 3600
    minutes = int(digits[2:] or 0)
    if minutes > 59 or int(digits[:2]) > 23:
        return None
    return (-1 if "-" in zone else 1) * (int(digits[:2]) * 3600 + minutes * 60)


def _full_hour(hour: int, half: str) -> int:
    if not 1 <= hour <= 12:
        return 99
    return hour % 12 + (12 if half[0] in "Pp" else 0)


@cache
def _compiled(unit: str) -> re.Pattern[str]:
    return re.compile(pattern_of(unit), re.ASCII)


def _pattern_of_format(text: str) -> str:
    for short, full in _SHORTHANDS.items():
        text = text.replace(short, full)
    pattern, seen = "", set[str]()
    pieces = re.split(r"%(.)", text)
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            pattern += r"\s+".join(map(re.escape, re.split(r"\s+", piece)))
        elif piece in _DIRECTIVES and _DIRECTIVES[piece] not in seen:
            seen.add(_DIRECTIVES[piece] if piece not in "%aA" else "")
            pattern += _DIRECTIVES[piece]
        else:
            raise _wrong_format(text)
    has = {name: f"<{name}>" in pattern for name in ("year", "short", "month", "name", "day")}
    names = re.findall(r"<(\w+)>", pattern)
    if not ((has["year"] or has["short"]) and len(names) == len(set(names))):
        raise _wrong_format(text)
    return pattern


def _wrong_format(text: str) -> ConfigError:
    return ConfigError(
        f"time-format must have a year and each directive once. Received: {text}",
        hint="for example --time-format '%d/%m/%Y %H:%M:%S'; known are %" + ", %".join(_DIRECTIVES),
    )
