"""Define units and epochs of numeric times, and detect those of a log."""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

YEAR_1995_SECONDS = 788_918_400
"""No log of events is older, so earlier times are doubtful."""

_TWO_YEARS_SECONDS = 2 * 366 * 86_400
_MOST = 0.99


@dataclass(frozen=True, slots=True)
class Epoch:
    """A unit of times: seconds = number x seconds_each / per_second + origin.

    Args:
        name: as messages call it.
        per_second: number of units in a second.
        seconds_each: length of the unit in seconds, if it is longer than one.
        origin: the time 0, in seconds since 1970 UTC.
    """

    name: str
    per_second: int = 1
    seconds_each: int = 1
    origin: int = 0


EPOCHS = {
    "s": Epoch("seconds"),
    "ms": Epoch("milliseconds", 10**3),
    "us": Epoch("microseconds", 10**6),
    "ns": Epoch("nanoseconds", 10**9),
    "ds": Epoch("tenths of a second", 10),
    "cs": Epoch("hundredths of a second", 100),
    "min": Epoch("minutes", seconds_each=60),
    "h": Epoch("hours", seconds_each=3600),
    "d": Epoch("days", seconds_each=86_400),
    "ticks": Epoch(".NET ticks", 10**7, origin=-62_135_596_800),
    "filetime": Epoch("Windows file times", 10**7, origin=-11_644_473_600),
    "webkit": Epoch("microseconds since 1601", 10**6, origin=-11_644_473_600),
    "apple": Epoch("seconds since 2001", origin=978_307_200),
    "excel": Epoch("Excel days", seconds_each=86_400, origin=-2_209_161_600),
    "excel1904": Epoch("Excel (1904) days", seconds_each=86_400, origin=-2_082_844_800),
    "mac": Epoch("seconds since 1904", origin=-2_082_844_800),
    "ntp": Epoch("seconds since 1900", origin=-2_208_988_800),
    "gps": Epoch("GPS seconds", origin=315_964_782),  # 18 leap seconds, as since 2017
    "matlab": Epoch("MATLAB days", seconds_each=86_400, origin=-62_167_305_600),
    "julian": Epoch("Julian days", seconds_each=86_400, origin=-210_866_760_000),
}
"""Units of numbers by their name in `--time-unit`."""

DIGITS = {
    "digits": "dates as numbers (YYYYMMDD)",
    "yymmdd": "dates as numbers (YYMMDD)",
    "mmdd": "month and day (MMDD) without a year",
}
"""Units of numbers whose digits are a date, with or without a time of day."""

_LENGTHS = {"digits": (8, 10, 12, 14, 17), "yymmdd": (6, 8, 10, 12, 15), "mmdd": (4, 13)}

CERTAIN = ("ticks", "filetime", "webkit")
_LIKELY = (
    "ds",
    "cs",
    "apple",
    "excel",
    "yymmdd",
    "d",
    "h",
    "min",
    "matlab",
    "julian",
    "mac",
    "ntp",
)
_WITH_FRACTIONS = ("excel", "matlab", "julian")


def linear_seconds(numbers: np.ndarray, unit: str) -> np.ndarray:
    """Return times in seconds since 1970: int64 if lossless, else float64.

    Args:
        numbers: (events,) int64 or float64.
        unit: one of EPOCHS.
    """
    epoch = EPOCHS[unit]
    if epoch.seconds_each > 1:
        # Fractions of a day are rounded decimals: 44256.333333 is 08:00:00.
        seconds = np.round(numbers * float(epoch.seconds_each)) + epoch.origin
    elif numbers.dtype == np.int64:
        whole, rest = np.divmod(numbers, epoch.per_second)
        if not rest.any():
            return whole + epoch.origin
        return (whole + epoch.origin) + rest / epoch.per_second
    else:
        seconds = numbers / epoch.per_second + epoch.origin
    is_intact = (np.abs(seconds) < 2**53).all() and (seconds == np.floor(seconds)).all()
    return seconds.astype(np.int64) if is_intact else seconds


