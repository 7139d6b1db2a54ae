import csv
import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats import delimited
from sbrcli.log.reading import hash_file, read_log

HEADER = "userId,itemId,timestamp\n"
FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"
NUMBERS = f"times are numbers, or all of them dates as 2014-04-07T10:51:09Z; {FIX_IT}"
AGAIN = "take the line out, or leave such rows out with --skip-bad-rows"
UNCLEAR = "a field begins or ends with a part of the separator ::, or holds \\x1f"
UNIT = (
    "give all times in one unit, and say which with --time-unit; or leave such rows out with "
    "--skip-bad-rows"
)


def test_movielens_1m_rows_become_events_in_file_order():
    events = read("2::1193::5::978300760\n1::661::3.5::978300750\n")
    assert events.to_dict("list") == {
        USER_ID: [2, 1],
        ITEM_ID: [1193, 661],
        TIMESTAMP: [978300760, 978300750],
        RATING: [5.0, 3.5],
    }
    assert list(events.dtypes) == [np.int64, np.int64, np.int64, np.float64]
    assert isinstance(events.index, pd.RangeIndex)


def test_u_data_reads_like_movielens_1m():
    assert read("196\t242\t3\t881250949\n").iloc[0].tolist() == [196, 242, 881250949, 3]


def test_csv_with_header_reads_and_an_empty_rating_is_none():
    events = read("userId,movieId,rating,timestamp\n1,2,4.5,10\n1,3,,11\n")
    assert events[ITEM_ID].tolist() == [2, 3]
    assert events[RATING].iloc[0] == 4.5
    assert np.isnan(events[RATING].iloc[1])


def test_gzipped_sessions_of_gru4rec_read():
    Path("log").write_bytes(gzip.compress(b"SessionId\tItemId\tTime\n7\t1\t1.5\n7\t2\t2\n"))
    events = read_log(Path("log")).events
    assert events.to_dict("list") == {SESSION_ID: [7, 7], ITEM_ID: [1, 2], TIMESTAMP: [1.5, 2.0]}


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_are_no_events():
    Path("log").write_bytes(b"\xef\xbb\xbf1::2::3::4\r\n\r\n5::6::7::8\r\n")
    assert read_log(Path("log")).events[USER_ID].tolist() == [1, 5]


def test_a_last_line_without_an_end_is_an_event():
    assert len(read("1::2::3::4\n5::6::7::8")) == 2


def test_a_column_with_a_leading_zero_stays_text_in_the_order_of_its_numbers():
    ids = read(HEADER + "10,1,1\n007,1,2\n7,1,3\n")[USER_ID]
    assert ids.tolist() == ["10", "007", "7"]
    assert ids.cat.categories.tolist() == ["007", "7", "10"]


def test_text_ids_stand_in_the_order_of_their_code_points():
    ids = read(HEADER + "b,1,1\né,1,2\n10,1,3\n9,1,4\nB,1,5\n")[USER_ID]
    assert ids.cat.categories.tolist() == ["10", "9", "B", "b", "é"]


@pytest.mark.parametrize("one", ["+7", "-0", "9223372036854775808", " 7", "7.0", "nan", "NA", "٣"])
def test_an_id_that_is_no_plain_integer_comes_back_as_it_was(one: str):
    assert read(HEADER + f"{one},1,1\n2,1,2\n")[USER_ID].tolist() == [one, "2"]


def test_the_greatest_and_least_integers_stay_integers():
    ids = read(HEADER + f"{2**63 - 1},1,1\n{-(2**63)},1,2\n")[USER_ID]
    assert ids.tolist() == [2**63 - 1, -(2**63)]


def test_numbers_beyond_64_bits_are_ordered_as_numbers():
    ids = read(HEADER + f"{10**30},1,1\n{9 * 10**29},1,2\n-5,1,3\n")[USER_ID]
    assert ids.cat.categories.tolist() == ["-5", str(9 * 10**29), str(10**30)]


def test_a_single_colon_is_part_of_an_id_between_double_colons():
    assert read("a:b::2::5::978300760\n")[USER_ID].tolist() == ["a:b"]


