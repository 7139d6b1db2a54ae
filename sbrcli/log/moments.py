"""The time column of a log, numbers or dates in words → seconds since 1970 UTC."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.times import is_short_span, recognise_unit, to_seconds


def read_seconds(times: pa.ChunkedArray, unit: str) -> tuple[np.ndarray, str]:
    """Turn a log's times into seconds: int64 where that loses nothing, else float64.

    Args:
        times: (events,) numbers, dates, timestamps or text, without nulls.
        unit: of numbers: "s", "ms", "us" or "ns"; "auto" goes by the one in the middle; "iso"
            for text that holds dates. A date and time without a zone is taken as UTC.

    Returns:
        The seconds, and the unit they were in.

    Raises:
        ValueError: one of them is no number, or no date.
    """
    kind = times.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        times = _parse_texts(times, unit)
        kind = times.type
    if pa.types.is_date(kind):
        times = times.cast(pa.timestamp("s"))
        kind = times.type
    if pa.types.is_timestamp(kind):
        return to_seconds(times.cast(pa.int64()).to_numpy(), kind.unit), "iso"
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or unit == "iso":
        raise ValueError(f"times of type {kind}")
    numbers = times.cast(pa.int64() if pa.types.is_integer(kind) else pa.float64()).to_numpy()
    if unit == "auto":
        middle = len(numbers) // 2
        unit = recognise_unit(float(np.partition(numbers, middle)[middle]))
    return to_seconds(numbers, unit), unit


def read_days(days: pa.ChunkedArray, milliseconds: pa.ChunkedArray) -> np.ndarray:
    """Turn dates, and the milliseconds since each began, up to a year, into seconds since 1970.

    Raises:
        ValueError: one of them is no date, or no number.
    """
    begins, _ = read_seconds(days, "iso")
    passed = milliseconds.cast(pa.float64()).to_numpy()
    if not (is_short_span(passed.min()) and is_short_span(passed.max())):
        raise ValueError("milliseconds that are below 0 or more than a year")
    return to_seconds(begins * 1000.0 + passed, "ms")


def _parse_texts(texts: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    if unit == "iso":
        return _parse_dates(texts)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        if unit != "auto":
            raise
        return _parse_dates(texts)


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
        raise ValueError(what) from error
