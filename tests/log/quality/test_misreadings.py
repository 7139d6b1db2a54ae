"""What seems to be meant otherwise than it was read: every sentence in full."""

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.log.quality.odd_times import TimeFacts, find_odd_times

START = 946_684_800
"""The first second of the year 2000."""


def warnings(*times: float, **options) -> list[str]:
    events = make_log().assign(timestamp=list(times)) if times else make_log()
    return list(find_misreadings(events, **options))


def make_log() -> pd.DataFrame:
    return pd.DataFrame({"user_id": [1, 1], "item_id": [5, 6], "timestamp": [START, START + 9]})


def text_ids(*ids: str) -> pd.Series:
    return pd.Series(pd.Categorical(ids))


def test_an_ordinary_log_has_none():
    assert warnings() == []
    assert warnings(START, 1.7e9) == []


def test_running_numbers_for_times():
    assert warnings(1, 8_640_001) == [
        "All times lie in 1970, the last at 8,640,001 s: they seem to be running numbers, not "
        "times. Gaps, days and dates mean nothing then."
    ]


@pytest.mark.parametrize(
    ("first", "last", "unit", "name"),
    [
        (20140407, 20140902, "s", "seconds"),
        (2014040710, 2014090223, "s", "seconds"),
        (201404071051, 201409022359, "ms", "milliseconds"),
        (20140407105109, 20140902235959, "us", "microseconds"),
    ],
)
def test_dates_that_were_taken_for_numbers(first, last, unit, name):
    per_second = {"s": 1, "ms": 1e3, "us": 1e6}[unit]
    assert warnings(first / per_second, last / per_second, time_unit=unit) == [
        f"The times, from {first} to {last}, seem to be dates, and were read as {name}. "
        "--time-unit digits reads them as such."
    ]


def test_numbers_that_are_no_dates_and_dates_in_words_are_not_taken_for_such():
    assert warnings(20140407, 20141302)[0].startswith("All times lie in 1970, the last at 20,141")
    assert [text[:33] for text in warnings(2014040710, 2014090223, time_unit="iso")] == [
        "The last time is 2033-10-28T05:30"
    ]


def test_times_before_1995():
    assert warnings(636_278_400, 636_300_000) == [
        "All times lie before 1995, the last at 1990-03-01T14:00:00+00:00: they may be in another "
        "unit, or counted from another year than 1970. --time-unit says what they are in, such as "
        "ms, ticks or excel."
    ]
    assert warnings(636_278_400, START) == [
        "The first time is 1990-03-01T08:00:00+00:00, before 1995: some times may be wrong, or in "
        "another unit."
    ]


def test_times_that_are_yet_to_come():
    assert warnings(START, 4_102_444_800) == [
        "The last time is 2100-01-01T00:00:00+00:00, which is yet to come: some times may be "
        "wrong, or in another unit."
    ]


def test_times_whose_last_digits_are_lost():
    rounded = 1_614_580_000 + 1000 * np.arange(10)
    assert list(find_odd_times(TimeFacts.of(rounded), "s", UTC)) == [
        "All times are multiples of 1,000 seconds: they seem to be rounded, as in 1.61459E+09, so "
        "that the order of events and the gaps between them are lost. Export the times with all "
        "their digits."
    ]
    assert list(find_odd_times(TimeFacts.of(rounded[:9]), "s", UTC)) == []
    assert list(find_odd_times(TimeFacts.of(np.append(rounded, 1_614_590_001)), "s", UTC)) == []


def test_month_and_day_without_a_year():
    assert warnings(301, 304)[1:] == [
        "The times, from 301 to 304, may be month and day without a year. --time-unit mmdd reads "
        "them as such."
    ]


@pytest.mark.parametrize(
    ("unit", "remedy"),
    [
        ("s", "--time-unit ms makes 10.0 days of them instead of 10,000.0."),
        ("ms", "--time-unit us makes 10.0 days of them instead of 10,000.0."),
        ("ns", "--time-unit says what they are in."),
    ],
)
def test_times_since_the_log_began(unit, remedy):
    events = pd.DataFrame({"item_id": [1, 2, 1], "timestamp": [0, 5e8, 864_000_000]})
    assert list(find_misreadings(events, time_unit=unit)) == [
        "The times run on from 1970: they seem to be counted from the log's own beginning, so that "
        f"dates mean nothing. If they were read in the wrong unit, {remedy}"
    ]
    late = pd.DataFrame({"item_id": [1, 2], "timestamp": [60, 700_000_000]})
    assert len(list(find_misreadings(late, time_unit=unit))) == 1


