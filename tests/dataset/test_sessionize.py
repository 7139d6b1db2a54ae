"""What a session is, and in which order they stand."""

import numpy as np
import pandas as pd
import pytest

from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.sessionize import assign_sessions, default_rule, session_offsets
from sbrcli.errors import DataError
from tests.builders import make_events

DAY = 86_400


def assign(events: pd.DataFrame, rule: str, **options: int) -> pd.DataFrame:
    return assign_sessions(events, SessionRule.parse(rule), **options)


def test_user_sessions_stand_in_order_of_the_user_then_time():
    events = assign(make_events("10 5 30, 9 6 20, 10 7 10"), "user")
    assert events["session_id"].tolist() == [9, 10, 10]
    assert events["item_id"].tolist() == [6, 7, 5]


def test_events_of_the_same_second_keep_their_order_in_the_file():
    events = assign(make_events("2 1 5, 1 9 7, 1 3 7, 1 8 7, 1 4 6"), "user")
    assert events["item_id"].tolist() == [4, 9, 3, 8, 1]


def test_a_pause_as_long_as_the_gap_begins_a_session_and_a_shorter_one_does_not():
    events = assign(make_events("1 1 0, 1 1 99, 1 1 199, 1 1 200"), "gap:100")
    assert events["session_id"].tolist() == [0, 0, 1, 1]


def test_a_gap_session_ends_with_its_user_however_close_the_next_one_is():
    events = assign(make_events("1 1 0, 1 1 1, 2 1 2, 2 1 3"), "gap:100")
    assert events["session_id"].tolist() == [0, 0, 1, 1]
    assert events["session_id"].dtype == np.int64


def test_across_users_a_session_goes_on_with_the_next_user():
    events = assign(make_events("1 1 0, 1 1 1, 2 1 2, 2 1 3"), "gap:100", across_users=True)
    assert events["session_id"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("step", "begins"),
    [
        (3599, False),
        (3600, True),
        (DAY, True),
        (DAY + 1, True),
        (-1, True),  # 86,399 seconds within the day
        (-DAY, False),  # 0 seconds
        (-DAY + 3599, False),
        (-DAY + 3600, True),
        (-9 * DAY + 3599, False),
    ],
)
def test_across_users_a_step_counts_as_a_timedelta_does(step: int, begins: bool):
    delta = pd.Timedelta(seconds=step)
    assert (delta.days >= 1 or delta.seconds >= 3600) == begins
    start = 10 * DAY
    events = make_events(f"1 1 {start}, 2 1 {start + step}")
    sessions = assign(events, "gap:3600", across_users=True)["session_id"]
    assert sessions.tolist() == [0, int(begins)]


def test_the_logs_own_sessions_stand_in_order_of_their_id():
    events = make_events("1 5 30, 1 6 20, 2 7 10").assign(session_id=[8, 3, 8])
    events = assign(events, "column")
    assert events["session_id"].tolist() == [3, 8, 8]
    assert events["item_id"].tolist() == [6, 7, 5]


def test_ids_that_are_no_integers_stand_in_the_order_of_their_categories():
    names = pd.Categorical(["b", "a", "é", "b"], categories=["a", "b", "é"])
    events = make_events("0 1 4, 0 2 3, 0 3 2, 0 4 1").assign(user_id=names)
    events = assign(events, "user")
    assert events["session_id"].tolist() == ["a", "b", "b", "é"]
    assert session_offsets(events).tolist() == [0, 1, 3, 4]


def test_times_with_fractions_are_cut_to_the_fraction():
    events = make_events("1 1 0, 1 1 0, 1 1 0").assign(timestamp=[0.0, 0.49, 0.99])
    assert assign(events, "gap:0.5")["session_id"].tolist() == [0, 0, 1]


def test_a_table_of_no_events_has_no_sessions():
    events = make_events("1 1 1").iloc[:0]
    for rule in ("user", "gap:10"):
        assert session_offsets(assign(events, rule)).tolist() == [0]


def test_the_input_is_left_as_it_was():
    events = make_events("2 5 30, 1 6 20")
    assign(events, "gap:10")
    pd.testing.assert_frame_equal(events, make_events("2 5 30, 1 6 20"))


def test_the_default_is_the_logs_own_sessions_else_its_users():
    events = make_events("1 1 1")
    assert default_rule(events) == SessionRule("user")
    assert default_rule(events.assign(session_id=1)) == SessionRule("column")
    assert default_rule(("session_id", None, "timestamp")) == SessionRule("column")


def test_a_log_without_sessions_cannot_be_cut_by_its_column():
    with pytest.raises(DataError) as raised:
        assign(make_events("1 1 1"), "column")
    assert str(raised.value) == "the log names no sessions, so --session column finds none"
    assert raised.value.hint == "make them of its users: --session user, or --session gap:3600"


def test_a_log_without_users_cannot_be_cut_by_them():
    events = make_events("1 1 1").rename(columns={"user_id": "session_id"})
    for rule in ("user", "gap:60"):
        with pytest.raises(DataError) as raised:
            assign(events, rule)
        assert str(raised.value) == "the log names no users, so sessions cannot be made of them"
        assert raised.value.hint == "it names its sessions: use --session column"


def test_of_a_large_user_the_newest_events_are_cut_into_sessions():
    events = make_events("1 5 30, 2 6 1, 1 7 10, 1 8 31, 1 9 31")
    for rule, sessions in (("user", [1, 1, 1, 2]), ("gap:2", [0, 0, 0, 1])):
        cut = assign(events, rule, max_user_events=3)
        assert cut["item_id"].tolist() == [5, 8, 9, 6]
        assert cut["session_id"].tolist() == sessions
    assert len(assign(events, "user", max_user_events=4)) == 5
    assert assign(events, "gap:9", max_user_events=1)["item_id"].tolist() == [9, 6]
