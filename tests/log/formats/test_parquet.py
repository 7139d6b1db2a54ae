from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.events import ITEM_ID, RATING, TIMESTAMP, USER_ID
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import hash_file, read_log

PAIRS = pa.map_(pa.string(), pa.int64())
DAMAGED = "copy or download it again"
TYPES = "ids are text or whole numbers, times are timestamps or numbers since 1970"


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([7, 5, 7], pa.int16()),
        pa.array([7, 5, 7], pa.uint64()),
        pa.array([7.0, 5.0, 7.0]),
        pa.array(["7", "5", "7"]),
        pa.array(["7", "5", "7"], pa.large_string()),
        pa.array(["7", "5", "7"]).dictionary_encode(),
        pa.array([7, 5, 7]).dictionary_encode(),
        pa.array([b"7", b"5", b"7"]),
        pa.array([7, 5, 7], pa.float32()),
        pa.array([7, 5, 7]).cast(pa.decimal128(38, 18)),
    ],
)
def test_ids_that_are_numbers_stay_numbers_in_whatever_type(ids: pa.Array):
    write(user=ids, item=ids, time=[1, 2, 3])
    events = read_log(Path("log")).events
    assert events[USER_ID].tolist() == [7, 5, 7]
    assert events[USER_ID].dtype == np.int64


def test_numbers_beyond_64_bits_and_text_come_back_as_they_were():
    write(user=pa.array([2**64 - 1, 5], pa.uint64()), item=["007", "b"], time=[1, 2])
    events = read_log(Path("log")).events
    assert events[USER_ID].tolist() == [str(2**64 - 1), "5"]
    assert events[ITEM_ID].tolist() == ["007", "b"]


@pytest.mark.parametrize(
    "times",
    [
        [978300760, 978300761],
        [978300760.0, 978300761.0],
        [978300760000, 978300761000],
        ["2000-12-31T22:12:40Z", "2000-12-31T22:12:41Z"],
        ["978300760", "978300761"],
        [b"978300760", b"978300761"],
        pa.array(["978300760", "978300761"], pa.large_string()),
        pa.array(["2000-12-31 22:12:40", "2000-12-31 22:12:41"]).dictionary_encode(),
        pa.array([978300760, 978300761]).dictionary_encode(),
        pa.array([978300760, 978300761]).cast(pa.decimal128(20, 0)),
        pa.array([978300760, 978300761]).cast(pa.decimal128(30, 9)),
        pa.array([978300760, 978300761], pa.uint64()),
        pa.array([978300760, 978300761], pa.timestamp("s")),
        pa.array([978300760000, 978300761000], pa.timestamp("ms", "+09:00")),
        pa.array([978300760000000, 978300761000000], pa.timestamp("us")),
        pa.array([978300760 * 10**9, 978300761 * 10**9], pa.timestamp("ns", "Asia/Seoul")),
    ],
)
def test_times_are_numbers_timestamps_or_text(times: object):
    write(user=["a", "b"], item=[1, 2], time=times)
    events = read_log(Path("log")).events
    assert events[TIMESTAMP].tolist() == [978300760, 978300761]
    assert events[TIMESTAMP].dtype == np.int64


def test_dates_are_days_in_utc():
    write(user=["a"], item=[1], time=[datetime(2000, 1, 1, tzinfo=UTC).date()], rating=[None])
    events = read_log(Path("log")).events
    assert events[TIMESTAMP].tolist() == [946684800]
    assert events[RATING].isna().all()


def test_a_folder_of_parts_is_read_in_the_order_of_their_names():
    Path("log").mkdir()
    Path("log/_SUCCESS").touch()
    write("log/part-1.parquet", user=["a"], item=[3], time=[1])
    write("log/part-0.parquet", user=pa.array(["b"]).dictionary_encode(), item=[4], time=[1])
    write("log/_hidden.parquet", user=["c"], item=[4], time=[1])
    log = read_log(Path("log"))
    assert log.events[USER_ID].tolist() == ["b", "a"]
    assert describe_reading(log) == (
        "read as Parquet in 2 parts: user=user, item=item, time=time in seconds"
    )


