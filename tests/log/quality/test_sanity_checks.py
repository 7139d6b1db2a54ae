"""Every warning of `sbr stats`, in full."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import pytest

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.statistics import Reading, describe_log
from tests.builders import make_events

DAY = 86_400
START = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())


def test_a_log_without_oddities_has_no_warnings():
    assert warnings(make_log()) == ()


def test_ties():
    events = make_log(times=[0, 0, 40, 100], items=[5, 6, 5, 6])
    assert warnings(events) == (
        "33 % of the consecutive events of a user have the same time: their order is that of the "
        "file. Do not sort the file.",
    )
    sessions = events.rename(columns={"user_id": "session_id"})
    assert describe_log(sessions, Reading(rule=SessionRule("column"))).warnings == (
        "33 % of the consecutive events of a session have the same time: their order is that of "
        "the file. Do not sort the file.",
    )


def test_repeats():
    assert warnings(make_log(items=[5, 5, 6, 5])) == (
        "33 % of the consecutive events of a session repeat the item before. sbr preprocess "
        "--drop-repeats takes them out.",
    )


def test_a_share_below_a_tenth_keeps_a_decimal():
    items = [5, 5, *[6, 5] * 20]
    times = [n * 2 + 0.25 for n in range(42)]
    assert warnings(make_log(times=times, items=items)) == (
        "2.4 % of the consecutive events of a session repeat the item before. sbr preprocess "
        "--drop-repeats takes them out.",
    )


def test_exact_duplicates():
    said = warnings(make_log(times=[0, 0, 0, 100], items=[5, 6, 5, 6]))
    assert said[1:] == (
        "Exact duplicates (same user, item and time as an earlier event): 2. If something was "
        "logged twice, awk '!seen[$0]++' LOG > CLEAN keeps the first of equal lines.",
    )


def test_the_lines_of_a_compressed_log_are_unpacked_first():
    events = make_log(times=[0, 0, 0, 100], items=[5, 6, 5, 6])
    sessions = events.rename(columns={"user_id": "session_id"})
    said = describe_log(sessions, Reading(rule=SessionRule("column"), line_reader="zcat")).warnings
    assert said[1].endswith(
        "logged twice, zcat LOG | awk '!seen[$0]++' > CLEAN keeps the first of equal lines."
    )


def test_exact_duplicates_of_a_session():
    events = make_log(times=[0, 0, 0, 100], items=[5, 6, 5, 6])
    sessions = events.rename(columns={"user_id": "session_id"})
    assert describe_log(sessions, Reading(rule=SessionRule("column"))).warnings[1:] == (
        "Exact duplicates (same session, item and time as an earlier event): 2. If something was "
        "logged twice, awk '!seen[$0]++' LOG > CLEAN keeps the first of equal lines.",
    )


def test_users_with_one_event():
    events = pd.concat([make_log(), make_events(f"7 5 {START}")])
    assert warnings(events) == (
        "Users with one event: 1 of 3 (33 %). Nothing follows it, so sbr preprocess leaves them "
        "out.",
    )


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_of_our_years_in_another_unit_are_no_oddity(unit: str):
    assert warnings(make_log(), time_unit=unit) == ()


def test_one_user():
    assert warnings(make_log(users=1)) == (
        "The log has one user. Check which column names the users.",
    )


def test_one_item():
    assert warnings(make_log(items=[5, 5, 5, 5]))[1:] == (
        "The log has one item. Check which column names the items.",
    )


def test_new_items():
    assert warnings(make_log(items=[5, 6, 5, 7])) == (
        "100 % of the items of the last 30 days were never seen before: a model trained before "
        "them cannot recommend them. Train often.",
    )


def test_no_session_of_two_events():
    events = make_log().assign(session_id=range(8))
    assert describe_log(events, Reading(rule=SessionRule("column"))).warnings == (
        "No session has two events, so nothing can be learned. Try --session user, or --session "
        "gap:SECONDS with a longer gap.",
    )
    alone = events.drop(columns="user_id")
    assert describe_log(alone, Reading(rule=SessionRule("column"))).warnings == (
        "No session has two events, so nothing can be learned. Check which column names the "
        "sessions.",
    )


def test_a_gap_that_would_tell_visits_apart():
    times = [visit * 3 + step / 8640 for visit in range(31) for step in range(3)]
    assert warnings(make_log(times=times, items=[5, 6, 7] * 31)) == (
        "Users come back: their pauses fall into short and long ones, with few around 3,600 s. "
        "--session gap:3600 makes a session of each visit.",
    )


def test_a_word_that_stands_for_no_user_is_reported_once():
    events = make_log()
    users = events["user_id"].replace({0: "NULL", 1: "1"}).astype("category")
    assert warnings(events.assign(user_id=users)) == (
        "4 of 8 events have the user NULL: it seems to stand for no user, and counts as one like "
        "any other. --drop-id user=NULL leaves them out.",
    )


def make_log(
    users: int = 2,
    items: Sequence[int] = (5, 6, 5, 6),
    times: Sequence[float] = (0, 20, 40, 100),
) -> pd.DataFrame:
    """Users who all do the same; times are days after the start."""
    seconds = [START + round(time * DAY) for time in times]
    rows = [(u, i, t) for u in range(users) for i, t in zip(items, seconds, strict=True)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


def warnings(events: pd.DataFrame, **options) -> tuple[str, ...]:
    events = events.assign(session_id=events["user_id"])
    return describe_log(events, Reading(rule=SessionRule("user"), **options)).warnings
