"""Convert a column of written dates into seconds since 1970 UTC."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.dates import MONTHS, NUMBERS, SHAPES, find_shape, pattern_of, zone_seconds
from sbrcli.log.columns.epochs import civil_seconds

_SAMPLE = 1000
_MAX_MISTAKES = 0.01


class UnreadDatesError(ValueError):
    """A date does not have the shape of the others.

    Args:
        unit: the shape by which rows are checked.
    """

    def __init__(self, unit: str) -> None:
        super().__init__("one of its times is not a date as the others are")
        self.unit = unit


class UnclearDatesError(ValueError):
    """It is unclear whether the day or the month comes first.

    Args:
        message: the evidence.
        hint: what the user can do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_dates(texts: pa.ChunkedArray, unit: str) -> np.ndarray:
    """Return the seconds of dates in one shape: int64, or float64 if one has a fraction.

    Args:
        texts: (events,) text without nulls.
        unit: a shape or a format (see `dates`).

    Raises:
        UnreadDatesError: one of them does not have the shape, or is not a date.
    """
    fields = _extract(texts, unit)
    numbers = {name: _to_numbers(fields[name]) for name in NUMBERS if name in fields}
    zeros = np.zeros(len(texts), np.int64)
    if "short" in fields:
        short = _to_numbers(fields["short"])
        numbers["year"] = short + np.where(short > 68, 1900, 2000)
    if "name" in fields:
        short_names = pc.utf8_slice_codeunits(pc.utf8_lower(fields["name"]), 0, 3)  # pyright: ignore
        found = pc.index_in(short_names, pa.array(MONTHS))  # pyright: ignore
        numbers["month"] = found.fill_null(-1).to_numpy().astype(np.int64) + 1
    for name in ("month", "day"):
        numbers.setdefault(name, zeros + 1)
    if "half" in fields:
        numbers["hour"] = _full_hours(numbers["hour"], fields["half"])
    seconds = civil_seconds(*(numbers.get(name, zeros) for name in NUMBERS))
    if "zone" in fields:
        seconds = seconds - _zones(fields["zone"])
    if np.isnan(seconds).any():
        raise UnreadDatesError(unit)
    if "fraction" in fields:
        fraction = fields["fraction"]
        if pc.any(pc.not_equal(fraction, "")).as_py():  # pyright: ignore
            decimals = pc.replace_substring_regex(fraction, "^", "0.")  # pyright: ignore
            seconds = seconds + decimals.cast(pa.float64()).to_numpy()
    return seconds


def recognise_shape(texts: pa.ChunkedArray) -> tuple[str, str | None]:
    """Detect the shape of a column of dates, and whether the day or the month comes first.

    Returns:
        The shape, and a sentence on what was assumed without certainty, or None.

    Raises:
        UnreadDatesError: some have one shape, and some another or none.
        UnclearDatesError: day and month cannot be distinguished, or the day comes first in only
            some.
        ValueError: none of them is a date.
    """
    shapes = [find_shape(text) for text in texts.slice(0, _SAMPLE).to_pylist()]
    known = [shape for shape in shapes if shape is not None]
    if not known:
        raise ValueError("its times are neither numbers nor dates")
    shape = max(SHAPES, key=known.count)
    return _order_of(texts) if shape in ("dmy", "mdy") else (shape, None)


def _order_of(texts: pa.ChunkedArray) -> tuple[str, str | None]:
    matched = pc.extract_regex(texts, pattern_of("dmy"))  # pyright: ignore
    texts = texts.filter(matched.is_valid())
    matched = matched.filter(matched.is_valid())
    first = _to_numbers(pc.struct_field(matched, "day"))  # pyright: ignore
    second = _to_numbers(pc.struct_field(matched, "month"))  # pyright: ignore
    days_first, months_first = int((first > 12).sum()), int((second > 12).sum())
    if bool(days_first) != bool(months_first):
        return ("dmy" if days_first else "mdy"), None
    if days_first:
        if min(days_first, months_first) > _MAX_MISTAKES * (days_first + months_first):
            raise _mixed(_first_with(texts, first > 12), _first_with(texts, second > 12))
        # A few rows are mistakes, and are reported as such.
        return ("dmy" if days_first > months_first else "mdy"), None
    few, many = len(np.unique(first)), len(np.unique(second))
    example = texts[0].as_py().strip()
    if (few == 1) != (many == 1):
        shape = "mdy" if few == 1 else "dmy"
        word, other = ("month", "day") if few == 1 else ("day", "month")
        return shape, (
            f"The times, such as {example}, were read with the {word} first, since all of them "
            f"then lie in one month. If the {other} comes first, give --time-format "
            f"'{_format_of(example, other)}'."
        )
    formats = [f"--time-format '{form}'" for form in _formats_of(example)]
    raise UnclearDatesError(
        f"the day cannot be distinguished from the month in times such as {example}",
        f"say which comes first: {' or '.join(formats)}",
    )