def digit_seconds(numbers: np.ndarray, unit: str) -> np.ndarray:
    """Return the seconds of dates written as numbers; NaN if one is not a date.

    Args:
        numbers: (events,) int64 or float64.
        unit: "digits" for 20210301, possibly followed by hours, minutes, seconds and milliseconds;
            "yymmdd" for 210301, likewise; "mmdd" for 0301, in the year 2000.
    """
    whole = numbers if numbers.dtype == np.int64 else _to_whole(numbers)
    lengths = _LENGTHS[unit]
    scales = np.array([10 ** (lengths[-1] - length) for length in lengths] + [0])
    # Pad to the longest form, with zeros for a missing time of day.
    whole = whole * scales[np.searchsorted([10**length for length in lengths], whole, "right")]
    whole, milliseconds = np.divmod(whole, 1000)
    whole, second = np.divmod(whole, 100)
    whole, minute = np.divmod(whole, 100)
    whole, hour = np.divmod(whole, 100)
    rest, day = np.divmod(whole, 100)
    year, month = np.divmod(rest, 100)
    if unit == "yymmdd":
        year = np.where(year < 69, 2000, 1900) + year
    elif unit == "mmdd":
        year = year + 2000
    seconds = civil_seconds(year, month, day, hour, minute, second)
    return seconds + milliseconds / 1000 if milliseconds.any() else seconds


def number_seconds(number: float, unit: str) -> float | None:
    """Return the seconds of one number, like `linear_seconds` or `digit_seconds`; None if invalid.

    Args:
        number: an int, or a float.
        unit: one of EPOCHS or DIGITS.
    """
    if unit in EPOCHS:
        epoch = EPOCHS[unit]
        if epoch.seconds_each > 1:
            return round(number * epoch.seconds_each) + epoch.origin
        return number / epoch.per_second + epoch.origin
    seconds = float(digit_seconds(np.array([number]), unit)[0])
    return None if math.isnan(seconds) else seconds