def test_a_folder_is_hashed_by_its_parts():
    Path("log").mkdir()
    write("log/a.parquet", user=["a"], item=[3], time=[1])
    before = hash_file(Path("log"))
    Path("log/README.md").write_text("no part")
    assert hash_file(Path("log")) == before
    write("log/b.parquet", user=["a"], item=[3], time=[1])
    assert hash_file(Path("log")) != before


@pytest.mark.parametrize(
    ("columns", "message", "hint"),
    [
        (
            {"user": ["a", None], "item": [1, 2], "time": [1, 2]},
            "log row 2: a value is missing among user, item, time",
            "correct the row, or leave such rows out with --skip-bad-rows",
        ),
        ({"user": ["a"], "item": [1.5], "time": [1]}, "log: its ids are fractions", TYPES),
        ({"user": [""], "item": [1], "time": [1]}, "log: one of its ids is empty", TYPES),
        (
            {"user": ["a"], "item": [1], "time": ["soon"]},
            "log: its times are neither numbers nor dates",
            TYPES,
        ),
        (
            {"user": ["a"], "item": [1], "time": [-5]},
            "log: a timestamp lies outside the years 1970 to 9999",
            TYPES,
        ),
        (
            {"user": ["a"], "item": pa.array([[("a", 1)]], PAIRS), "time": [1]},
            "log: the item id column is of type map<string, int64 ('item')>",
            TYPES,
        ),
        (
            {"user": ["a"], "item": [1], "time": [1], "rating": [float("inf")]},
            "log: a rating is infinite",
            TYPES,
        ),
        (
            {"user": ["a"], "item": [1], "time": [1], "rating": ["good"]},
            "log: one of its ratings is not a number",
            TYPES,
        ),
        (
            {"user": ["a"], "item": [1], "time": pa.array([7], pa.time32("s"))},
            "log: times of type time32[ms]",
            TYPES,
        ),
        (
            {"sessionId": [1], "itemId": [1], "timeframe": [-1], "eventdate": ["2020-01-01"]},
            "log: milliseconds that are below 0 or more than a year",
            TYPES,
        ),
        (
            {"who": ["a"], "item": [1], "time": [1]},
            "log: no column for the user or session; found who, item, time",
            "say which it is, as in --columns user=NAME,item=NAME,time=NAME",
        ),
        (
            {"user": pa.array([], pa.string()), "item": pa.array([], pa.int64()), "time": []},
            "log: it holds no event",
            "a log has one event a row: who, what and when",
        ),
    ],
)
def test_options_that_parquet_cannot_have_are_refused(columns: dict, message: str, hint: str):
    write(**columns)
    assert complaint() == (message, hint)


def test_rows_without_a_value_are_left_out_if_requested():
    write(user=["a", None, "c"], item=[1, 2, None], time=[1, 2, 3])
    log = read_log(Path("log"), ReadConfig(skip_bad_rows=True))
    assert log.events[USER_ID].tolist() == ["a"]
    assert log.bad_rows is not None
    assert log.bad_rows.count == 2


def test_a_damaged_file_says_so():
    write(user=["a"], item=[1], time=[1])
    whole = Path("log").read_bytes()
    Path("log").write_bytes(whole[:-10])
    message, hint = complaint()
    assert message.startswith("log: the Parquet file is damaged: ")
    assert hint == DAMAGED


def test_a_file_that_claims_more_than_it_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sbrcli.log.files.typed_files._ALWAYS_ALLOWED_ROWS", 1000)
    monkeypatch.setattr("sbrcli.log.files.typed_files._MAX_ROWS_PER_BYTE", 1)
    zeros = pa.array(np.zeros(2_000_000, np.int64))
    write(user=zeros, item=zeros, time=zeros)
    size = Path("log").stat().st_size
    assert complaint() == (
        f"log: the Parquet file is damaged: it claims 2,000,000 rows in {size:,} bytes",
        DAMAGED,
    )


