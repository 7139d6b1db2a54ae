"""Dates in words and numbers of other epochs: read as what they are, row by row as in a column."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sbrcli.config.reading import TIME_UNITS, ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.columns.date_columns import UnreadDatesError, read_dates
from sbrcli.log.columns.dates import SHAPES, date_seconds, find_shape
from sbrcli.log.columns.times import field_seconds
from sbrcli.log.columns.timestamps import read_seconds
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.reading import read_log

EIGHT = 1_614_585_600
"""2021-03-01T08:00:00Z."""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(*times: str, bad: str | None = None, **options):
    rows = [f"u\ti\t{time}\n" for time in times]
    Path("log").write_text("user\titem\ttime\n" + "".join(rows))
    return read_log(Path("log"), ReadConfig(**options))


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-01 08",
        "2021-03-01 08:00:00 +0000",
        " 2021-03-01 08:00:00 ",
        "2021/03/01 08:00:00",
        "2021/3/1 8:00",
        "2021.03.01 10:00:00 +02:00",
        "2021-03-01 08:00:00,000",
        "20210301T080000Z",
        "20210301 08:00:00",
        "Mon, 01 Mar 2021 08:00:00 +0000",
        "Mon, 1 Mar 2021 08:00:00 GMT",
        "01/Mar/2021:08:00:00 +0000",
        "[01/Mar/2021:09:00:00 +0100]",
        "01-Mar-2021 8:00 AM",
        "1 March 2021 08:00",
        "Mar 1, 2021 8:00:00 a.m.",
        "March 1, 2021, 08:00",
        "Mon Mar 01 08:00:00 +0000 2021",
        "Mon Mar 01 01:00:00 -0700 2021",
        "Mon Mar  1 08:00:00 2021",
        "Mon Mar 01 2021 08:00:00 GMT+0000 (Coordinated Universal Time)",
    ],
)
def test_an_unambiguous_date_is_read_unasked(text):
    events = read(text, text).events
    assert events[TIMESTAMP].tolist() == [EIGHT, EIGHT]


@pytest.mark.parametrize(
    ("first", "second", "seconds"),
    [
        ("31/03/2021 08:00:00", "01/04/2021 08:00:00", [EIGHT + 30 * 86_400, EIGHT + 31 * 86_400]),
        ("3/31/2021 8:00:00 AM", "4/1/2021 8:00:00 AM", [EIGHT + 30 * 86_400, EIGHT + 31 * 86_400]),
        ("31.03.2021 12:00:00 AM", "01.04.2021", [1_617_148_800, 1_617_235_200]),
    ],
)
def test_a_field_above_12_in_the_column_shows_what_comes_first(first, second, seconds):
    log = read(first, second)
    assert log.events[TIMESTAMP].tolist() == seconds
    assert log.format.doubts == ()


def test_dates_of_one_month_are_read_so_and_the_other_order_is_named():
    log = read("3/1/2021 8:00:00 AM", "3/2/2021 8:00:00 AM")
    assert log.events[TIMESTAMP].tolist() == [EIGHT, EIGHT + 86_400]
    assert log.format.doubts == (
        "The times, such as 3/1/2021 8:00:00 AM, were read with the month first, since all of them "
        "then lie in one month. If the day comes first, give --time-format '%d/%m/%Y %I:%M:%S %p'.",
    )


def test_a_day_that_cannot_be_told_from_the_month_is_refused():
    with pytest.raises(DataError) as caught:
        read("03/04/2021 08:00", "05/06/2021 08:00")
    assert str(caught.value) == (
        "log: the day cannot be distinguished from the month in times such as 03/04/2021 08:00"
    )
    assert caught.value.hint == (
        "say which comes first: --time-format '%d/%m/%Y %H:%M' or --time-format '%m/%d/%Y %H:%M'"
    )
    days = read("03/04/2021 08:00", "05/06/2021 08:00", time_format="%d/%m/%Y %H:%M").events
    assert days[TIMESTAMP].tolist() == [1_617_436_800, 1_622_880_000]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("01.03.21 08:00", "%d.%m.%y %H:%M"),
        ("20210301080000", "%Y%m%d%H%M%S"),
        ("08h00 01|03|2021", "%Hh%M %d|%m|%Y"),
        ("Mon 1 Mar 2021 08:00:00 PM -1200", "%a %d %b %Y %I:%M:%S %p %z"),
    ],
)
def test_a_format_is_read_as_it_says(text, form):
    seconds = EIGHT + 86_400 if "PM" in text else EIGHT
    assert read(text, time_format=form).events[TIMESTAMP].tolist() == [seconds]


@pytest.mark.parametrize("form", ["", "%H:%M", "%Y %Y", "%Q %Y", "2021"])
def test_a_format_that_is_none_is_refused(form):
    with pytest.raises(ConfigError) as caught:
        read("2021", time_format=form)
    assert str(caught.value) == (
        f"time-format must have a year and each directive once. Received: {form}"
    )
    assert caught.value.hint == (
        "for example --time-format '%d/%m/%Y %H:%M:%S'; known are %Y, %y, %m, %d, %e, %H, %I, %M, "
        "%S, %f, %p, %b, %B, %a, %A, %z, %Z, %%"
    )


def test_the_row_whose_date_is_none_is_named_and_may_be_left_out():
    for wrong in ("31/02/2021 08:00", "31/03/2021 24:00", "soon"):
        with pytest.raises(DataError) as caught:
            read("31/03/2021 08:00", wrong)
        assert (
            str(caught.value) == f"log line 3: timestamp '{wrong}' is not a date, as the others are"
        )
        assert len(read("31/03/2021 08:00", wrong, skip_bad_rows=True).events) == 1
    with pytest.raises(DataError) as caught:
        read("2021", "21", time_format="%Y")
    assert str(caught.value) == "log line 3: timestamp '21' does not have the format %Y"


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        ("637501824000000000", "ticks"),
        ("132590592000000000", "filetime"),
        ("13259059200000000", "webkit"),
        ("738216.333333", "matlab"),
        ("2459274.833333", "julian"),
        ("202103010800", "digits"),
        ("2021030108", "digits"),
        ("20210301080000", "digits"),
        ("20210301080000000", "digits"),
    ],
)
def test_a_number_that_is_a_time_in_one_unit_alone_is_read_in_it(number, unit):
    log = read(number, number)
    assert log.events[TIMESTAMP].tolist() == [EIGHT, EIGHT]
    assert log.format.time_unit == unit
    assert log.format.doubts == ()


@pytest.mark.parametrize(
    ("number", "unit", "doubt"),
    [
        ("636278400", "apple", "seconds since 1970, of 1990. As seconds since 2001"),
        ("16145856000", "ds", "milliseconds since 1970, of 1970. As tenths of a second"),
        ("18687", "d", "seconds since 1970, of 1970. As days"),
        ("448496", "h", "seconds since 1970, of 1970. As hours"),
        ("26909760", "min", "seconds since 1970, of 1970. As minutes"),
        ("738216", "matlab", "seconds since 1970, of 1970. As MATLAB days"),
        ("3697430400", "mac", "seconds since 1970, of 2087. As seconds since 1904"),
        (
            "161458560000",
            "cs",
            "milliseconds since 1970, of 1975. As hundredths of a second",
        ),
    ],
)
def test_a_unit_that_is_likely_is_named(number, unit, doubt):
    assert read(number, number).format.doubts == (
        f"The times were read as {doubt} they would be of 2021: --time-unit {unit} reads them so.",
    )
    day = EIGHT // 86_400 * 86_400 if unit in ("d", "matlab") else EIGHT
    assert read(number, time_unit=unit).events[TIMESTAMP].tolist() == [day]


def test_excel_days_may_count_from_1904():
    log = read("44256.333333", "44256.333333")
    assert log.events[TIMESTAMP].tolist() == [EIGHT, EIGHT]
    assert log.format.doubts == (
        "The times were read as Excel days since 1900, of 2021. If the workbook has the 1904 "
        "calendar of Excel for Mac, they are of 2025: --time-unit excel1904 reads them so.",
    )
    log = read("42794.333333", time_unit="excel1904")
    assert log.events[TIMESTAMP].tolist() == [EIGHT]


def test_gps_seconds_are_read_if_requested():
    assert read("1298620818", time_unit="gps").events[TIMESTAMP].tolist() == [EIGHT]


def test_snowflake_ids_are_no_times():
    ids = [(EIGHT * 1000 - 1288834974657 << 22) + at for at in range(12)]
    assert read(*map(str, ids)).format.doubts == (
        "The times were read as nanoseconds, but seem to be snowflake ids, which hold the "
        "milliseconds in their upper bits. Take these out: (id >> 22) + 1288834974657 for ids of "
        "Twitter, (id >> 22) + 1420070400000 for those of Discord.",
    )
    nanoseconds = [EIGHT * 10**9 + 4096 * 1000 * at for at in range(12)]
    assert read(*map(str, nanoseconds)).format.doubts == ()


def test_a_year_of_two_digits_is_named_and_read_if_requested():
    assert len(read("2103010800", "2103020800").format.doubts) == 1
    log = read("210301", "210302", time_unit="yymmdd")
    assert log.events[TIMESTAMP].tolist() == [EIGHT - 28_800, EIGHT + 57_600]
    assert read("0301", time_unit="mmdd").events[TIMESTAMP].tolist() == [951_868_800]


def test_digits_that_are_no_date_are_named():
    with pytest.raises(DataError) as caught:
        read("20210301", "20211301", time_unit="digits")
    assert str(caught.value) == (
        "log line 3: timestamp '20211301' is not a date, in dates as numbers (YYYYMMDD)"
    )


@pytest.mark.parametrize("unit", [unit for unit in TIME_UNITS if unit != "auto"])
def test_one_number_is_judged_as_a_column_is_read(unit):
    numbers = {"digits": 20210301, "yymmdd": 210301, "mmdd": 301}.get(unit, 738_216)
    seconds = read_seconds(pa.chunked_array([[numbers]]), unit).seconds
    assert seconds.tolist() == [field_seconds(str(numbers), unit)]


def test_one_date_is_judged_as_a_column_is_read():
    rng = np.random.default_rng(5)
    letters = (
        list("0123456789") * 3 + list(":/-. ,+TZPM") + [" Mar ", "Mon ", " PM", "2021", "08:00"]
    )
    texts = ["".join(rng.choice(letters, rng.integers(1, 12))) for _ in range(1000)]
    texts += [
        "29/02/2021",
        "29/02/2020",
        "13/01/2021 13:00 PM",
        "1 Mar 2021 08:00 +2500",
        "2021-03-01 8",
    ]
    for shape in SHAPES:
        for text in texts:
            alone = date_seconds(text, shape)
            try:
                column = read_dates(pa.chunked_array([[text]]), shape).tolist()
            except UnreadDatesError:
                column = [None]
            assert column == [alone], (shape, text)


@pytest.mark.parametrize(
    ("text", "day_first", "month_first"),
    [
        ("3/4/2021 5:00 PM JST", "%d/%m/%Y %I:%M %p %z", "%m/%d/%Y %I:%M %p %z"),
        ("03.04.2021T08", "%d.%m.%YT%H", "%m.%d.%YT%H"),
        ("3-4-2021 08:00:00,123", "%d-%m-%Y %H:%M:%S,%f", "%m-%d-%Y %H:%M:%S,%f"),
    ],
)
def test_the_formats_of_the_hint_read_the_times_of_the_log(text, day_first, month_first):
    other = text.replace("3", "5", 1).replace("4", "6", 1)
    with pytest.raises(DataError) as caught:
        read(text, other)
    assert caught.value.hint == (
        f"say which comes first: --time-format '{day_first}' or --time-format '{month_first}'"
    )
    forms = (day_first, month_first)
    days = [read(text, time_format=form).events[TIMESTAMP].tolist()[0] for form in forms]
    assert days[0] - days[1] == 30 * 86_400  # from 4 March to 3 April


def test_dates_of_which_some_have_the_day_first_and_some_the_month_are_refused():
    times = ["13/02/2021 08:00", "02/13/2021 08:00", "02/03/2021 08:00"]
    with pytest.raises(DataError) as caught:
        read(*times, skip_bad_rows=True)
    assert str(caught.value) == (
        "log: some times have the day first, as 13/02/2021 08:00, and some the month, as "
        "02/13/2021 08:00"
    )
    assert caught.value.hint == (
        "write all of them in one way; --time-format '%d/%m/%Y %H:%M' or --time-format "
        "'%m/%d/%Y %H:%M' with --skip-bad-rows takes those that can be read so"
    )


def test_one_row_in_a_hundred_whose_month_is_none_is_a_mistake():
    times = ["13/02/2021"] * 99 + ["02/13/2021"]
    with pytest.raises(DataError) as caught:
        read(*times)
    assert str(caught.value) == (
        "log line 101: timestamp '02/13/2021' is not a date, as the others are"
    )
    assert len(read(*times, skip_bad_rows=True).events) == 99


@pytest.mark.parametrize(
    "text",
    [
        "Mon Mar 01 03:00:00 EST 2021",
        "Mon, 01 Mar 2021 00:00:00 PST",
        "2021-03-01 17:00:00 KST",
        "1-Mar-2021 5:00 PM JST",
        "Mar 1, 2021 8:00 AM UT",
        "01 Mar 2021 09:00 CET",
    ],
)
def test_the_name_of_a_zone_that_means_one_is_read(text):
    assert read(text, text).events[TIMESTAMP].tolist() == [EIGHT, EIGHT]


@pytest.mark.parametrize("zone", ["CST", "IST", "BST", "XYZ"])
def test_the_name_of_a_zone_that_means_several_is_refused(zone):
    for text in (f"Mon Mar 01 08:00:00 {zone} 2021", f"2021-03-01 08:00 {zone}"):
        with pytest.raises(DataError) as caught:
            read(text)
        assert (
            str(caught.value)
            == f"log line 2: timestamp '{text}': the time zone {zone} may mean several"
        )
        assert caught.value.hint == (
            "write the offset instead, as in +0900; or give a --time-format that holds the letters "
            "of the zone, which reads the times as UTC"
        )
    text = f"2021-03-01 08:00 {zone}"
    assert read(text, time_format=f"%F %R {zone}").events[TIMESTAMP].tolist() == [EIGHT]


def test_a_zone_that_is_none_among_dates_is_named():
    with pytest.raises(DataError) as caught:
        read("2021-03-01 08:00:00 EST", "2021-03-01 08:00:00 CST")
    assert str(caught.value) == (
        "log line 3: timestamp '2021-03-01 08:00:00 CST': the time zone CST may mean several"
    )


def test_what_is_no_date_has_no_shape():
    for text in ("", "soon", "12", "2021-13-01", "1/2/3", "Mar 2021", "31/31/2021"):
        assert find_shape(text) is None