def test_a_separator_that_a_block_cuts_in_two_is_found(monkeypatch: pytest.MonkeyPatch):
    rows = [f"{user}::{user * 7}::3::{user + 1}" for user in range(300)]
    for block in range(20, 40):
        monkeypatch.setattr(delimited, "_BLOCK_BYTES", block)
        assert read("\n".join(rows))[ITEM_ID].tolist() == [user * 7 for user in range(300)]


def test_milliseconds_become_whole_seconds_where_they_are():
    Path("log").write_text(HEADER + "1,2,978300760000\n1,3,978300761000\n")
    log = read_log(Path("log"))
    assert log.format.time_unit == "ms"
    assert log.events[TIMESTAMP].tolist() == [978300760, 978300761]
    assert log.events[TIMESTAMP].dtype == np.int64


def test_milliseconds_with_a_rest_become_float64_seconds():
    times = read(HEADER + "1,2,978300760250\n1,3,978300761000\n")[TIMESTAMP]
    assert times.tolist() == [978300760.25, 978300761.0]
    assert times.dtype == np.float64


def test_a_running_number_for_a_time_is_taken_as_seconds():
    assert read("SessionId\tItemId\tTime\n1\t5\t1\n1\t6\t2\n")[TIMESTAMP].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            HEADER,
            "log: no event below the header",
            "a log has one event a line below it",
        ),
        (
            HEADER.rstrip(),
            "log: no event below the header",
            "a log has one event a line below it",
        ),
        (
            HEADER + "1,2,3\n\n1,2,yesterday\n",
            "log line 4: timestamp 'yesterday' is not a number",
            NUMBERS,
        ),
        (
            HEADER + "1,2,3\n1,2,\n",
            "log line 3: timestamp '' is not a number",
            NUMBERS,
        ),
        (
            HEADER + "1,2,3\n1,2,NaN\n",
            "log line 3: timestamp 'NaN' is not a number",
            NUMBERS,
        ),
        (
            HEADER + "1,2,-inf\n",
            "log line 2: timestamp '-inf' is not a number",
            NUMBERS,
        ),
        (
            HEADER + "1,2,10\n1,2,2020-01-01\n",
            "log line 3: timestamp '2020-01-01' is not a number",
            NUMBERS,
        ),
        (
            HEADER + "1,2,-1\n",
            "log line 2: timestamp '-1' lies outside the years 1970 to 9999, in seconds",
            UNIT,
        ),
        (
            HEADER + "1,2,2020-01-01\n1,2,soon\n",
            "log line 3: timestamp 'soon' is not a date, as the others are",
            FIX_IT,
        ),
        (
            HEADER + "1,2,2020-01-01\n1,2,1066-10-14 09:00:00\n",
            "log line 3: timestamp '1066-10-14 09:00:00' lies outside the years 1970 to 9999",
            UNIT,
        ),
        (
            'userId,itemId,"timestamp\n1,2,3\n1,2\n',
            "log line 3: 3 fields expected, 2 found",
            f"{FIX_IT}; the log was read as a table (comma separated, header)",
        ),
        (HEADER + "1,2,3\n" + HEADER, "log line 3: the header again", AGAIN),
        ("a:::b::3::4\n1::2::3::4\n", "log line 1: " + UNCLEAR, FIX_IT),
        ("1::2::3::4\n1::a\x1fb::3::4\n", "log line 2: " + UNCLEAR, FIX_IT),
        (
            "sessionId;itemId;timeframe;eventdate\n1;2;NA;2016-05-09\n",
            "log line 2: the milliseconds 'NA' are no number from 0 to 31622400000 (a year)",
            FIX_IT,
        ),
        (
            HEADER + "1,2,978300760\n1,2,978300761\n1,3,978300762000000\n",
            "log line 4: timestamp '978300762000000' lies outside the years 1970 to 9999, "
            "in seconds",
            UNIT,
        ),
        (
            HEADER + "1,2,3\n1,,4\n",
            "log line 3: the item id is empty",
            FIX_IT,
        ),
        (
            HEADER + ",2,3\n",
            "log line 2: the user id is empty",
            FIX_IT,
        ),
        (
            "sessionId,itemId,time\n,2,3\n",
            "log line 2: the session id is empty",
            FIX_IT,
        ),
        (
            HEADER + '1,"a\nb",3\n1,2\n',
            "log line 4: 3 fields expected, 2 found",
            f"{FIX_IT}; the log was read as a table (comma separated, header)",
        ),
        (
            "1::2::5::978300760\n1::2::5\n",
            "log line 2: 4 fields expected, 3 found",
            f'{FIX_IT}; the log was read as MovieLens 1M ("::" separated, no header)',
        ),
        (
            "1::2::good::978300760\n",
            "log line 1: rating 'good' is not a number",
            f"{FIX_IT}; or rename the column, as a log needs no ratings",
        ),
        (
            HEADER + '1,2,3\n1,"' + "x" * 200_000 + "\n1,2,4\n",
            "log line 3: a quote is opened and not closed",
            "say --quote none where nothing is quoted; else double the quotes within a field; "
            f"{FIX_IT}",
        ),
    ],
)
def test_a_wrong_row_is_named_by_its_line(text: str, message: str, hint: str):
    Path("log").write_text(text)
    assert complaint("log") == (message, hint)