def test_a_file_that_claims_more_bytes_than_it_can_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("sbrcli.log.files.typed_files._ALWAYS_ALLOWED_BYTES", 1000)
    monkeypatch.setattr("sbrcli.log.files.typed_files._MAX_EXPANSION", 1)
    zeros = pa.array(np.zeros(100_000, np.int64))
    table = pa.table({"user": zeros, "item": zeros, "time": zeros})
    pq.write_table(table, "log", use_dictionary=False)
    claimed = pq.ParquetFile("log").metadata.row_group(0).total_byte_size
    size = Path("log").stat().st_size
    assert complaint() == (
        f"log: the Parquet file is damaged: it claims {claimed:,} bytes in {size:,}",
        DAMAGED,
    )


def test_a_file_that_holds_fewer_rows_than_it_promises_is_refused():
    write(user=["a"] * 300, item=[1] * 300, time=[1] * 300)
    whole = Path("log").read_bytes()
    # In the footer, behind the column names, 300 (as d8 04) is the number of rows.
    at = whole.index(b"\xd8\x04", whole.index(b"user", len(whole) // 4))
    Path("log").write_bytes(whole[:at] + b"\xda\x04" + whole[at + 2 :])
    assert complaint() == (
        "log: the Parquet file is damaged: 301 rows promised, 300 found",
        DAMAGED,
    )


def test_a_part_that_lacks_a_column_is_named():
    Path("log").mkdir()
    write("log/a.parquet", user=["a"], item=[3], time=[1])
    write("log/b.parquet", user=["a"], item=[3])
    assert complaint() == (
        "log/b.parquet: no column for the time; found user, item",
        "say which it is, as in --columns user=NAME,item=NAME,time=NAME; where none is, --no-time "
        "takes the events in the order of the file",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": ";"}, "sep is for text, and log is Parquet. Received: ;"),
        ({"quote": "none"}, "quote is for text, and log is Parquet. Received: none"),
        ({"escape": "$"}, "escape is for text, and log is Parquet. Received: $"),
        ({"header": False}, "header is for text, and log is Parquet. Received: False"),
        ({"encoding": "latin-1"}, "encoding is for text, and log is Parquet. Received: latin-1"),
    ],
)
def test_options_of_text_are_refused(options: dict, message: str):
    write(user=["a"], item=[1], time=[1])
    with pytest.raises(ConfigError) as caught:
        read_log(Path("log"), ReadConfig(**options))
    assert str(caught.value) == message


def write(path: str = "log", **columns: object) -> None:
    pq.write_table(pa.table(columns), path)


def complaint() -> tuple[str, str | None]:
    with pytest.raises(DataError) as caught:
        read_log(Path("log"))
    return str(caught.value), caught.value.hint


def test_dates_with_nanoseconds_beyond_2262_are_reported():
    write(user=["a", "a"], item=[1, 2], time=["2020-01-01T00:00:00.123456789Z", "2300-01-01"])
    assert complaint() == (
        "log: a date lies outside the years 1678 to 2262, in which alone there are nanoseconds",
        TYPES,
    )


@pytest.mark.parametrize("year", [2020, 2300, 2600])
def test_times_of_sparks_old_type_are_of_their_own_year(year: int):
    """As nanoseconds in 64 bits, those of 2600 would begin again in 2015."""
    times = pa.array([datetime(year, 1, 1), datetime(year, 1, 2)], pa.timestamp("us"))
    table = pa.table({"user": ["a", "a"], "item": [1, 2], "time": times})
    pq.write_table(table, "log", use_deprecated_int96_timestamps=True)
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    assert read_log(Path("log")).events[TIMESTAMP].tolist() == [begin, begin + 86_400]


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_text_that_is_not_utf_8_is_damage(use_dictionary):
    table = pa.table({"user": ["ann", "bob"], "item": ["x", "y"], "time": [1, 2]})
    pq.write_table(table, "log", use_dictionary=use_dictionary, compression="none")
    content = Path("log").read_bytes()
    assert content.count(b"\x03\0\0\0bob") == 1
    Path("log").write_bytes(content.replace(b"\x03\0\0\0bob", b"\x03\0\0\0b\xffb"))
    with pytest.raises(DataError) as error:
        read_log(Path("log"))
    assert str(error.value) == (
        "log: the Parquet file is damaged: Column 0: In chunk 0: Invalid: Invalid UTF8 sequence at "
        "string index 1"
    )
    assert error.value.hint == "copy or download it again"
