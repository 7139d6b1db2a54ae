"""Times that are not read, and what makes them readable: every hint in full."""

import pytest

from sbrcli.log.columns.time_hints import time_hint

FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"


@pytest.mark.parametrize("text", ["/Date(1614585600000)/", r"\/Date(1614585600000+0100)\/"])
def test_dates_of_microsoft_json(text):
    assert time_hint(text) == (
        "write the milliseconds within Date(…) alone: "
        r"sed -E 's#\\?/Date\((-?[0-9]+)[^)]*\)\\?/#\1#g' LOG > NEW"
    )


def test_hexadecimal_numbers():
    assert time_hint("0x603c9f00") == "write the hexadecimal number in decimal"
    assert time_hint("603c9f00abcdef0123456789") == (
        "an ObjectId of MongoDB begins with its time: write the first eight digits, which are "
        "seconds in hexadecimal, in decimal"
    )


@pytest.mark.parametrize("text", ["1,614,585,600", "1.614.585.600", "1 614 585 600"])
def test_signs_between_the_thousands(text):
    assert time_hint(text) == (
        "write numbers without a sign between the thousands, as in 1614585600"
    )


def test_a_decimal_comma():
    assert time_hint("1614585600,25") == (
        "write a point for the decimal comma, as in 1614585600.25"
    )


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("01.03.21", "--time-format '%d.%m.%y'"),
        ("01.03.21 08:00", "--time-format '%d.%m.%y %H:%M'"),
        (
            "31/03/21 08:00:00",
            "--time-format '%d/%m/%y %H:%M:%S' or --time-format '%y/%m/%d %H:%M:%S'",
        ),
        ("3/31/21 8:00 AM", "--time-format '%m/%d/%y %I:%M %p'"),
        ("03/31/21", "--time-format '%m/%d/%y'"),
        ("01-Mar-21", "--time-format '%d-%b-%y'"),
        ("01-MAR-21 8:00:00 AM", "--time-format '%d-%b-%y %I:%M:%S %p'"),
        ("99-12-31", "--time-format '%y-%m-%d'"),
    ],
)
def test_years_of_two_digits(text, formats):
    assert time_hint(text) == f"say where its year stands: {formats}"


def test_the_format_of_a_year_of_two_digits_stands_in_the_hint():
    assert time_hint("01.03.21") == "say where its year stands: --time-format '%d.%m.%y'"


def test_other_texts():
    assert time_hint("yesterday") == (
        f"times are numbers, or all of them dates as 2014-04-07T10:51:09Z; {FIX_IT}"
    )
    assert time_hint("week 2021/13") == (
        "times are numbers, or all of them dates as 2014-04-07T10:51:09Z; --time-format says how "
        f"other dates are written, as in '%d.%m.%y %H:%M'; {FIX_IT}"
    )
