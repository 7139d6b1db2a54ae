"""Find times in several columns, such as a date and a time of day, and join their values into one
text.
"""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.dates import NUMBERS, date_seconds, find_shape
from sbrcli.log.columns.names import normalised
from sbrcli.log.columns.time_column_choice import choose_time_column
from sbrcli.log.events import TIME_PARTS, TIMESTAMP

_NUMBER_NAMES = {
    "year": ("year", "yyyy"),
    "month": ("month",),
    "day": ("day", "dayofmonth"),
    "hour": ("hour", "hours", "hr", "hourofday"),
    "minute": ("minute", "minutes", "min"),
    "second": ("second", "seconds", "sec"),
}
_CLOCK_NAMES = ("time", "timeofday", "hourmin", "hourminute", "hhmm", "hhmmss", "clock")
_LENGTH_OF_TIME = re.compile(
    "spent|dwell|watch|play|view|read|listen|duration|total|elapsed|response|load|session"
)
"""Names of columns that hold durations, not times."""

_MIDNIGHT = r"[ T]0?0:00(?::00(?:\.0+)?)?$"
_CLOCK = re.compile(
    r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?( ?[AaPp]\.?[Mm]\.?)?", re.ASCII
)
_DIGIT_DATE = re.compile(r"(19|20)\d{6}", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)

