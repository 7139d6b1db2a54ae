"""What cleansing leaves out, and what it counts."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.cleansing import cleanse
from sbrcli.dataset.filters import (
    Counts,
    count,
    drop_rare_items,
    drop_repeats,
    drop_short_sessions,
    find_newest,
)
from sbrcli.dataset.sessionize import assign_sessions
from sbrcli.dataset.vocabulary import categorise_items
from tests.builders import make_events


def make_table(text: str) -> pd.DataFrame:
    """Make user sessions of "user item time" triples."""
    return assign_sessions(categorise_items(make_events(text)), SessionRule("user"))


def items(events: pd.DataFrame) -> list[int]:
    return events["item_id"].tolist()


def test_of_a_sessions_repeats_in_a_row_the_first_stays():
    events = make_table("1 5 1, 1 5 2, 1 6 3, 1 5 4, 1 5 5, 2 5 6")
    kept = drop_repeats(events)
    assert kept["timestamp"].tolist() == [1, 3, 4, 6]


def test_the_next_sessions_first_item_is_no_repeat():
    assert items(drop_repeats(make_table("1 5 1, 2 5 2"))) == [5, 5]


def test_sessions_of_the_least_length_stay():
    events = make_table("1 5 1, 2 5 1, 2 6 2, 3 5 1, 3 6 2, 3 7 3")
    assert drop_short_sessions(events, 2)["session_id"].tolist() == [2, 2, 3, 3, 3]


def test_items_of_the_least_support_stay():
    events = make_table("1 5 1, 1 6 2, 1 7 3, 2 5 1, 2 6 2, 3 5 1")
    assert set(items(drop_rare_items(events, 2))) == {5, 6}
    assert set(items(drop_rare_items(events, 3))) == {5}


def test_what_makes_an_item_rare_makes_a_session_short_and_so_on():
    # 9 is rare; without it session 3 is short; without that 7 is rare; then session 2 is short.
    events = make_table("1 5 1, 1 6 2, 2 7 1, 2 5 2, 3 7 1, 3 9 2, 4 5 1, 4 6 2")
    kept, dropped = cleanse(events, 2, 2)
    assert kept["session_id"].tolist() == [1, 1, 4, 4]
    assert dropped == {
        "rare_items": Counts(events=1 + 1, sessions=0, items=1 + 1),
        "short_sessions": Counts(events=1 + 1, sessions=1 + 1, items=0),
    }


def test_a_session_that_loses_its_last_event_to_rare_items_is_counted_there():
    kept, dropped = cleanse(make_table("1 5 1, 1 5 2, 2 8 1, 2 9 2"), 2, 2)
    assert items(kept) == [5, 5]
    assert dropped["rare_items"] == Counts(events=2, sessions=1, items=2)
    assert dropped["short_sessions"] == Counts()


def test_everything_may_be_dropped():
    kept, dropped = cleanse(make_table("1 5 1, 2 6 1"), 2, 5)
    assert kept.empty
    assert dropped["short_sessions"] == Counts(events=2, sessions=2, items=2)


TRIPLES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 20)), min_size=1)


@given(TRIPLES, st.integers(2, 4), st.integers(1, 4))
def test_cleansing_is_idempotent_bounded_and_counts_everything(triples, length, support):
    events = make_table(", ".join(f"{u} {i} {t}" for u, i, t in triples))
    kept, dropped = cleanse(events, length, support)
    again, dropped_again = cleanse(kept, length, support)
    pd.testing.assert_frame_equal(again, kept)
    assert set(dropped_again.values()) == {Counts()}
    assert (kept["session_id"].value_counts() >= length).all()
    occurring = kept["item_id"].value_counts()
    assert (occurring[occurring > 0] >= support).all()
    assert count(kept) + sum(dropped.values(), Counts()) == count(events)


@given(TRIPLES)
def test_dropping_repeats_twice_is_dropping_them_once(triples):
    once = drop_repeats(make_table(", ".join(f"{u} {i} {t}" for u, i, t in triples)))
    pd.testing.assert_frame_equal(drop_repeats(once), once)
    assert count(once).sessions == len({user for user, _, _ in triples})


@given(TRIPLES, st.integers(1, 5))
def test_filters_of_whole_sessions_need_only_whole_sessions(triples, bound):
    events = make_table(", ".join(f"{u} {i} {t}" for u, i, t in triples))
    parts = [part for _, part in events.groupby(events["user_id"] % 2)]
    for step in (lambda table: drop_short_sessions(table, bound), drop_repeats):
        joined = pd.concat([step(part) for part in parts]).sort_index()
        pd.testing.assert_frame_equal(joined, step(events))


def test_the_newest_of_equal_times_are_the_last_in_the_file():
    owners, times = np.array([1, 0, 1, 1, 0, 1]), np.array([9, 5, 4, 9, 5, 9])
    assert find_newest(owners, times, 2).tolist() == [False, True, False, True, True, True]
    assert find_newest(owners, times, 1).tolist() == [False, False, False, False, True, True]
    assert find_newest(owners[:0], times[:0], 2).tolist() == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40),
    st.integers(1, 6),
)
def test_each_owner_keeps_the_end_of_its_sorted_events(rows, max_events):
    owners, times = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    expected = set()
    for owner in range(5):
        own = [at for at, row in enumerate(rows) if row[0] == owner]
        expected.update(sorted(own, key=lambda at: rows[at][1])[-max_events:])
    assert set(np.flatnonzero(find_newest(owners, times, max_events))) == expected