def test_a_wrong_row_far_down_in_a_compressed_log_is_named_by_its_line():
    rows = b"1::2::3::978300760\n" * 50_000
    Path("log.gz").write_bytes(gzip.compress(rows + b"1::2::3::soon\n" + rows))
    assert complaint("log.gz")[0] == "log.gz line 50001: timestamp 'soon' is not a number"


def test_bytes_that_are_not_utf_8_are_named_by_their_line():
    Path("log").write_bytes(HEADER.encode() + b"1,2,3\n1,caf\xe9,4\n")
    assert complaint("log") == (
        "log line 3: not UTF-8 text",
        "say in which encoding it is, as in --encoding latin-1; it may be cp1252 'café', "
        "cp1251 'cafй'; or recode it: iconv -f CP1252 -t UTF-8 LOG > NEW",
    )


def test_bytes_that_are_no_text_at_all_are_refused():
    Path("log").write_bytes(bytes(range(128, 256)))
    assert complaint("log") == (
        "log line 1: not UTF-8 text",
        "say in which encoding it is, as in --encoding latin-1",
    )


def test_a_missing_file_is_named():
    assert complaint("none.csv") == ("none.csv: no such file", "check the name and the folder")


def test_a_folder_is_no_log():
    Path("logs").mkdir()
    assert complaint("logs") == (
        "logs is a folder, not a file",
        "name the file in it that holds the events",
    )


@pytest.fixture
def a_common_user() -> Iterator[None]:
    """Give up root's right to read everything, in a work directory that everybody may read."""
    user = os.geteuid()
    Path().chmod(0o755)
    if user == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(user)


@pytest.mark.skipif(os.name == "nt", reason="there, who owns a file may read it")
def test_a_file_without_permission_says_so(request: pytest.FixtureRequest):
    Path("log").write_text(HEADER + "1,2,3\n")
    assert len(read_log(Path("log")).events) == 1  # and all is loaded that this needs
    Path("log").chmod(0)
    request.getfixturevalue("a_common_user")
    assert complaint("log") == ("log: no permission to read it", "allow it: chmod u+r log")


def test_a_refusal_of_the_system_is_explained(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert complaint("log") == ("log: no permission to read it", "allow it: chmod u+r log")


@pytest.mark.skipif(os.name == "nt", reason="links are another thing there")
def test_what_the_system_cannot_read_says_why():
    Path("log").symlink_to("log")
    assert complaint("log") == (
        "log: it cannot be read: Too many levels of symbolic links",
        "check the file and its disk; temporary copies lie where TMPDIR says",
    )


def test_where_no_row_is_wrong_by_itself_what_the_fast_reader_says_is_reported():
    # Nanoseconds since 1970 in 64 bits end in 2262.
    rows = "1,2,2020-01-01T00:00:00.123456789Z\n1,2,2500-01-01T00:00:00Z\n"
    Path("log").write_text(HEADER + rows)
    assert complaint("log") == (
        "log: it cannot be read: a date lies outside the years 1678 to 2262, in which alone there "
        "are nanoseconds",
        "correct what that says, or write the log in another format, as Parquet",
    )


def test_a_gzip_file_cut_short_says_so():
    rows = "".join(f"{n}::{n * n}::3::{n}\n" for n in range(50_000)).encode()
    whole = gzip.compress(rows)
    for size in (5, len(whole) // 2, len(whole) - 1):
        Path("log.gz").write_bytes(whole[:size])
        assert complaint("log.gz") == (
            "log.gz: the gzip file is cut short",
            "copy or download it again",
        )


def test_a_damaged_gzip_file_says_so():
    whole = bytearray(gzip.compress(b"1::2::3::4\n" * 1000))
    whole[-6] ^= 0xFF  # a byte of the checksum
    Path("log.gz").write_bytes(whole)
    message, hint = complaint("log.gz")
    assert message.startswith("log.gz: the gzip file is damaged: CRC check failed")
    assert hint == "copy or download it again"


def test_a_file_is_hashed_as_it_lies_on_the_disk():
    Path("log").write_bytes(b"1::2::3::4\n")
    assert hash_file(Path("log")) == hashlib.sha256(b"1::2::3::4\n").hexdigest()
    with pytest.raises(DataError, match="none: no such file"):
        hash_file(Path("none"))


# Surrogates are no text; a log with NUL bytes is refused as binary.
quoted_ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
# Without quotes an id can hold no line end and no separator.
bare_ids = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\t:\x1f"), min_size=1
)
times = st.integers(0, 2_000_000_000)


quoting = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])