_REWRITTEN = {
    "date": [(_MIDNIGHT, "")],
    "yyyymmdd": [(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")],
    # Dates that Excel and pandas write before a time of day.
    "clock": [(r"^(?:0 days |1(?:899|900)-\d\d-\d\d[ T])", "")],
    "hhmm": [(r"^(\d)$", r"000\1"), (r"^(\d\d)$", r"00\1"), (r"^(\d?\d)(\d\d)$", r"\1:\2")],
    "hhmmss": [
        *((rf"^(\d{{{n}}})$", "0" * (5 - n) + r"\1") for n in range(1, 5)),
        (r"^(\d?\d)(\d\d)(\d\d)$", r"\1:\2:\3"),
    ],
    "minute": [(r"^(\d)$", r"0\1")],
    "second": [(r"^(\d)(\.|$)", r"0\1\2")],
}
"""Rewriting of the text in each kind of column, by regular expressions that Python and RE2 read
alike."""

_TRIMMED = [(r"^\s+|\s+$", ""), (r"^(\d+)\.0+$", r"\1")]


class MissingTimeError(ValueError):
    """A row lacks one of the columns of a time."""


def add_time_columns(
    names: Sequence[str], found: Mapping[str, int], rows: Sequence[Sequence[str]]
) -> dict[str, int]:
    """Add the columns of a time that is spread over several to those found.

    A date without a time of day is completed by one, and the reverse.

    Args:
        names: as in the log.
        found: places by the column of the event table.
        rows: the first rows, a text for each name.
    """
    values = [[row[at].strip() for row in rows if at < len(row)] for at in range(len(names))]
    free = [at for at in range(len(names)) if at not in found.values()]
    at = found.get(TIMESTAMP)
    places: list[int] = []
    if at is None:
        places = _calendar_columns(names, values, free)
        dates = [place for place in free if "date" in normalised(names[place])]
        dates = [place for place in dates if _are_dates(values[place])]
        if not places and dates:
            clocks = _clock_columns(names, values, [place for place in free if place != dates[0]])
            places = [dates[0], *clocks] if clocks else []
    elif _are_dates(values[at]):
        clocks = _clock_columns(names, values, free)
        places = [at, *clocks] if clocks else []
    elif _clock_columns(names, values, [at]):
        dates = [place for place in free if _are_dates(values[place])]
        places = [dates[0], at] if dates else []
    if not places:
        return choose_time_column(names, found, values, free)
    return {**found, **dict(zip((TIMESTAMP, *TIME_PARTS), places, strict=False))}


def _calendar_columns(
    names: Sequence[str], values: Sequence[Sequence[str]], free: Sequence[int]
) -> list[int]:
    """Return the columns of year, month and day, and those of their time of day."""
    for year in free:
        plain = normalised(names[year])
        ending = next((end for end in _NUMBER_NAMES["year"] if plain.endswith(end)), None)
        if ending is None or not all(re.fullmatch("(19|20)[0-9]{2}", v) for v in values[year]):
            continue
        stem = plain.removesuffix(ending)
        by_name = {normalised(names[at]): at for at in reversed(free)}
        places = [year]
        for part in NUMBERS[1:]:
            spelt = (stem + name for name in _NUMBER_NAMES[part])
            at = next((by_name[name] for name in spelt if name in by_name), None)
            if at is None or not all(map(_DIGITS.fullmatch, values[at])):
                break
            places.append(at)
        if len(places) >= 3:
            return places
    return []


def _clock_columns(
    names: Sequence[str], values: Sequence[Sequence[str]], free: Sequence[int]
) -> list[int]:
    """Return the column of a time of day, or those of hour, minute and second; [] if there are
    none."""
    for at in free:
        plain = normalised(names[at])
        if plain.endswith(_CLOCK_NAMES) and not _LENGTH_OF_TIME.search(plain):
            texts = [_rewritten(text, "clock") for text in values[at]]
            if texts and (all(map(_CLOCK.fullmatch, texts)) or _are_clock_digits(texts)):
                return [at]
    places: list[int] = []
    for part, most in (("hour", 23), ("minute", 59), ("second", 59)):
        at = next((at for at in free if _is_clock_part(names[at], part)), None)
        if at is None or not _are_at_most(values[at], most):
            break
        places.append(at)
    return places


def _are_dates(values: Sequence[str]) -> bool:
    """Return whether all values are dates without a time of day."""
    texts = [re.sub(_MIDNIGHT, "", value) for value in values]
    return bool(texts) and all(
        _DIGIT_DATE.fullmatch(text) is not None
        if text.isdecimal()
        else ":" not in text and "T" not in text and find_shape(text) is not None
        for text in texts
    )


def _are_clock_digits(values: Sequence[str]) -> bool:
    """Return whether numbers are hours and minutes, possibly with seconds, such as 0805 or
    80559.
    """
    if not all(_DIGITS.fullmatch(value) and len(value) <= 6 for value in values):
        return False
    if not any(len(value) > 2 for value in values):
        return False
    kind = "hhmmss" if any(len(value) > 4 for value in values) else "hhmm"
    return all(_CLOCK.fullmatch(_rewritten(value, kind)) for value in values)


def _are_at_most(values: Sequence[str], most: int) -> bool:
    texts = [_rewritten(value, "number") for value in values]
    return bool(texts) and all(_DIGITS.fullmatch(text) and int(text) <= most for text in texts)


def may_hold_time(name: str) -> bool:
    """Return whether a column may be a part of a time by its name."""
    plain = normalised(name)
    return "date" in plain or plain.endswith(_CLOCK_NAMES) or _number_of(name) is not None


def _is_clock_part(name: str, part: str) -> bool:
    """Return whether a column is the hour, minute or second of a time, not a duration."""
    plain = normalised(name)
    is_length = plain.endswith("s") or _LENGTH_OF_TIME.search(plain) is not None
    return _number_of(name) == part and not is_length


def _number_of(name: str) -> str | None:
    """Return the part of a time that a column's name stands for."""
    plain = normalised(name)
    if plain.endswith(_CLOCK_NAMES):
        return None
    for part, endings in _NUMBER_NAMES.items():
        if plain.endswith(endings):
            return part
    return None


def decide_kinds(columns: Sequence[pa.ChunkedArray], names: Sequence[str]) -> tuple[str, ...]:
    """Return what the columns of a time hold; without known names, the first is a date.

    Args:
        columns: (events,) texts each, none of them empty.
        names: of the columns in the log.

    Returns:
        For each column "date", "yyyymmdd", "clock", "hhmm", "hhmmss" or a part of a date's name.
    """
    named = [_number_of(name) for name in names]
    years = _lengths_of_digits(columns[0]) == (4, 4)
    if years and named[0] is None:  # numbered columns
        return NUMBERS[: len(columns)]
    if "year" in named:
        return tuple(
            part or _clock_kind(column, name)
            for part, column, name in zip(named, columns, names, strict=True)
        )
    kinds = ["yyyymmdd" if _lengths_of_digits(columns[0]) == (8, 8) else "date"]
    if len(columns) == 2:
        return (*kinds, _clock_kind(columns[1], names[1]))
    return (*kinds, *NUMBERS[3 : 2 + len(columns)])


def _clock_kind(column: pa.ChunkedArray, name: str) -> str:
    lengths = _lengths_of_digits(column)
    if lengths is None:
        return "clock"
    largest = max(map(int, pc.unique(column).to_pylist()))  # pyright: ignore
    if largest >= 2400 or lengths[0] >= 5:
        return "hhmmss"
    is_hour = _number_of(name) == "hour"
    has_minutes = normalised(name).endswith(_CLOCK_NAMES) and not is_hour
    return "hhmm" if largest >= 24 or lengths[0] >= 3 or has_minutes else "hour"


def _lengths_of_digits(column: pa.ChunkedArray) -> tuple[int, int] | None:
    """Return the fewest and most digits of numbers; None if one is not a whole number."""
    if not pc.all(pc.match_substring_regex(column, r"^\d+$")).as_py():  # pyright: ignore
        return None
    bounds = pc.min_max(pc.utf8_length(column)).as_py()  # pyright: ignore
    return bounds["min"], bounds["max"]


def plain_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of a column of a time as text, without outer spaces and decimals of zero.

    Raises:
        MissingTimeError: one is empty.
    """
    texts = column.cast(pa.string())
    for pattern, to in _TRIMMED:
        texts = pc.replace_substring_regex(texts, pattern, to)  # pyright: ignore
    if texts.null_count or pc.any(pc.equal(texts, "")).as_py():  # pyright: ignore
        raise MissingTimeError("a part of a timestamp is missing")
    return texts


def join_columns(columns: Sequence[pa.ChunkedArray], kinds: Sequence[str]) -> pa.ChunkedArray:
    """Return the time in several columns as one text: 2021-03-01 08:05.

    Args:
        columns: (events,) texts each, as `plain_texts` returns them.
        kinds: see `decide_kinds`; empty if the user gives the format, which applies to the columns
            joined by single spaces.
    """
    if not kinds:
        return pc.binary_join_element_wise(*columns, " ")  # pyright: ignore
    pieces = {}
    for texts, kind in zip(columns, kinds, strict=True):
        pieces[kind] = texts
        for pattern, to in _REWRITTEN.get(kind, ()):
            pieces[kind] = pc.replace_substring_regex(pieces[kind], pattern, to)  # pyright: ignore
    joined: list[object] = []
    for kind, separator in _separators(kinds):
        joined = [*joined, separator, pieces[kind]] if joined else [pieces[kind]]
    return pc.binary_join_element_wise(*joined, "")  # pyright: ignore


def join_fields(fields: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the time of one row, like `join_columns`."""
    plain = [_rewritten(field, "number") for field in fields]
    if not kinds:
        return " ".join(plain)
    pieces = {k: _rewritten(text, k) for k, text in zip(kinds, plain, strict=True)}
    pairs = list(_separators(kinds))
    return pieces[pairs[0][0]] + "".join(sep + pieces[kind] for kind, sep in pairs[1:])


def _separators(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Return the kinds from the year to the second, each with its preceding separator."""
    ranks = {"date": 0, "yyyymmdd": 0, "clock": 3, "hhmm": 3, "hhmmss": 3}
    ranks |= {part: rank for rank, part in enumerate(NUMBERS)}
    ordered = sorted(kinds, key=ranks.__getitem__)
    return [(kind, "-- ::"[ranks[kind] - 1] if ranks[kind] else "") for kind in ordered]


def _rewritten(text: str, kind: str) -> str:
    for pattern, to in (*_TRIMMED, *_REWRITTEN.get(kind, ())):
        text = re.sub(pattern, to, text, flags=re.ASCII)
    return text


def is_time_of_day(text: str) -> bool:
    """Return whether a text is a time of day without a date: 08:05:59."""
    return _CLOCK.fullmatch(text.strip()) is not None and date_seconds(text, "ymd") is None
