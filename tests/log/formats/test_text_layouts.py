"""Each layout of the field, told without options: what it is, and which events come of it."""

from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.log_format import describe_format
from sbrcli.log.log import Log
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

U, S, I, T = USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP  # noqa: E741


@pytest.mark.parametrize(
    ("text", "said", "event"),
    [
        (
            "1::1193::5::978300760\n",
            'MovieLens 1M ("::" separated, no header): user=1, item=2, time=4 in seconds',
            {U: 1, I: 1193, T: 978300760},
        ),
        (
            "196\t242\t3\t881250949\n",
            "MovieLens 100k (tab separated, no header): user=1, item=2, time=4 in seconds",
            {U: 196, I: 242, T: 881250949},
        ),
        (
            "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
            "MovieLens (comma separated, header): "
            "user=userId, item=movieId, time=timestamp in seconds",
            {U: 1, I: 31, T: 1260759144},
        ),
        (
            "SessionId\tItemId\tTime\tUserId\n7\t5\t1462752000.5\tann\n",
            "GRU4Rec (tab separated, header): "
            "user=UserId, session=SessionId, item=ItemId, time=Time in seconds",
            {U: "ann", S: 7, I: 5, T: 1462752000.5},
        ),
        (
            "1,2014-04-07T10:51:09.250Z,214536502,0\n",
            "Yoochoose clicks (comma separated, no header): session=1, item=3, time=2 in ISO 8601",
            {S: 1, I: 214536502, T: 1396867869.25},
        ),
        (
            "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n",
            "RetailRocket (comma separated, header): user=visitorid, item=itemid, "
            "time=timestamp in milliseconds, event=event",
            {U: 257597, I: 355908, T: 1433221332.117},
        ),
        (
            "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n",
            "Diginetica (semicolon separated, header): session=sessionId, item=itemId, "
            "time=eventdate plus timeframe in milliseconds",
            {S: 1, I: 81766, T: 1462752000 + 526.309},
        ),
        (
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t978300760\n",
            "RecBole .inter (tab separated, header): user=user_id:token, item=item_id:token, "
            "time=timestamp:float in seconds",
            {U: 1, I: 2, T: 978300760},
        ),
        (
            "event_time,event_type,product_id,user_id,user_session\n"
            "2019-10-01 00:00:00 UTC,view,44600062,541312140,72d76fde-8bb3\n",
            "a table (comma separated, header): user=user_id, session=user_session, "
            "item=product_id, time=event_time in ISO 8601, event=event_type",
            {U: 541312140, S: "72d76fde-8bb3", I: 44600062, T: 1569888000},
        ),
        (
            '{"user": "ann", "item": 7, "time": 978300760}\n',
            "JSON lines: user=user, item=item, time=time in seconds",
            {U: "ann", I: 7, T: 978300760},
        ),
    ],
)
def test_a_layout_is_recognised_without_options(text: str, said: str, event: dict):
    log = read(text)
    assert describe_reading(log) == f"read as {said}"
    assert log.events[list(event)].iloc[0].to_dict() == event


def test_users_of_diginetica_are_read_if_requested():
    text = "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n"
    assert U not in read(text).events
    assert read(text, columns="user=userId").events[U].tolist() == ["NA"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("user=who,item=what,time=when", ["ann", "car", 60]),
        ("item=how", ["ann", "walk", 60]),
        ("user=HOW", ["walk", "car", 60]),
    ],
)
def test_columns_that_are_named_go_before_what_is_recognised(wanted: str, names: list):
    header = "who|what|how|when" if "who" in wanted else "user|item|how|time"
    events = read(f"{header}\nann|car|walk|60\n", columns=wanted).events
    assert events.iloc[0][[U, I, T]].tolist() == names


def test_a_file_without_header_is_read_by_the_numbers_of_its_columns():
    log = read("60 ann x car\n70 bob x bus\n", columns="user=2,item=4,time=1", sep=" ")
    assert log.events[U].tolist() == ["ann", "bob"]
    assert log.events[I].tolist() == ["car", "bus"]
    assert describe_format(log.format) == (
        "a table (space separated, no header): user=2, item=4, time=1 in seconds"
    )