@given(quoting, st.lists(st.tuples(quoted_ids, quoted_ids, times), min_size=1))
def test_any_ids_come_back_from_a_csv_file(tmp_path_factory, quoting, rows):
    check_round_trip(tmp_path_factory, ("userId", "itemId", "timestamp"), rows, ",", quoting)


@given(quoting, st.lists(st.tuples(quoted_ids, quoted_ids, times), min_size=1))
def test_any_ids_come_back_from_a_gru4rec_file(tmp_path_factory, quoting, rows):
    check_round_trip(tmp_path_factory, ("SessionId", "ItemId", "Time"), rows, "\t", quoting)


@given(st.sampled_from(["::", "\t"]), st.lists(st.tuples(bare_ids, bare_ids, times), min_size=1))
def test_any_ids_come_back_from_the_movielens_files(tmp_path_factory, separator, rows):
    path = tmp_path_factory.mktemp("log") / "log"
    lines = (f"{user}{separator}{item}{separator}3{separator}{time}\n" for user, item, time in rows)
    # A first character that is a byte order mark is one.
    path.write_text("\ufeff" + "".join(lines), encoding="utf-8", newline="")
    check_columns(read_log(path).events, USER_ID, rows)


beginnings = st.sampled_from(
    [b"", b"userId,itemId,time\n", b"1::2::3::4\n", b"1\t2\t3\t4\n", b"\x1f\x8b"]
)
pieces = st.sampled_from(
    [b"1", b",", b"::", b"\t", b"\n", b"\r", b'"', b".", b"e9", b"nan", b"\xe9"]
)


@given(beginnings, st.one_of(st.binary(max_size=100), st.lists(pieces).map(b"".join)))
def test_no_bytes_make_it_fail_without_a_word(tmp_path_factory, beginning, rest):
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(beginning + rest)
    try:
        events = read_log(path).events
    except DataError:
        return
    assert len(events)
    assert np.isfinite(events[TIMESTAMP]).all()


@pytest.mark.parametrize("blank", ["\t", " ", "\t \t"])
def test_a_line_of_spaces_in_a_log_of_an_unknown_layout_is_no_field(tmp_path, blank):
    path = tmp_path / "log"
    path.write_text(f"1\t2\t3\t4\n{blank}\n")
    with pytest.raises(DataError):
        read_log(path)


def check_round_trip(tmp_path_factory, header, rows, separator, quoting):
    path = tmp_path_factory.mktemp("log") / "log"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, quoting=quoting)
        writer.writerows([header, *rows])
    check_columns(read_log(path).events, USER_ID if header[0] == "userId" else SESSION_ID, rows)


def check_columns(events, owner, rows):
    assert [str(value) for value in events[owner]] == [row[0] for row in rows]
    assert [str(value) for value in events[ITEM_ID]] == [row[1] for row in rows]
    assert events[TIMESTAMP].tolist() == [row[2] for row in rows]


def read(text: str) -> pd.DataFrame:
    Path("log").write_text(text, encoding="utf-8", newline="")
    return read_log(Path("log")).events


def complaint(name: str) -> tuple[str, str | None]:
    with pytest.raises(DataError) as caught:
        read_log(Path(name))
    return str(caught.value), caught.value.hint
