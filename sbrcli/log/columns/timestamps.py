"""Convert the time column of a log, numbers or written dates, into seconds since 1970 UTC."""

import math
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.date_columns import UnreadDatesError, read_dates, recognise_shape
from sbrcli.log.columns.epochs import recognise_epoch
from sbrcli.log.columns.times import is_number, is_short_span, is_words, recognise_unit, to_seconds


class Timestamps(NamedTuple):
    """The times of a log.

    Args:
        seconds: (events,) since 1970 UTC, int64 if lossless, else float64.
        unit: their unit in the log.
        doubt: a sentence on what was assumed without certainty, or None.
    """

    seconds: np.ndarray
    unit: str
    doubt: str | None = None


def read_seconds(times: pa.ChunkedArray, unit: str) -> Timestamps:
    """Convert a log's times into seconds since 1970 UTC.

    Args:
        times: (events,) numbers, dates, timestamps or text, without nulls.
        unit: a unit of numbers (see `epochs`); "auto" to detect it; "iso", a shape or a format for
            written dates; "dates" to detect the shape. Times without a zone are in UTC.

    Raises:
        ValueError: one of them is not a number, or not a date.
        UnreadDatesError: one does not have the shape of the others.
        UnclearDatesError: day and month cannot be distinguished, or the day comes first in only
            some.
    """
    times = _plain(times)
    kind = times.type
    if pa.types.is_string(kind):
        parsed = _parse_texts(times, unit)
        if isinstance(parsed, Timestamps):
            return parsed
        times, kind = parsed, parsed.type
    if pa.types.is_date(kind):
        times = times.cast(pa.timestamp("s"))
        kind = times.type
    if pa.types.is_timestamp(kind):
        return Timestamps(to_seconds(times.cast(pa.int64()).to_numpy(), kind.unit), "iso")
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or is_words(unit):
        raise ValueError(f"times of type {kind}")
    numbers = times.cast(pa.int64() if pa.types.is_integer(kind) else pa.float64()).to_numpy()
    doubt = None
    if unit == "auto":
        middle = len(numbers) // 2
        unit = recognise_unit(float(np.partition(numbers, middle)[middle]))
        unit, doubt = recognise_epoch(numbers, unit)
    return Timestamps(to_seconds(numbers, unit), unit, _coarse(numbers, kind, unit) or doubt)


def _coarse(numbers: np.ndarray, kind: pa.DataType, unit: str) -> str | None:
    """Return a sentence on floats too short for the times; None if all are exact."""
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
    """Return times of a type that encodes another (dictionary, decimal, bytes) in that type."""
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
    """Convert dates, and milliseconds after each, up to a year, into seconds since 1970.

    Raises:
        ValueError: one of them is no date, or no number.
    """
    begins = read_seconds(days, "iso").seconds
    passed = milliseconds.cast(pa.float64()).to_numpy()
    if not (is_short_span(passed.min()) and is_short_span(passed.max())):
        raise ValueError("milliseconds that are below 0 or more than a year")
    return to_seconds(begins * 1000.0 + passed, "ms")


def _parse_texts(texts: pa.ChunkedArray, unit: str) -> pa.ChunkedArray | Timestamps:
    """Convert texts of numbers or ISO dates into those types, and other written dates into
    seconds.
    """
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


def _parse_iso(texts: pa.ChunkedArray) -> pa.ChunkedArray | Timestamps:
    try:
        return _parse_dates(texts)
    except _FarNanosecondsError:
        raise
    except ValueError as error:
        try:  # with outer spaces, or a space before the zone
            return Timestamps(read_dates(texts, "ymd"), "iso")
        except UnreadDatesError:
            raise error from None


def _parse_words(texts: pa.ChunkedArray, unit: str) -> Timestamps:
    shape, doubt = recognise_shape(texts) if unit == "dates" else (unit, None)
    return Timestamps(read_dates(texts, shape), "iso" if shape == "ymd" else shape, doubt)


def _parse_dates(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert dates that `times.is_iso_time` accepts, to nanoseconds if the log has those."""
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