def civil_seconds(*fields: np.ndarray) -> np.ndarray:
    """Return the seconds of calendar times: int64, or float64 with NaN for invalid ones.

    Args:
        fields: years, months, days, hours, minutes and seconds, each (events,) int64.
    """
    year, month, day, hour, minute, second = fields
    is_time = (year > 0) & (year < 10_000) & (month >= 1) & (month <= 12) & (day >= 1)
    is_time &= (hour >= 0) & (hour < 24) & (minute >= 0) & (minute < 60)
    is_time &= (second >= 0) & (second < 60)
    months = np.where(is_time, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    begins = months.astype("datetime64[D]").astype(np.int64)
    is_time &= day <= (months + 1).astype("datetime64[D]").astype(np.int64) - begins
    seconds = (begins + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    return seconds if is_time.all() else np.where(is_time, seconds, np.nan)


def recognise_epoch(numbers: np.ndarray, naive: str) -> tuple[str, str | None]:
    """Detect the unit of times that would not be between 1995 and next year otherwise.

    Args:
        numbers: (events,) int64 or float64.
        naive: the unit in which they are before the year 2200, counted from 1970.

    Returns:
        The unit, and a sentence on another likely one, or None.
    """
    middle = len(numbers) // 2
    typical = np.partition(numbers, middle)[middle : middle + 1]
    are_snowflakes = naive == "ns" and _are_snowflakes(numbers)
    if are_snowflakes or is_recent(linear_seconds(typical, naive)):
        return naive, _AS_SNOWFLAKES if are_snowflakes else None
    has_fractions = numbers.dtype != np.int64 and bool((numbers != np.floor(numbers)).any())
    if not has_fractions and _are_recent_digits(numbers, "digits"):
        return "digits", None
    words = CERTAIN + (_WITH_FRACTIONS if has_fractions else ())
    certain = next((unit for unit in words if _is_within(numbers, unit, _MOST)), None)
    if certain is not None:
        return certain, _calendar_doubt(typical) if certain == "excel" else None
    likely = next((unit for unit in _LIKELY if _is_likely(numbers, unit, has_fractions)), None)
    if likely is None:
        return naive, None
    years = [_year_of(typical, unit) for unit in (naive, likely)]
    name = EPOCHS[likely].name if likely in EPOCHS else DIGITS[likely]
    return naive, (
        f"The times were read as {EPOCHS[naive].name} since 1970, of {years[0]}. As {name} they "
        f"would be of {years[1]}: --time-unit {likely} reads them so."
    )


def _calendar_doubt(typical: np.ndarray) -> str | None:
    """Return a sentence on Excel's 1904 calendar; None if it gives times in the future."""
    if not is_recent(linear_seconds(typical, "excel1904")):
        return None
    years = [_year_of(typical, unit) for unit in ("excel", "excel1904")]
    return (
        f"The times were read as Excel days since 1900, of {years[0]}. If the workbook has the "
        f"1904 calendar of Excel for Mac, they are of {years[1]}: --time-unit excel1904 reads them "
        "so."
    )


_SEQUENCE = 1 << 12
"""Range of the lowest bits of a snowflake id, which count the ids within a millisecond."""

_AS_SNOWFLAKES = (
    "The times were read as nanoseconds, but seem to be snowflake ids, which hold the milliseconds "
    "in their upper bits. Take these out: (id >> 22) + 1288834974657 for ids of Twitter, (id >> "
    "22) + 1420070400000 for those of Discord."
)


def _are_snowflakes(numbers: np.ndarray) -> bool:
    """Return whether nearly all numbers have low counters in their lowest bits, as snowflake ids
    do."""
    if numbers.dtype != np.int64:
        return False
    are_few = numbers % _SEQUENCE < _SEQUENCE >> 6
    return bool(are_few.mean() > _MOST and (numbers % 1000 != 0).mean() > 1 / 2)


def _year_of(typical: np.ndarray, unit: str) -> int:
    seconds = to_numbers_seconds(typical, unit)
    return datetime.fromtimestamp(float(seconds[0]), UTC).year


def to_numbers_seconds(numbers: np.ndarray, unit: str) -> np.ndarray:
    """Return the seconds of numbers in any unit; NaN if digits are not a date."""
    return (linear_seconds if unit in EPOCHS else digit_seconds)(numbers, unit)


def is_recent(seconds: np.ndarray) -> bool:
    """Return whether all times are between 1995 and next year."""
    return bool(((seconds >= YEAR_1995_SECONDS) & (seconds <= latest_seconds())).all())


def latest_seconds() -> float:
    """Return the latest plausible time of an event, two years from now."""
    return time.time() + _TWO_YEARS_SECONDS


def _is_within(numbers: np.ndarray, unit: str, least_share: float) -> bool:
    seconds = linear_seconds(numbers, unit)
    # Seconds since 2001 before 2005 may also be counted from the beginning of the log.
    earliest = 1_104_537_600 if unit == "apple" else YEAR_1995_SECONDS
    return bool(((seconds >= earliest) & (seconds <= latest_seconds())).mean() >= least_share)


def _is_likely(numbers: np.ndarray, unit: str, has_fractions: bool) -> bool:
    if unit != "yymmdd":
        return _is_within(numbers, unit, 1)
    are_many = not has_fractions and 10_000 <= numbers.min() < numbers.max()
    return bool(are_many) and _are_recent_digits(numbers, unit)


def _are_recent_digits(numbers: np.ndarray, unit: str) -> bool:
    few = numbers[:: max(1, len(numbers) // 1000)]
    return is_recent(digit_seconds(few, unit)) and is_recent(digit_seconds(numbers, unit))


def _to_whole(numbers: np.ndarray) -> np.ndarray:
    is_intact = (numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53)
    return np.where(is_intact, numbers, 0).astype(np.int64)
