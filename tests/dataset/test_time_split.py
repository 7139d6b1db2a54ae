"""Logs cut at one moment: as plain lists do it, and in words where nothing is left."""

import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.build import BuiltDataset, build_dataset, to_sessions
from sbrcli.dataset.filters import Counts
from sbrcli.errors import DataError
from tests.builders import make_events

DAY = 86_400
Event = tuple[int, int]
"""An item and its time."""

Lists = dict[object, list[Event]]

MORE = settings(max_examples=2 * settings.default.max_examples)


@st.composite
def logs(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a log of up to twelve users and items, in any order, with ties; a time is a day."""
    length = draw(st.integers(8, 60))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users, items = seed.integers(0, 12, length), seed.integers(0, draw(st.integers(2, 12)), length)
    times = seed.integers(0, 30, length) * DAY
    return pd.DataFrame({"user_id": users, "item_id": items, "timestamp": times})


def literal_sessions(events: pd.DataFrame, gap: float = math.inf) -> Lists:
    """Give each user's events by time, ties in file order, cut where `gap` passes."""
    rows = sorted(
        enumerate(events.itertuples()), key=lambda row: (row[1].user_id, row[1].timestamp, row[0])
    )
    sessions: Lists = {}
    last: tuple[int, float] | None = None
    for _, row in rows:
        if last is None or row.user_id != last[0] or row.timestamp - last[1] >= gap:
            sessions[len(sessions)] = []
        sessions[len(sessions) - 1].append((row.item_id, row.timestamp))
        last = (row.user_id, row.timestamp)
    return sessions


def literal_moment(times: list[int], share: float, total: int) -> int:
    """Give the latest time from which on at least the share of all events is."""
    for moment in sorted(set(times), reverse=True):
        if sum(time >= moment for time in times) >= share * total:
            return moment
    return min(times)


def literal_cleanse(sessions: Lists, support: int) -> Lists:
    while True:
        kept = {name: events for name, events in sessions.items() if len(events) >= 2}
        counts: dict[int, int] = defaultdict(int)
        for events in kept.values():
            for item, _ in events:
                counts[item] += 1
        kept = {
            name: [e for e in events if counts[e[0]] >= support] for name, events in kept.items()
        }
        if kept == sessions:
            return kept
        sessions = kept


def literal_part(sessions: Lists, since: int, until: float) -> dict[object, tuple[list, list]]:
    """Give the sessions with a target, as their events before `until` and which are targets."""
    parts = {}
    for name, events in sessions.items():
        own = [event for event in events if event[1] < until]
        targets = [place > 0 and event[1] >= since for place, event in enumerate(own)]
        if any(targets):
            parts[name] = (own, targets)
    return parts


def lists_of(table: pd.DataFrame) -> list[list[Event]]:
    found: dict[object, list[Event]] = defaultdict(list)
    rows = zip(table["session_id"], table["item_id"], table["timestamp"], strict=True)
    for session, item, time in rows:
        found[session].append((item, time))
    return list(found.values())


def cut(events: pd.DataFrame, **options: object) -> BuiltDataset:
    config = PrepareConfig(**{"min_item_support": 1, "split": "time"} | options)
    return build_dataset(events, config)


def cut_or_skip(events: pd.DataFrame, **options: object) -> BuiltDataset:
    try:
        return cut(events, **options)
    except DataError:
        assume(False)
        raise


def check_part(table: pd.DataFrame, expected: dict[object, tuple[list, list]]) -> None:
    assert lists_of(table) == [events for events, _ in expected.values()]
    assert table["is_target"].tolist() == [one for _, marks in expected.values() for one in marks]


@MORE
@given(logs(), st.sampled_from([0.1, 0.25, 0.5]), st.integers(1, 3), st.sampled_from([None, 5]))
def test_the_splits_are_those_of_plain_lists(events, share, support, gap_days):
    session = "user" if gap_days is None else f"gap:{gap_days * DAY}"
    made = cut_or_skip(
        events, test_share=share, valid_share=0.2, min_item_support=support, session=session
    )
    sessions = literal_sessions(events, gap_days * DAY if gap_days else math.inf)
    times = [time for own in sessions.values() for _, time in own]
    test_from = literal_moment(times, share, len(times))
    before = [time for time in times if time < test_from]
    valid_from = literal_moment(before, 0.2, len(times))
    train = {n: [e for e in own if e[1] < valid_from] for n, own in sessions.items()}
    full = {n: [e for e in own if e[1] < test_from] for n, own in sessions.items()}
    assert made.splits.valid is not None and made.splits.test is not None
    assert made.valid_full is not None
    assert lists_of(made.splits.train) == list(literal_cleanse(train, support).values())
    check_part(made.splits.valid, literal_part(sessions, valid_from, test_from))
    check_part(made.splits.test, literal_part(sessions, test_from, math.inf))
    assert lists_of(made.valid_full) == list(literal_cleanse(full, support).values())


@MORE
@given(logs(), st.integers(1, 3), st.integers(1, 12), st.integers(0, 12))
def test_no_event_is_learned_from_a_time_that_is_tested_and_each_is_counted_once(
    events, support, test_days, valid_days
):
    days = {"test_days": test_days, "valid_days": valid_days}
    made = cut_or_skip(events, min_item_support=support, **days)
    test_from = events["timestamp"].max() - test_days * DAY
    valid_from = test_from - valid_days * DAY
    assert (made.splits.train["timestamp"] < valid_from).all()
    parts = [made.splits.train]
    for table, since, until in (
        (made.splits.valid, valid_from, test_from),
        (made.splits.test, test_from, math.inf),
    ):
        if table is not None:
            assert (table["timestamp"] < until).all()
            assert (table.loc[table["is_target"], "timestamp"] >= since).all()
            parts.append(table[table["timestamp"] >= since])
    assert (made.splits.valid is None) == (valid_days == 0)
    dropped = sum(made.dropped.values(), Counts())
    assert sum(map(len, parts)) + dropped.events == len(events) == made.num_events
    assert pd.concat(parts).index.is_unique  # the rows of the sorted log, none of them twice


@given(logs(), st.integers(1, 3))
def test_the_items_of_train_and_of_a_refit_are_the_first_ones(events, support):
    made = cut_or_skip(events, test_share=0.2, valid_share=0.2, min_item_support=support)
    for table in (made.splits.train, made.valid_full):
        seen = set(to_sessions(table, made.vocabulary).item_indices.tolist())
        assert seen == set(range(len(seen)))


def test_a_session_that_reaches_over_both_cuts_is_context_where_it_was_learned():
    log = "1 5 0, 1 6 1, 1 5 50, 1 6 51, 1 5 90, 2 5 2, 2 6 3, 3 6 91, 3 5 92, 4 5 93"
    made = cut(make_events(log), test_share=0.4, valid_share=0.2)
    assert lists_of(made.splits.train) == [[(5, 0), (6, 1)], [(5, 2), (6, 3)]]
    assert lists_of(made.splits.valid) == [[(5, 0), (6, 1), (5, 50), (6, 51)]]
    assert made.splits.valid["is_target"].tolist() == [False, False, True, True]
    assert lists_of(made.splits.test) == [
        [(5, 0), (6, 1), (5, 50), (6, 51), (5, 90)],
        [(6, 91), (5, 92)],
    ]
    assert made.splits.test["is_target"].tolist() == [*[False] * 4, True, False, True]
    # User 4's only event follows nothing.
    assert made.dropped["test_short_sessions"] == Counts(events=1, sessions=1, items=1)


def test_an_item_that_only_the_future_has_stays_a_target_and_a_rare_one_is_not_learned():
    log = "1 5 0, 1 6 1, 1 7 2, 2 5 3, 2 6 4, 1 9 90, 2 7 91"
    made = cut(make_events(log), test_days=0.0001, valid_days=0, min_item_support=2)
    assert lists_of(made.splits.train) == [[(5, 0), (6, 1)], [(5, 3), (6, 4)]]
    assert lists_of(made.splits.test) == [
        [(5, 0), (6, 1), (7, 2), (9, 90)],
        [(5, 3), (6, 4), (7, 91)],
    ]
    assert made.vocabulary.ids == ["5", "6", "7", "9"]
    assert made.vocabulary.train_count.tolist() == [2, 2, 0, 0]
    assert made.dropped["rare_items"] == Counts(events=1, sessions=0, items=1)


def test_ties_at_the_moment_are_test():
    log = "1 5 0, 1 6 1, 2 5 0, 2 6 1, 1 5 9, 2 5 9, 3 6 8, 3 5 9"
    made = cut(make_events(log), test_share=0.1, valid_days=0)
    assert int(made.splits.test["is_target"].sum()) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"test_days": 40, "valid_days": 0},
            "no session is left for train: before 1969-11-22T00:01:31+00:00 there are 0 events, "
            "and none is left of them",
        ),
        (
            {"test_share": 0.1, "valid_days": 0},
            "no session is left for test: no event from 1970-01-01T00:01:31+00:00 on follows "
            "another one of its session",
        ),
    ],
)
def test_a_split_that_is_left_with_nothing_says_so(options, message):
    log = "1 5 0, 1 6 1, 1 5 2, 2 5 3, 2 6 4, 2 5 5, 3 5 91"
    with pytest.raises(DataError) as raised:
        cut(make_events(log), **options)
    assert str(raised.value) == message
    assert raised.value.hint is not None and raised.value.hint.startswith("what works on this log:")


def test_a_log_of_rare_items_alone_is_refused_as_with_any_split():
    with pytest.raises(DataError) as raised:
        cut(make_events("1 5 0, 1 6 1"), test_days=0, valid_days=0, min_item_support=5)
    assert str(raised.value).startswith("nothing is left of 2 events in sessions of 2 or more")