def _mixed(day_first: str, month_first: str) -> UnclearDatesError:
    formats = [f"--time-format '{form}'" for form in _formats_of(day_first)]
    return UnclearDatesError(
        f"some times have the day first, as {day_first}, and some the month, as {month_first}",
        f"write all of them in one way; {' or '.join(formats)} with --skip-bad-rows takes those "
        "that can be read so",
    )


def _first_with(texts: pa.ChunkedArray, is_so: np.ndarray) -> str:
    return texts[int(np.argmax(is_so))].as_py().strip()


def _formats_of(example: str) -> tuple[str, str]:
    """Return the formats of a date with the day first, and with the month first."""
    return _format_of(example, "day"), _format_of(example, "month")


def _format_of(example: str, first: str) -> str:
    match = re.fullmatch(pattern_of("dmy"), example, re.ASCII)
    if match is None:  # the month comes first
        match = re.fullmatch(pattern_of("mdy"), example, re.ASCII)
    assert match is not None
    directives = dict(zip(NUMBERS[3:], ("%I" if match["half"] else "%H", "%M", "%S"), strict=True))
    directives |= {"fraction": "%f", "half": "%p", "zone": "%z", "year": "%Y"}
    directives |= dict(zip(("day", "month"), ("%d", "%m"), strict=True))
    if (first == "day") != (match.start("day") < match.start("month")):
        directives |= {"day": "%m", "month": "%d"}
    form, end = "", 0
    for name in sorted(match.groupdict(), key=match.start):
        if match[name] is not None:
            form += example[end : match.start(name)] + directives[name]
            end = match.end(name)
    return form


def _extract(texts: pa.ChunkedArray, unit: str) -> dict[str, pa.ChunkedArray]:
    matched = pc.extract_regex(texts, pattern_of(unit))  # pyright: ignore
    if matched.null_count:
        raise UnreadDatesError(unit)
    names = [field.name for field in matched.type]
    return {name: pc.struct_field(matched, name) for name in names}  # pyright: ignore


def _to_numbers(texts: pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of texts of digits; 0 for an empty text."""
    filled = pc.if_else(pc.equal(texts, ""), "0", texts)  # pyright: ignore
    return filled.cast(pa.int64()).to_numpy()


def _full_hours(hours: np.ndarray, halves: pa.ChunkedArray) -> np.ndarray:
    letters = pc.utf8_lower(pc.utf8_slice_codeunits(halves, 0, 1))  # pyright: ignore
    is_pm = pc.equal(letters, "p").to_numpy()  # pyright: ignore
    has_half = pc.not_equal(letters, "").to_numpy()  # pyright: ignore
    full = np.where((hours >= 1) & (hours <= 12), hours % 12 + 12 * is_pm, 99)
    return np.where(has_half, full, hours)


def _zones(zones: pa.ChunkedArray) -> np.ndarray:
    """Return the offset of each zone from UTC in seconds; NaN if it is not a zone."""
    encoded = zones.combine_chunks().dictionary_encode()
    ahead = [zone_seconds(zone) for zone in encoded.dictionary.to_pylist()]
    if None not in ahead:
        return np.array(ahead, np.int64)[encoded.indices.to_numpy()]
    floats = np.array([np.nan if one is None else one for one in ahead])
    return floats[encoded.indices.to_numpy()]