@pytest.mark.parametrize(
    ("header", "columns", "names"),
    [
        ("1,2,3,4", "user=1,item=3,time=4", "user=1, item=3, time=4"),
        ("0,1,2,3", "user=0,item=2,time=3", "user=0, item=2, time=3"),
        ("0,1,2,3", "user=1,item=2,time=3", "user=1, item=2, time=3"),
    ],
)
def test_running_numbers_are_a_header_and_no_event(header: str, columns: str, names: str):
    log = read(f"{header}\n5,6,7,978300760\n5,6,8,978300770\n", columns=columns)
    assert len(log.events) == 2
    first = [0, 5, 6, 7, 978300760] if header.startswith("1") else [5, 6, 7, 978300760]
    places = [int(part.partition("=")[2]) for part in columns.split(",")]
    assert log.events.iloc[0][[U, I, T]].tolist() == [first[at] for at in places]
    assert describe_reading(log) == f"read as a table (comma separated, header): {names} in seconds"


def test_running_numbers_can_be_said_to_be_an_event():
    log = read("1,2,3\n5,6,7\n", columns="user=1,item=2,time=3", header=False)
    assert log.events[U].tolist() == [1, 5]


def test_ratings_between_tabs_may_be_rated_again_alike_and_a_wrong_one_is_named():
    assert len(read("1\t7\t5\t978300760\n" * 2 + "1\t8\t10\t978300760\n").events) == 3
    with pytest.raises(DataError, match="log line 2: rating 'x' is not a number"):
        read("1\t7\t5\t978300760\n1\t8\tx\t978300760\n")


def test_a_space_stands_between_fields_where_nothing_else_does():
    text = "60 ann car\n70 bob bus\n"
    log = read(text, columns="user=2,item=3,time=1")
    assert log.events[U].tolist() == ["ann", "bob"]
    assert read(f"time user item\n{text}").events[U].tolist() == ["ann", "bob"]
    assert read(f"time user item\n{text}", sep="space").events[U].tolist() == ["ann", "bob"]
    # Spaces within fields are no separators where commas are.
    assert read("user id,item id,time\nann b,car c,60\n").events[U].tolist() == ["ann b"]


@pytest.mark.parametrize("separator", ["||", "<>", "::", "; ", "\t"])
def test_any_separator_may_be_given(separator: str):
    rows = ["user", "item", "time"], ["a", "b", "5"]
    text = "".join(separator.join(row) + "\n" for row in rows)
    assert read(text, sep=separator).events.iloc[0].tolist() == ["a", "b", 5]


def test_a_tab_may_be_written_as_a_word():
    log = read("user\tuser,item,time\titem\ttime\n1\t2\t3\t4\n", sep="tab")
    assert log.events.iloc[0].tolist() == [1, 3, 4]


def test_a_header_of_known_names_can_be_said_to_be_a_row():
    log = read("user::item::5::978300760\n", header=False)
    assert log.events[U].tolist() == ["user"]


def test_a_row_of_known_layout_can_be_said_to_be_a_header():
    with pytest.raises(DataError, match="no column for the user or session and the item"):
        read("1::2::3::4\n1::2::3::4\n", header=True)


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [("auto", 978300760), ("s", 978300760), ("ms", 978300.76), ("us", 978.30076)],
)
def test_the_unit_of_times_can_be_said(unit: str, seconds: float):
    log = read("userId,itemId,timestamp\n1,2,978300760\n", time_unit=unit)
    assert log.events[T].tolist() == [pytest.approx(seconds, abs=1e-12)]


