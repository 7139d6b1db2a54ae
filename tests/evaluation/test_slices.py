"""The figures by slices of the next items."""

import numpy as np

from sbrcli.evaluation.ranks import rank_targets
from sbrcli.evaluation.slices import Slice, popularity_decile, slice_ranks
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.evaluation.test_ranks import TABLE, LastItemScorer

DAY = 86_400


def sliced(sessions: Sessions, by: str, train_count: tuple[int, ...] = (5, 3, 1)) -> list[Slice]:
    ranks = rank_targets(LastItemScorer(TABLE), sessions)
    found = slice_ranks(ranks, sessions, np.array(train_count), (1,))
    return [part for part in found if part.slice == by]


def told(parts: list[Slice]) -> dict[str, tuple[int, float]]:
    return {part.value: (part.events, part.metrics["recall@1"]) for part in parts}


# 0>1 hit, 1>0 miss, 0>1 hit;  2>0 hit, 0>2 miss
SESSIONS = make_sessions([0, 1, 0, 1], [2, 0, 2])


def test_a_slice_has_an_interval_where_several_sessions_hold_it():
    two, three, four = sliced(SESSIONS, "position")
    assert two.interval == {"mrr@1": (1.0, 1.0)}
    assert three.interval == {"mrr@1": (0.0, 0.0)}
    assert four.interval == {}
    repeats = sliced(make_sessions([0, 1, 0, 0], [2, 0, 2]), "item")[1]
    low, high = repeats.interval["mrr@1"]
    assert 0 <= low <= repeats.metrics["mrr@1"] <= high <= 1


def test_by_the_place_of_the_next_item():
    assert told(sliced(SESSIONS, "position")) == {"2": (2, 1.0), "3": (2, 0.0), "4-5": (1, 1.0)}


def test_by_the_length_of_the_session():
    assert told(sliced(SESSIONS, "session length")) == {"3": (2, 1 / 2), "4-5": (3, 2 / 3)}


def test_unknown_events_count_for_position_and_length():
    sessions = make_sessions([0, 99, 1])
    assert told(sliced(sessions, "position")) == {"3": (1, 1.0)}
    assert told(sliced(sessions, "session length")) == {"3": (1, 1.0)}


def test_by_whether_the_session_held_the_item():
    assert told(sliced(SESSIONS, "item")) == {"new": (2, 1.0), "repeat": (3, 1 / 3)}


def test_by_the_popularity_of_the_next_item():
    # Of three items the most popular has decile 10, then 7 and 4.
    assert told(sliced(SESSIONS, "popularity decile")) == {
        "4": (1, 0.0),
        "7": (2, 1.0),
        "10": (2, 1 / 2),
    }


def test_deciles_are_tenths_of_the_items_the_most_popular_first():
    decile = popularity_decile(np.array([100 - item for item in range(20)]))
    assert decile.tolist() == [10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_by_week_which_begins_on_monday():
    base = make_sessions([0, 1, 0], [2, 0])
    times = np.array([0, 3 * DAY, 4 * DAY - 1, 0, 4 * DAY])  # 1970-01-04 was a Sunday
    sessions = Sessions(base.item_indices, base.offsets, times)
    assert told(sliced(sessions, "week")) == {"1969-12-29": (2, 1 / 2), "1970-01-05": (1, 1.0)}


def test_by_month_where_there_are_many_weeks():
    items = [0, 1] * 8
    base = make_sessions(items)
    sessions = Sessions(base.item_indices, base.offsets, np.arange(16) * 7.0 * DAY)
    assert sliced(sessions, "week") == []
    found = sliced(sessions, "month")
    assert [part.value for part in found] == ["1970-01", "1970-02", "1970-03", "1970-04"]
    assert sum(part.events for part in found) == 15
