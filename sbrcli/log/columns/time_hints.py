"""Suggest how to make unreadable times of a log readable."""

import re

from sbrcli.log.columns.dates import find_shape

FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"

_USUAL = "times are numbers, or all of them dates as 2014-04-07T10:51:09Z"
_DIGITS_OF_A_DATE = 4

_KNOWN = {
    r"\\?/Date\(-?\d+.*": "write the milliseconds within Date(…) alone: "
    r"sed -E 's#\\?/Date\((-?[0-9]+)[^)]*\)\\?/#\1#g' LOG > NEW",
    r"0[xX][0-9a-fA-F]+": "write the hexadecimal number in decimal",
    r"[0-9a-f]{24}": "an ObjectId of MongoDB begins with its time: write the first eight digits, "
    "which are seconds in hexadecimal, in decimal",
    r"\d{1,3}(?:([.,'\u2019 \u00a0\u202f])\d{3})(?:\1\d{3})+": "write numbers without a sign "
    "between the thousands, as in 1614585600",
    r"\d+,\d+": "write a point for the decimal comma, as in 1614585600.25",
}
"""Hints by the pattern of times that are not read."""

_SHORT_YEAR = re.compile(
    r"(\d{1,2})([-./])(\d{1,2})\2(\d\d)(?:([ T])(\d{1,2}:\d\d)(:\d\d)?( ?[AaPp][Mm])?)?"
)


_SHORT_YEAR_IN_WORDS = re.compile(
    r"\d{1,2}([- ])[A-Za-z]{3}\1\d\d(?:( )\d{1,2}:\d\d(:\d\d)?( ?[AaPp][Mm])?)?"
)


def time_hint(field: str) -> str:
    """Return the hint for a time that is neither a number nor a known date.

    Args:
        field: as in the log, in one row or in all.
    """
    text = field.strip()
    for pattern, hint in _KNOWN.items():
        if re.fullmatch(pattern, text):
            return hint
    short = _SHORT_YEAR.fullmatch(text)
    if short is not None:
        return f"say where its year stands: {_formats_of(short)}"
    words = _SHORT_YEAR_IN_WORDS.fullmatch(text)
    if words is not None:
        form = words[1].join(("%d", "%b", "%y"))
        if words[2]:
            form += f" {'%I' if words[4] else '%H'}:%M{':%S' if words[3] else ''}"
            form += f"{words[4][:-2]}%p" if words[4] else ""
        return f"say where its year stands: --time-format '{form}'"
    if find_shape(text) is None and sum(map(str.isdigit, text)) >= _DIGITS_OF_A_DATE:
        other = "--time-format says how other dates are written, as in '%d.%m.%y %H:%M'"
        return f"{_USUAL}; {other}; {FIX_IT}"
    return f"{_USUAL}; {FIX_IT}"


def _formats_of(short: re.Match[str]) -> str:
    """Return the possible formats of a date with a two-digit year, the likely ones first."""
    sign, clock = short[2], ""
    if short[6] is not None:
        hour, half = ("%I", short[8][:-2] + "%p") if short[8] else ("%H", "")
        clock = f"{short[5]}{hour}:%M{':%S' if short[7] else ''}{half}"
    orders = {".": ("dmy",), "/": ("mdy", "dmy", "ymd"), "-": ("ymd", "dmy", "mdy")}[sign]
    numbers = [int(short[group]) for group in (1, 3, 4)]
    likely = [order for order in orders if _may_be(order, numbers)] or list(orders)
    return " or ".join(
        f"--time-format '{sign.join(f'%{letter}' for letter in order)}{clock}'" for order in likely
    )


def _may_be(order: str, numbers: list[int]) -> bool:
    """Return whether three numbers in an order such as dmy have a valid month and day."""
    found = dict(zip(order, numbers, strict=True))
    return 1 <= found["m"] <= 12 and 1 <= found["d"] <= 31
