import gzip
from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.detect import recognise_format
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID


def test_double_colons_are_movielens_1m():
    write("1::1193::5::978300760\n")
    log_format = recognise_format(Path("log"))
    assert log_format.separator == "::"
    assert log_format.columns == (USER_ID, ITEM_ID, RATING, TIMESTAMP)
    assert not log_format.has_header
    assert log_format.compression is None


def test_four_numbers_between_tabs_are_movielens_100k():
    write("196\t242\t3\t881250949\n")
    log_format = recognise_format(Path("log"))
    assert log_format.separator == "\t"
    assert log_format.columns == (USER_ID, ITEM_ID, RATING, TIMESTAMP)


@pytest.mark.parametrize(
    "header",
    [
        "userId,movieId,rating,timestamp",
        "USER_ID,Movie ID,Rating,time",
        "user;item;rating;Time_Stamp",
        "User Id|Item_Id|RATING|time",
    ],
)
def test_a_header_is_read_without_regard_to_case_spaces_and_underscores(header: str):
    write(f"{header}\n1,2,3,4\n")
    log_format = recognise_format(Path("log"))
    assert log_format.columns == (USER_ID, ITEM_ID, RATING, TIMESTAMP)
    assert log_format.has_header


def test_a_header_gives_columns_in_any_order_and_others_are_left_out():
    write("Time\tcountry\tItemId\tSessionId\n1\tKR\t2\t3\n")
    assert recognise_format(Path("log")).columns == (TIMESTAMP, None, ITEM_ID, SESSION_ID)


def test_gru4rec_logs_may_name_users_too():
    write("SessionId\tItemId\tTime\tUserId\n1\t2\t3\t4\n")
    assert recognise_format(Path("log")).columns == (SESSION_ID, ITEM_ID, TIMESTAMP, USER_ID)


def test_gzip_is_known_by_the_first_bytes_and_not_by_the_name():
    Path("log").write_bytes(gzip.compress(b"SessionId\tItemId\tTime\n1\t2\t3\n"))
    assert recognise_format(Path("log")).compression == "gzip"
    write("1::2::3::4\n", "named.gz")
    assert recognise_format(Path("named.gz")).compression is None


def test_a_byte_order_mark_and_windows_line_ends_do_not_hide_a_header():
    Path("log").write_bytes(b"\xef\xbb\xbfuserId,itemId,time\r\n1,2,3\r\n")
    assert recognise_format(Path("log")).columns == (USER_ID, ITEM_ID, TIMESTAMP)


def test_empty_lines_above_the_header_are_skipped():
    write("\n\nuserId,itemId,time\n1,2,3\n")
    assert recognise_format(Path("log")).skipped_lines == 3


def test_ids_that_look_like_column_names_are_no_header():
    write("user::item::5::978300760\n")
    assert not recognise_format(Path("log")).has_header


def test_an_id_may_begin_as_json_does():
    write("{a::[b::5::978300760\n")
    assert recognise_format(Path("log")).separator == "::"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "log: the file is empty"),
        ("\n\r\n", "log: the file is empty"),
        ("userId,itemId\n1,2\n", "log line 1: no column for the time; found userId, itemId"),
        (
            "\nitemId,time\n1,2\n",
            "log line 2: no column for the user or session; found itemId, time",
        ),
        (
            "userId,rating,day\n",
            "log line 1: no column for the item and the time; found userId, rating, day",
        ),
        (
            "userId,user_id,itemId,time\n",
            "log line 1: two columns are named userId; found userId, user_id, itemId, time",
        ),
        (
            "1,2,5,978300760\n",
            "log: not a layout that sbr knows; its first line has 1, 2, 5, 978300760",
        ),
        (
            "who\twhat\thow\twhen\n",
            "log: not a layout that sbr knows; its first line has who, what, how, when",
        ),
        ("\0\1\2\3", "log: binary data, not text"),
    ],
)
def test_what_is_not_a_log_is_refused_with_what_was_found(text: str, message: str):
    write(text)
    with pytest.raises(DataError) as caught:
        recognise_format(Path("log"))
    assert str(caught.value) == message
    assert caught.value.hint


def test_a_first_line_of_many_columns_is_named_in_part():
    write(",".join(["a" * 50] * 22))
    with pytest.raises(DataError) as caught:
        recognise_format(Path("log"))
    shown = ", ".join(["a" * 37 + "..."] * 20)
    assert str(caught.value) == (
        f"log: not a layout that sbr knows; its first line has {shown}, and 2 more"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "userId,user_id,itemId,time\n",
            "log line 1: two columns are named userId; found userId, user_id, itemId, time",
        ),
        (
            '{"userId": 1, "user_id": 1, "itemId": 1, "time": 1}\n',
            "log: two columns are named userId; found userId, user_id, itemId, time",
        ),
    ],
)
def test_two_columns_of_one_name_are_refused(text: str, message: str):
    write(text)
    with pytest.raises(DataError) as caught:
        recognise_format(Path("log"))
    assert (str(caught.value), caught.value.hint) == (message, "rename all but one of them")


def test_parquet_within_an_archive_is_refused():
    Path("log.gz").write_bytes(gzip.compress(b"PAR1" + b"\0" * 100 + b"PAR1"))
    with pytest.raises(DataError) as caught:
        recognise_format(Path("log.gz"))
    assert (str(caught.value), caught.value.hint) == (
        "log.gz: Parquet within an archive",
        "unpack it first",
    )


def test_binary_data_in_an_encoding_that_was_named_is_refused_without_naming_one():
    Path("log").write_bytes(bytes(range(256)))
    with pytest.raises(DataError) as caught:
        recognise_format(Path("log"), ReadConfig(encoding="latin-1"))
    assert (str(caught.value), caught.value.hint) == (
        "log: binary data, not text",
        "sbr reads text, Parquet, Arrow and ORC, and text also as .gz, .bz2, .xz, .zst or .zip",
    )


def write(text: str, name: str = "log") -> None:
    Path(name).write_text(text, encoding="utf-8", newline="")