def test_one_kind_of_event_is_taken_and_the_others_are_counted():
    rows = "1,view,5,10\n1,buy,5,20\n2,cart,6,30\n"
    log = read("user,event,item,time\n" + rows, event="view, cart")
    assert log.events[T].tolist() == [10, 30]
    assert log.other_events == 1


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "shift_jis"])
def test_a_text_in_another_encoding_is_read(encoding: str):
    word = "日本" if encoding == "shift_jis" else "café"
    Path("log").write_bytes(f"user,item,time\n{word},2,3\n".encode(encoding))
    log = read_log(Path("log"), ReadConfig(encoding=encoding))
    assert log.events[U].tolist() == [word]


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        (
            "user,item,time\n1,2,3\n",
            {"columns": "user=visitor"},
            "log line 1: no column named visitor; found user, item, time",
            "--columns user=NAME takes one of these",
        ),
        (
            "a b c\n",
            {"columns": "user=1,item=2,time=4", "sep": " "},
            "log, whose columns are numbered as it has no header: no column named 4; found 1, 2, 3",
            "--columns time=NAME takes one of these",
        ),
        (
            "a b c\n",
            {"columns": "user=1,item=2", "sep": " "},
            "log, whose columns are numbered as it has no header: no column for the time; "
            "found 1, 2, 3",
            "say which it is, as in --columns user=NAME,item=NAME,time=NAME; where none is, "
            "--no-time takes the events in the order of the file",
        ),
        (
            "user,item,time\n1,2,3\n",
            {"event": "view"},
            "log: no column names the kind of an event; found user, item, time",
            "--columns event=NAME says which it is; else leave --event out",
        ),
        (
            "user,item,time,event\n1,2,3,view\n1,2,3,buy\n",
            {"event": "sale"},
            "log: no event is of the kind sale; found view, buy",
            "--event takes one or more of these, with commas between them",
        ),
        (
            "user,item,time,event\n1,2,3,view\n1,2,3,\n",
            {"event": "None"},
            "log: no event is of the kind None; found view, (no kind)",
            "--event takes one or more of these, with commas between them",
        ),
        (
            '{"user": 1, "item": 2, "time": 3, "event": "view"}\n'
            '{"user": 1, "item": 2, "time": 3, "event": null}\n',
            {"event": "None"},
            "log: no event is of the kind None; found view, (no kind)",
            "--event takes one or more of these, with commas between them",
        ),
        (
            "7\t5\t978300760\t3\n",  # user, item, time, rating
            {},
            "log: not a layout that sbr knows; its first line has 7, 5, 978300760, 3",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "7\t31\t1193\t978300760\n",  # user, session, item, time
            {},
            "log: not a layout that sbr knows; its first line has 7, 31, 1193, 978300760",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "7\t3\t9\t978300760\n7\t3\t8\t978300761\n8\t4\t9\t978300762\n",  # of one session
            {},
            "log: not a layout that sbr knows; its first line has 7, 3, 9, 978300760",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "7\t3\t9\t978300760\n8\t4\t11\t978300761\n9\t5\t9\t978300762\n",  # no rating is 11
            {},
            "log: not a layout that sbr knows; its first line has 7, 3, 9, 978300760",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "0\t1\t2\t3\n7\t3\t5\t978300760\n",  # running numbers above ratings
            {},
            "log: not a layout that sbr knows; its first line has 0, 1, 2, 3",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "7 9 978300760\n",
            {},
            "log: not a layout that sbr knows; its first line has 7, 9, 978300760",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "who,what\n1,2\n",
            {"header": True},
            "log line 1: no column for the user or session and the item and the time; "
            "found who, what",
            "say which it is, as in --columns user=NAME,item=NAME,time=NAME",
        ),
        (
            "user,item,time\n1,2,3\n",
            {"header": False},
            "log: not a layout that sbr knows; its first line has user, item, time",
            "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first "
            "line names them, --columns user=1,item=2,time=3 where it does not; without a time, "
            "--no-time",
        ),
        (
            "user,item,time\n1,2,978300760000\n",
            {"time_unit": "s"},
            "log line 2: timestamp '978300760000' lies outside the years 1970 to 9999, in seconds",
            "give all times in one unit, and say which with --time-unit; or leave such rows out "
            "with --skip-bad-rows",
        ),
        (
            "usér,item,time\n",
            {"encoding": "ascii"},
            "log: its text is not ascii",
            "name the encoding it is in, as in --encoding latin-1",
        ),
    ],
)
def test_options_that_do_not_fit_the_log_are_refused(
    text: str, options: dict, message: str, hint: str
):
    with pytest.raises(DataError) as caught:
        read(text, **options)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def read(text: str, **options: object) -> Log:
    Path("log").write_text(text, encoding="utf-8", newline="")
    return read_log(Path("log"), ReadConfig(**options))  # pyright: ignore