def test_a_first_time_of_zero():
    assert warnings(0, START) == [
        "The first time is 1970-01-01T00:00:00+00:00: a time of 0 often stands for an unknown one. "
        "Take such events out."
    ]


def test_seconds_among_milliseconds():
    seconds_as_milliseconds = START / 1000
    assert warnings(
        seconds_as_milliseconds, START, time_unit="ms", zone=ZoneInfo("Asia/Seoul")
    ) == [
        "The first time is 1970-01-12T07:58:04.800000+09:00: some times may be in another unit. "
        "Give all of them in one."
    ]


def test_times_far_in_the_future():
    assert warnings(START, 9_354_700_800) == [
        "The last time is 2266-06-10T00:00:00+00:00: some times may be in another unit. Give all "
        "of them in one."
    ]


@pytest.mark.parametrize("text", ["NULL", "null", "nan", "NaN", "None", "N/A", "\\N", "undefined"])
def test_a_word_that_stands_for_no_id(text):
    events = make_log().assign(user_id=text_ids(text, "7"))
    shown = f"'{text}'" if "\\" in text else text
    quoted = f"'user={text}'" if "\\" in text else f"user={text}"
    assert list(find_misreadings(events)) == [
        f"1 of 2 events has the user {shown}: it seems to stand for no user, and counts as one "
        f"like any other. --drop-id {quoted} leaves them out."
    ]
    sessions = make_log().assign(session_id=text_ids(text, text))
    assert list(find_misreadings(sessions)) == [
        f"2 of 2 events have the session {shown}: it seems to stand for no session, and counts as "
        f"one like any other. --drop-id {quoted.replace('user', 'session')} leaves them out."
    ]


def test_a_word_that_no_event_has_any_more_is_not_told():
    users = pd.Series(pd.Categorical(["7", "8"], categories=["7", "8", "NULL"]))
    assert list(find_misreadings(make_log().assign(user_id=users))) == []


def test_an_item_id_with_a_space_at_its_end():
    for item_id in (" 5", "5 "):
        events = make_log().assign(item_id=text_ids(item_id, "6"))
        assert list(find_misreadings(events)) == [
            f"Item ids begin or end with a space, as '{item_id}' does. It is a part of the id, "
            "which --items and titles do not have. Take such spaces out."
        ]


def test_an_id_with_an_outlying_share_of_all_events():
    users = ["shop bot"] * 100 + [f"u{at}" for at in range(20)]
    events = pd.DataFrame({"user_id": text_ids(*users), "timestamp": START + 9})
    assert list(find_misreadings(events)) == [
        "100 of 120 events (83 %) have the user 'shop bot': it may stand for many or be a program. "
        "--drop-id 'user=shop bot' leaves them out."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("7", "7.0"), ("7", "007"), ("7", "+7"), ("0", "00"), ("a", "a "), ("7", "7.")],
)
def test_an_id_that_is_written_in_two_ways(one, other):
    found = list(find_misreadings(make_log().assign(user_id=text_ids(one, other))))
    assert found[-1] == (
        f"1 user id is written in two ways, as '{one}' and '{other}', and counted as two. Write "
        "each id in one way."
    )


def test_two_ids_that_are_both_written_in_two_ways():
    users = text_ids("07", "7", "8", "8.0")
    events = pd.DataFrame({"user_id": users, "timestamp": START})
    assert list(find_misreadings(events)) == [
        "2 user ids are written in two ways, as '7' and '07', and counted as two. Write each id "
        "in one way."
    ]


def test_ids_of_one_form_are_not_told():
    for ids in (("007", "8"), ("1.5", "1"), ("1.50", "1.5")):
        assert list(find_misreadings(make_log().assign(item_id=text_ids(*ids)))) == []


def test_items_that_occur_once_each_may_be_row_numbers():
    events = pd.DataFrame({"item_id": range(500, 510), "timestamp": START + 9})
    assert list(find_misreadings(events)) == [
        "Each item id occurs once: the column may number the rows. Check which column names the "
        "items; --columns item=NAME takes another."
    ]
    assert list(find_misreadings(events.assign(item_id=[500, *range(500, 509)]))) == []
    assert list(find_misreadings(events[:9])) == []


def test_dates_without_a_time_of_day():
    days = [START + 86_400 * (n // 2) for n in range(10)]
    events = pd.DataFrame({"user_id": 1, "item_id": range(1, 11), "timestamp": days})
    events.loc[9, "item_id"] = 1
    assert list(find_misreadings(events)) == [
        "The times are dates without a time of day: the events of a user on one day stand in the "
        "order of the file. If another column has the time of day, --columns time=DATE+TIME reads "
        "both."
    ]
    events.loc[0, "timestamp"] += 1
    assert list(find_misreadings(events)) == []
