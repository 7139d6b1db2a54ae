import json
from dataclasses import asdict
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.figures import LogStatistics, TimeRange
from sbrcli.log.reading import read_log
from sbrcli.log.statistics import Reading, describe_log
from tests.builders import make_events

DAY = 86_400


def test_movielens_1m_gives_its_known_figures(ml_1m):
    statistics = describe_users(read_log(ml_1m).events)
    assert statistics.events == 1_000_209
    assert statistics.users == statistics.sessions == 6040
    assert statistics.items == 3706
    assert statistics.density == 1_000_209 / (6040 * 3706)
    assert statistics.session_length.median == 96
    assert statistics.session_length.mean == 165.5975165562914
    assert (statistics.session_length.min, statistics.session_length.max) == (20, 2314)
    assert statistics.session_length.q999 == pytest.approx(1343.181)
    assert statistics.tie_share == pytest.approx(0.532, abs=0.0005)
    assert statistics.time == TimeRange("2000-04-25T23:05:32+00:00", "2003-02-28T17:49:50+00:00")
    assert statistics.ratings == {
        "1": 56_174,
        "2": 107_557,
        "3": 261_197,
        "4": 348_971,
        "5": 226_310,
    }
    assert statistics.duplicates == statistics.repeat_share == 0


def test_an_event_more_than_sessions_have_steps():
    statistics = describe_users(make_events("1 5 10, 1 6 10, 1 6 30, 2 5 40"))
    assert statistics.events == 4
    assert (statistics.users, statistics.items, statistics.sessions) == (2, 2, 2)
    assert statistics.density == 3 / (2 * 2)  # user 1 saw item 6 twice
    assert statistics.tie_share == 1 / 2  # 10 10 30: one of two steps
    assert statistics.repeat_share == 1 / 2  # 5 6 6
    assert statistics.single_event_users == 1
    assert statistics.session_length.min == 1
    assert statistics.session_length.mean == 2
    assert statistics.session_length.median == 2
    assert statistics.session_length.q999 == pytest.approx(1 + 0.999 * (3 - 1))
    assert statistics.ratings is None


def test_events_need_not_lie_by_session_or_time():
    tidy = describe_users(make_events("1 5 10, 1 6 10, 1 6 30, 2 5 40, 2 7 50"))
    mixed = describe_users(make_events("2 7 50, 1 5 10, 2 5 40, 1 6 10, 1 6 30"))
    assert tidy == mixed


def test_ties_keep_the_order_of_the_file():
    # In file order 5 6 5; sorted by item it would be 5 5 6, with a repeat.
    assert describe_users(make_events("1 5 10, 1 6 10, 1 5 10")).repeat_share == 0


def test_duplicates_are_counted_wherever_they_stand_among_ties():
    events = make_events("1 5 10, 1 6 10, 1 5 10, 1 5 11, 2 5 10, 1 5 10")
    assert describe_users(events).duplicates == 2  # user 1, item 5, time 10: three times


def test_a_log_without_users_is_counted_by_session():
    events = make_events("1 5 10, 1 6 10, 2 5 40").rename(columns={"user_id": "session_id"})
    statistics = describe_log(events, Reading(rule=SessionRule("column")))
    assert statistics.users is None
    assert statistics.single_event_users is None
    assert statistics.suggested_gap_seconds is None
    assert statistics.sessions == 2
    assert statistics.tie_share == 1
    assert statistics.density == 3 / (2 * 2)


def test_ties_of_a_user_reach_over_the_sessions_of_the_log():
    events = make_events("1 5 10, 1 6 10, 1 7 20").assign(session_id=["a", "b", "b"])
    events["session_id"] = events["session_id"].astype("category")
    statistics = describe_log(events, Reading(rule=SessionRule("column")))
    assert statistics.tie_share == 1 / 2
    assert (statistics.users, statistics.sessions) == (1, 2)


def test_ids_far_apart_and_ids_of_text_are_counted_alike():
    near = make_events("1 5 10, 1 6 20, 2 5 30")
    far = near.assign(user_id=[-(2**63), -(2**63), 2**63 - 1], item_id=[7, 10**15, 7])
    text = near.assign(item_id=pd.Categorical(["x", "y", "x"], categories=["w", "x", "y"]))
    assert describe_users(near) == describe_users(far) == describe_users(text)


def test_new_items_are_those_of_the_last_30_days_alone():
    last = 100 * DAY
    events = make_events(f"1 5 {10 * DAY}, 1 6 {70 * DAY - 1}, 1 7 {70 * DAY}, 1 5 {last}")
    # The bound is within: items 7 and 5 are recent, and 7 was never seen before.
    assert describe_users(events).new_item_share == 1 / 2


def test_a_log_of_30_days_has_no_items_from_before():
    assert describe_users(make_events(f"1 5 0, 1 6 {30 * DAY}")).new_item_share is None


def test_ratings_are_counted_by_value_and_missing_ones_are_not():
    events = make_events("1 5 1, 1 6 2, 1 7 3, 1 8 4").assign(rating=[4.5, 3, 3, np.nan])
    assert describe_users(events).ratings == {"3": 2, "4.5": 1}


def test_more_than_100_different_ratings_are_a_measurement_and_no_rating():
    events = pd.DataFrame({"user_id": 1, "item_id": range(101), "timestamp": range(101)})
    assert describe_users(events.assign(rating=events.item_id / 7)).ratings is None


def test_times_are_those_of_the_zone():
    zone = ZoneInfo("Asia/Seoul")
    statistics = describe_users(make_events("1 5 0, 1 6 3600"), zone=zone)
    assert statistics.time == TimeRange("1970-01-01T09:00:00+09:00", "1970-01-01T10:00:00+09:00")


def test_a_gap_is_suggested_for_users_and_for_gap_sessions_but_not_for_the_logs_own():
    events = visits()
    with_sessions = events.assign(session_id=events.user_id)
    assert describe_users(events).suggested_gap_seconds == 3600
    gap = describe_log(with_sessions, Reading(rule=SessionRule("gap", 60.0)))
    assert gap.suggested_gap_seconds == 3600
    own = describe_log(with_sessions, Reading(rule=SessionRule("column")))
    assert own.suggested_gap_seconds is None


def test_figures_are_plain_values_that_json_takes():
    text = json.dumps(asdict(describe_users(visits())), allow_nan=False)
    assert {"events", "users", "items", "sessions", "session_length", "time"} <= json.loads(
        text
    ).keys()


def test_one_event_has_figures_too():
    statistics = describe_users(make_events("1 5 10"))
    assert statistics.tie_share == statistics.repeat_share == 0
    assert statistics.session_length.q999 == 1
    assert statistics.density == 1


def visits() -> pd.DataFrame:
    """One user's 31 visits, 3 days apart, of 3 events 10 s apart."""
    times = [visit * 3 * DAY + step * 10 for visit in range(31) for step in range(3)]
    return pd.DataFrame({"user_id": 1, "item_id": range(93), "timestamp": times})


def describe_users(events: pd.DataFrame, **options) -> LogStatistics:
    events = events.assign(session_id=events["user_id"])
    return describe_log(events, Reading(rule=SessionRule("user"), **options))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_the_quantiles_of_counted_lengths_are_those_of_numpy(lengths):
    users = np.repeat(np.arange(len(lengths)), lengths)
    events = pd.DataFrame({"user_id": users, "item_id": 1, "timestamp": np.arange(len(users))})
    found = describe_users(events).session_length
    assert [found.median, found.q999] == np.quantile(lengths, [0.5, 0.999]).tolist()
    assert found.mean == np.mean(lengths)
