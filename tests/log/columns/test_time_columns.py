"""Times that lie in several columns are read as one, by the columns and row by row alike."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.time_columns import decide_kinds, join_columns, join_fields, plain_texts
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

EIGHT = 1_614_585_600
"""2021-03-01T08:00:00Z."""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(names: str, *rows: str, **options):
    lines = [f"u,i,{row}\n" for row in rows]
    Path("log").write_text((f"user,item,{names}\n" if names else "") + "".join(lines))
    return read_log(Path("log"), ReadConfig(**options))


def minutes(log) -> list[float]:
    """Return the minutes since 2021-03-01T08:00:00Z."""
    return ((log.events[TIMESTAMP].to_numpy() - EIGHT) / 60).tolist()


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("date,time", "2021-03-01,08:00:00", "2021-03-01,8:05:30"),
        ("time,date", "08:00,2021-03-01", "08:05:30,2021-03-01"),
        ("date,time", "2021-03-01,8:00 AM", "2021-03-01,8:05:30 AM"),
        ("order_date,order_time", "1-Mar-2021,08:00:00", "01-Mar-2021,08:05:30"),
        ("date,time", "20210301,080000", "20210301,080530"),
        ("date,time", "2021-03-01 00:00:00,08:00:00", "2021-03-01 00:00:00,08:05:30"),
        ("date,time", "2021-03-01,1899-12-30 08:00:00", "2021-03-01,1899-12-30 08:05:30"),
        ("date,hour,minute,second", "2021-03-01,8,0,0", "2021-03-01,8,5,30"),
        ("year,month,day,hour,minute,second", "2021,3,1,8,0,0", "2021,3,1,8,5,30"),
        ("d_day,d_month,d_year,d_hour,d_minute,d_second", "1,3,2021,8,0,0", "1,3,2021,8,5,30"),
    ],
)
def test_a_date_and_a_time_of_day_are_found_and_joined(header, first, second):
    assert minutes(read(header, first, second)) == [0, 5.5]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("date,hourmin", "20210301,800", "20210301,805"),
        ("date,time", "2021-03-01,0800", "2021-03-01,0805"),
        ("date,hhmm", "2021-03-01,800", "2021-03-01,805"),
        ("year,month,day,time", "2021,3,1,08:00", "2021,3,1,08:05"),
        ("date,hour,minute", "2021-03-01,8.0,0.0", "2021-03-01,8.0,5.0"),
    ],
)
def test_hours_and_minutes_may_be_one_number(header, first, second):
    columns = "time=" + header.replace(",", "+")
    assert minutes(read(header, first, second, columns=columns)) == [0, 5]


def test_minutes_after_midnight_have_no_leading_zeros():
    log = read("date,hourmin", "20210301,5", "20210301,30", "20210301,800")
    assert minutes(log) == [-475, -450, 0]


def test_an_hour_goes_with_its_date():
    assert minutes(read("date,hour", "2021-03-01,8", "2021-03-01,9")) == [0, 60]


def test_columns_without_header_are_joined_by_their_numbers():
    log = read("", "2021-03-01,08:05", columns="user=1,item=2,time=3+4")
    assert minutes(log) == [5]
    log = read("", "2021,3,1,8,5", columns="user=1,item=2,time=3+4+5+6+7")
    assert minutes(log) == [5]
    named = read("a,b", "2021-03-01,08:05", columns="user=1,item=2,time=3+4", header=True)
    assert minutes(named) == [5]


def test_a_format_reads_the_columns_in_their_order_with_spaces_between():
    log = read("d,t", "01.03.21,08h05", columns="time=d+t", time_format="%d.%m.%y %Hh%M")
    assert minutes(log) == [5]


def test_the_columns_are_named_on_stderr():
    assert describe_reading(read("date,time", "2021-03-01,08:00")) == (
        "read as a table (comma separated, header): user=user, item=item, "
        "time=date+time in ISO 8601"
    )


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("timestamp,date", "1614585600,2021-03-01"),
        ("date,time_spent", "2021-03-01 08:00,00:12:00"),
        ("datetime,hour", "2021-03-01 08:00:00,8"),
        ("date+time,time", "2021-03-01 08:00:00,1"),
    ],
)
def test_a_time_that_is_whole_is_left_alone(header, row):
    columns = "time=date+time" if "+" in header else None
    assert minutes(read(header, row, columns=columns)) == [0]


def test_how_long_something_took_is_no_time_of_day():
    assert minutes(read("date,watch_time", "2021-03-01,00:12:00")) == [-480]


def test_json_and_parquet_join_columns_too():
    rows = [{"user": "u", "item": "i", "date": 20210301, "hourmin": 800 + n} for n in (0, 5)]
    Path("log").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert minutes(read_log(Path("log"))) == [0, 5]
    texts = [{**row, "date": "2021-03-01", "hourmin": "08:05"} for row in rows]
    Path("log").write_text("".join(json.dumps(row) + "\n" for row in texts))
    assert minutes(read_log(Path("log"))) == [5, 5]
    pq.write_table(pa.Table.from_pylist(rows), "log")
    assert minutes(read_log(Path("log"))) == [0, 5]
    days = pa.array([18_687], pa.int32()).cast(pa.date32())
    clock = pa.array([8 * 3600 + 300], pa.int32()).cast(pa.time32("s"))
    pq.write_table(pa.table({"user": [1], "item": [2], "date": days, "time": clock}), "log")
    assert minutes(read_log(Path("log"))) == [5]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2021-03-01,", "2021-03-01,08:00"], "line 2: time, a part of the timestamp, is empty"),
        (
            ["2021-03-01,08:00", "2021-03-01,25:00"],
            "line 3: timestamp '2021-03-01 25:00' is not a date, as the others are",
        ),
        (["2021-03-01,08:00", "2021-03-01"], "line 3: 4 fields expected, 3 found"),
    ],
)
def test_a_row_whose_time_is_none_is_named(rows, message):
    with pytest.raises(DataError) as caught:
        read("date,time", *rows, columns="time=date+time")
    assert str(caught.value) == f"log {message}"
    log = read("date,time", *rows, columns="time=date+time", skip_bad_rows=True)
    assert minutes(log) == [0]


def test_a_line_of_json_whose_time_is_none_is_named():
    rows = [{"user": 1, "item": 2, "date": "2021-03-01", "time": t} for t in ("08:00", "", "26:00")]
    Path("log").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    with pytest.raises(DataError) as caught:
        read_log(Path("log"), ReadConfig(columns="time=date+time"))
    assert str(caught.value) == "log line 2: time, a part of the timestamp, is empty"
    Path("log").write_text("".join(json.dumps(row) + "\n" for row in rows[::2]))
    with pytest.raises(DataError) as caught:
        read_log(Path("log"), ReadConfig(columns="time=date+time"))
    assert str(caught.value) == (
        "log line 2: timestamp '2021-03-01 26:00' is not a date, as the others are"
    )


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError) as caught:
        read("date,time", "2021-03-01,08:00", columns="time=date+clock")
    assert str(caught.value) == "log line 1: no column named clock; found user, item, date, time"


def test_a_time_of_day_without_a_date_says_what_it_lacks():
    with pytest.raises(DataError) as caught:
        read("time", "08:00:00", "08:00:40")
    assert str(caught.value) == "log line 2: timestamp '08:00:00' is a time of day without a date"
    assert caught.value.hint == ("name the column of the date, too, as in --columns time=date+time")


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        ("date,time", [["20210301", "20210302"], ["5", "1259"]]),
        ("date,time", [["2021-03-01 00:00:00", "2021-03-02"], [" 8:05 ", "08:05:09.5"]]),
        ("day,month,year,hour", [["1", "31"], ["3", "12"], ["2021", "2020"], ["0", "23.0"]]),
        ("date,time", [["3/1/2021", "4/1/2021"], ["5", "235959"]]),
        ("date,hour,minute,second", [["2021-3-1"] * 2, ["1", "2"], ["3", "44"], ["5.25", "6"]]),
    ],
)
def test_a_row_is_joined_as_the_columns_are(names, columns):
    texts = [plain_texts(pa.chunked_array([column])) for column in columns]
    kinds = decide_kinds(texts, names.split(","))
    for known in (kinds, ()):
        rows = [join_fields(row, known) for row in zip(*columns, strict=True)]
        assert join_columns(texts, known).to_pylist() == rows


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ("time,datetime", "5,2021-03-01T08:00:00Z"),
        ("datetime,time", "2021-03-01T08:00:00Z,82"),
        ("time,ts", "5.5,1614585600"),
        ("timestamp,created_at", "82000,2021-03-01 08:00:00"),
    ],
)
def test_how_long_something_took_is_not_when_it_was(names: str, values: str):
    assert read(names, values).events["timestamp"].tolist() == [1_614_585_600]


def test_small_times_stay_the_time_where_no_other_column_has_times():
    assert read("time,datetime", "5,7").events["timestamp"].tolist() == [5]
    assert read("time,duration", "5,1614585600").events["timestamp"].tolist() == [5]
