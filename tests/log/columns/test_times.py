from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from sbrcli.errors import ConfigError
from sbrcli.log.columns.times import find_zone, format_time, is_number, recognise_unit, to_seconds
from sbrcli.log.columns.timestamps import read_seconds


@pytest.mark.parametrize(
    ("typical", "unit"),
    [
        (0, "s"),
        (1, "s"),
        (-5, "s"),
        (978300760, "s"),
        (7_258_118_399, "s"),  # the last second of 2199
        (7_258_118_400, "ms"),
        (978300760_000, "ms"),
        (978300760_000_000, "us"),
        (978300760_000_000_000, "ns"),
        (1e25, "s"),  # no unit makes it a time: reading says so
    ],
)
def test_the_unit_is_the_one_in_which_the_time_lies_before_the_year_2200(typical, unit):
    assert recognise_unit(typical) == unit


def test_seconds_stay_as_they_are():
    times = np.array([3, 1, 2])
    assert to_seconds(times, "s") is times


def test_whole_floats_become_integers():
    assert to_seconds(np.array([3.0, 1.0]), "s").dtype == np.int64
    assert to_seconds(np.array([3.0, 1.5]), "s").tolist() == [3.0, 1.5]


def test_negative_milliseconds_are_divided_down_to_whole_seconds():
    assert to_seconds(np.array([-2000, 1000]), "ms").tolist() == [-2, 1]
    assert to_seconds(np.array([-1500]), "ms").tolist() == [-1.5]


def test_no_time_is_ever_float32():
    for dtype in (np.int64, np.float64):
        for unit in ("s", "ms", "us", "ns"):
            seconds = to_seconds(np.array([978300760123456789], dtype=dtype), unit)
            assert seconds.dtype in (np.int64, np.float64)


@pytest.mark.parametrize("text", ["1", "-1.5", "+1", ".5", "5.", "1e9", " 7\t", "007"])
def test_decimal_numbers_are_numbers(text):
    assert is_number(text)


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1_000", "0x1f", "1e999", "٣", "1,5", "true"]
)
def test_what_is_not_a_finite_decimal_number_is_none(text):
    assert not is_number(text)


def test_times_print_as_iso_8601_with_offset():
    assert format_time(0) == "1970-01-01T00:00:00+00:00"
    assert format_time(978300760, ZoneInfo("Asia/Seoul")) == "2001-01-01T07:12:40+09:00"
    assert format_time(0.25) == "1970-01-01T00:00:00.250000+00:00"
    assert format_time(-1) == "1969-12-31T23:59:59+00:00"


def test_zones_are_found_by_their_names():
    assert find_zone("UTC") is UTC
    assert find_zone("Asia/Seoul") == ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Asia", "\0"])
def test_a_zone_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError) as caught:
        find_zone(name)
    assert str(caught.value) == f"tz must be a time zone. Received: {name}"
    assert caught.value.hint == "for example --tz Asia/Seoul"


def test_times_of_32_bit_floats_are_reported_where_they_lose_seconds():
    exact = pa.chunked_array([pa.array([0.0, 16_777_216.0], pa.float32())])
    assert read_seconds(exact, "s").doubt is None
    coarse = pa.chunked_array([pa.array([1_614_585_600.0, 1_614_585_728.0], pa.float32())])
    assert read_seconds(coarse, "auto").doubt == (
        "The times are 32-bit floats, which near 1,614,585,728 differ by 128 s or more: the order "
        "of events closer than that is lost. Write the log with 64-bit times."
    )
