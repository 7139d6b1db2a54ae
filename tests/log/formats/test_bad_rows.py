from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.events import TIMESTAMP, USER_ID
from sbrcli.log.formats.bad_rows import BadRows
from sbrcli.log.log import Log
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

HEADER = "userId,itemId,timestamp\n"


def test_rows_that_cannot_be_events_are_left_out_and_the_first_is_named():
    bad = 'a,b,soon\na,b\n,b,3\na,"x\ny",nan\n'
    log = read((HEADER + "é,b,1\n" + bad + '"q""q",b,2\n').encode() + b"\xff,b,3\n" + b"z,b,4\n")
    assert log.events[USER_ID].tolist() == ["é", 'q"q', "z"]
    assert log.bad_rows == BadRows(5, "line 3: timestamp 'soon' is not a number")
    assert describe_reading(log).endswith(
        "; left out: rows that cannot be events: 5, "
        "the first: line 3: timestamp 'soon' is not a number"
    )


def test_one_wrong_row_in_many_is_counted():
    rows = "1::2::3::978300760\n" * 50_000
    log = read((rows + "1::2::3\n" + rows).encode())
    assert len(log.events) == 100_000
    assert log.bad_rows == BadRows(1, "line 50001: 4 fields expected, 3 found")


def test_times_of_another_unit_are_left_out_once_the_unit_is_known():
    rows = [978300760000, 978300760, 978300761000, 10**18, -5]
    text = "".join(f"1::2::3::{time}\n" for time in rows) + "1::2::3\n"
    log = read(text.encode())
    assert log.format.time_unit == "ms"
    assert log.events[TIMESTAMP].tolist() == [978300760, 978300.76, 978300761]
    assert log.bad_rows == BadRows(3, "line 6: 4 fields expected, 3 found")


def test_a_good_log_has_none():
    assert read(HEADER.encode() + b"1,2,3\n").bad_rows is None


def test_rows_of_another_encoding_are_no_bad_rows_where_it_is_named():
    log = read(HEADER.encode() + "é,2,3\né,2\n".encode("latin-1"), encoding="latin-1")
    assert log.events[USER_ID].tolist() == ["é"]
    assert log.bad_rows is not None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            HEADER + "1,2,x\n1,2\n",
            "log: none of 2 rows can be an event; the first is wrong on "
            "line 2: timestamp 'x' is not a number",
            "see whether --columns, --sep and --time-unit say what the log has",
        ),
        (
            HEADER + '1,2\n1,"' + "x" * 200_000,
            "log: none of 2 rows can be an event; the first is wrong on "
            "line 2: 3 fields expected, 2 found",
            "see whether --columns, --sep and --time-unit say what the log has",
        ),
    ],
)
def test_what_cannot_be_left_out_is_an_error(text: str, message: str, hint: str):
    with pytest.raises(DataError) as caught:
        read(text.encode())
    assert (str(caught.value), caught.value.hint) == (message, hint)


def read(content: bytes, *, skip_bad_rows: bool = True, **options) -> Log:
    Path("log").write_bytes(content)
    return read_log(Path("log"), ReadConfig(skip_bad_rows=skip_bad_rows, **options))


@pytest.mark.parametrize("separator", [",", "\t", "::"])
def test_a_header_that_is_read_as_a_row_is_hinted_at(separator: str):
    text = "who,what,when\nann,5,978300760\n".replace(",", separator)
    with pytest.raises(DataError) as caught:
        read(text.encode(), columns="user=1,item=2,time=3", skip_bad_rows=False)
    assert str(caught.value) == "log line 1: timestamp 'when' is not a number"
    assert caught.value.hint == (
        "if line 1 names the columns, add --header; else correct the line, or leave such rows out "
        "with --skip-bad-rows"
    )
    log = read(text.encode(), columns="user=1,item=2,time=3", header=True)
    assert log.events[USER_ID].tolist() == ["ann"]


def test_a_wrong_row_below_the_first_or_with_digits_is_no_header():
    for text in ("ann,5,978300760\nwho,what,when\n", "ann,5,soon\nann,5,978300760\n"):
        with pytest.raises(DataError) as caught:
            read(text.encode(), columns="user=1,item=2,time=3", skip_bad_rows=False)
        assert "--header" not in (caught.value.hint or "")
