"""The time column of a log, numbers or dates in words → seconds since 1970 UTC."""

import math
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.date_columns import UnreadDatesError, read_dates, recognise_shape
from sbrcli.log.columns.epochs import recognise_epoch
from sbrcli.log.columns.times import is_number, is_short_span, is_words, recognise_unit, to_seconds


class Moments(NamedTuple):
    """The times of a log.

    Args:
        seconds: (events,) int64 where that loses nothing, else float64; since 1970 UTC.
        unit: what they were in.
        doubt: a sentence on what was assumed, where the log does not show it for certain.
    """

    seconds: np.ndarray
    unit: str
    doubt: str | None = None


def read_seconds(times: pa.ChunkedArray, unit: str) -> Moments:
    """Turn a log's times into seconds since 1970 UTC.

    Args:
        times: (events,) numbers, dates, timestamps or text, without nulls.
        unit: a unit of numbers (see `epochs`); "auto" goes by the times themselves; "iso", a shape
            or a format for text that holds dates; "dates" where the shape is not known. A date
            and time without a zone is taken as UTC.

    Raises:
        ValueError: one of them is no number, or no date.
        UnreadDatesError: one is no date as the others are.
        UnclearDatesError: the day cannot be told from the month, or comes first in some alone.
    """
    times = _plain(times)
    kind = times.type
    if pa.types.is_string(kind):
        parsed = _parse_texts(times, unit)
        if isinstance(parsed, Moments):
            return parsed
        times, kind = parsed, parsed.type
    if pa.types.is_date(kind):
        times = times.cast(pa.timestamp("s"))
        kind = times.type
    if pa.types.is_timestamp(kind):
        return Moments(to_seconds(times.cast(pa.int64()).to_numpy(), kind.unit), "iso")
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or is_words(unit):
        raise ValueError(f"times of type {kind}")
    numbers = times.cast(pa.int64() if pa.types.is_integer(kind) else pa.float64()).to_numpy()
    doubt = None
    if unit == "auto":
        middle = len(numbers) // 2
        unit = recognise_unit(float(np.partition(numbers, middle)[middle]))
        unit, doubt = recognise_epoch(numbers, unit)
    return Moments(to_seconds(numbers, unit), unit, _coarse(numbers, kind, unit) or doubt)


def _coarse(numbers: np.ndarray, kind: pa.DataType, unit: str) -> str | None:
    """Return a sentence on times of floats too short for them; None where each one is exact."""
    bits = {pa.float16(): 11, pa.float32(): 24}.get(kind)
    greatest = float(np.abs(numbers).max())
    if bits is None or not 2**bits < greatest < math.inf:
        return None
    step = 2 ** (math.frexp(greatest)[1] - bits)
    return (
        f"The times are {kind.bit_width}-bit floats, which near {greatest:,.0f} differ by {step:,} "
        f"{unit} or more: the order of events closer than that is lost. Write the log with 64-bit "
        "times."
    )


def _plain(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times of a type that only packs others as those: text, numbers or timestamps."""
    kind = times.type
    if pa.types.is_dictionary(kind):
        return _plain(times.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        try:
            return times.cast(pa.int64())
        except pa.ArrowInvalid:  # with a fraction
            return times.cast(pa.float64())
    is_text = (pa.types.is_large_string, pa.types.is_string_view)
    is_bytes = (pa.types.is_binary, pa.types.is_large_binary)
    if any(is_kind(kind) for is_kind in (*is_text, *is_bytes)):
        return times.cast(pa.string())
    return times


def read_days(days: pa.ChunkedArray, milliseconds: pa.ChunkedArray) -> np.ndarray:
    """Turn dates, and the milliseconds since each began, up to a year, into seconds since 1970.

    Raises:
        ValueError: one of them is no date, or no number.
    """
    begins = read_seconds(days, "iso").seconds
    passed = milliseconds.cast(pa.float64()).to_numpy()
    if not (is_short_span(passed.min()) and is_short_span(passed.max())):
        raise ValueError("milliseconds that are below 0 or more than a year")
    return to_seconds(begins * 1000.0 + passed, "ms")


def _parse_texts(texts: pa.ChunkedArray, unit: str) -> pa.ChunkedArray | Moments:
    """Read numbers or ISO dates of a text as such, and other dates in words as seconds."""
    if unit == "iso":
        return _parse_iso(texts)
    if unit != "auto" and is_words(unit):
        return _parse_words(texts, unit)
    for kind in (pa.int64(), pa.float64()):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    if unit != "auto" or (len(texts) and is_number(texts[0].as_py())):
        raise ValueError("one of its times is not a number")
    try:
        return _parse_dates(texts)
    except _FarNanosecondsError:
        raise
    except ValueError:
        return _parse_words(texts, "dates")


def _parse_iso(texts: pa.ChunkedArray) -> pa.ChunkedArray | Moments:
    try:
        return _parse_dates(texts)
    except _FarNanosecondsError:
        raise
    except ValueError as error:
        try:  # with spaces around, or before the zone
            return Moments(read_dates(texts, "ymd"), "iso")
        except UnreadDatesError:
            raise error from None


def _parse_words(texts: pa.ChunkedArray, unit: str) -> Moments:
    shape, doubt = recognise_shape(texts) if unit == "dates" else (unit, None)
    return Moments(read_dates(texts, shape), "iso" if shape == "ymd" else shape, doubt)


def _parse_dates(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read dates as `times.is_iso_time` tells them; to nanoseconds where the log has those."""
    texts = pc.replace_substring_regex(texts.cast(pa.string()), " UTC$", "Z")  # pyright: ignore
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    # Some have a zone and some not, or some have nanoseconds.
    timed = pc.replace_substring_regex(texts, r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00")  # pyright: ignore
    zoned = pc.replace_substring_regex(timed, r"^(.{10}[T ][\d:.]+)$", r"\1Z")  # pyright: ignore
    try:
        return zoned.cast(pa.timestamp("ns", "UTC"))
    except pa.ArrowInvalid as error:
        shorter = pc.replace_substring_regex(zoned, r"(\.\d{6})\d+", r"\1")  # pyright: ignore
        try:
            shorter.cast(pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:
            raise ValueError("its times are neither numbers nor dates") from error
        what = "a date lies outside the years 1678 to 2262, in which alone there are nanoseconds"
        raise _FarNanosecondsError(what) from error


class _FarNanosecondsError(ValueError):
    """Dates with nanoseconds that do not fit into 64 bits."""
