"""Last events of sessions, left out: as plain lists do it, and in words where none are left."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.build import BuiltDataset, build_dataset, to_sessions
from sbrcli.errors import DataError
from tests.builders import make_events

Lists = dict[int, list[int]]


@st.composite
def logs(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a log of up to twelve users and items, in any order, with ties."""
    length = draw(st.integers(5, 60))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users, items = seed.integers(0, 12, length), seed.integers(0, draw(st.integers(2, 25)), length)
    times = seed.integers(0, 40, length)
    return pd.DataFrame({"user_id": users, "item_id": items, "timestamp": times})


def literal_sessions(events: pd.DataFrame) -> Lists:
    rows = sorted(
        enumerate(events.itertuples()), key=lambda row: (row[1].user_id, row[1].timestamp, row[0])
    )
    sessions: Lists = defaultdict(list)
    for _, row in rows:
        sessions[row.user_id].append(row.item_id)
    return {user: items for user, items in sessions.items() if len(items) >= 2}


def literal_leave_one_out(sessions: Lists, with_valid: bool) -> dict[str, Lists]:
    """Give each split's sessions, of valid and test with the event left out as the last."""
    train, valid, test = {}, {}, {}
    for user, items in sessions.items():
        rest = list(items)
        if len(rest) > 2:
            test[user] = list(rest)
            rest.pop()
            if with_valid and len(rest) > 2:
                valid[user] = list(rest)
                rest.pop()
        train[user] = rest
    known = {item for items in train.values() for item in items}
    known_with_valid = known | {items[-1] for items in valid.values()}
    return {
        "train": train,
        "valid": {user: items for user, items in valid.items() if items[-1] in known},
        "test": {user: items for user, items in test.items() if items[-1] in known_with_valid},
    }


def lists_of(table: pd.DataFrame | None) -> Lists:
    if table is None:
        return {}
    found: Lists = defaultdict(list)
    for session, item in zip(table["session_id"], table["item_id"], strict=True):
        found[session].append(item)
    return dict(found)


def leave_out(events: pd.DataFrame, **options: object) -> BuiltDataset:
    config = PrepareConfig(**{"min_item_support": 1, "split": "last"} | options)
    return build_dataset(events, config)


def leave_out_or_skip(events: pd.DataFrame, **options: object) -> BuiltDataset:
    try:
        return leave_out(events, **options)
    except DataError:
        assume(False)
        raise


@given(logs(), st.booleans())
def test_the_splits_are_those_of_plain_lists(events, with_valid):
    made = leave_out_or_skip(events, valid_days=30 if with_valid else 0)
    expected = literal_leave_one_out(literal_sessions(events), with_valid)
    assert {name: lists_of(t) for name, t in made.splits.tables().items()} == expected
    assert (made.splits.valid is not None) == with_valid == (made.valid_full is not None)
    for name in ("valid", "test"):
        table = made.splits.tables()[name]
        if table is not None:
            asked = to_sessions(table, made.vocabulary)
            assert np.flatnonzero(asked.targets).tolist() == (asked.offsets[1:] - 1).tolist()


@given(logs(), st.integers(1, 3), st.booleans())
def test_every_event_is_of_train_or_left_out_in_one_split_or_counted_as_dropped(
    events, support, with_valid
):
    days = 30 if with_valid else 0
    made = leave_out_or_skip(events, min_item_support=support, valid_days=days)
    later = [table for table in (made.splits.valid, made.splits.test) if table is not None]
    kept = [made.splits.train, *(table[table["is_target"]] for table in later)]
    dropped = sum(made.dropped.values(), Counts())
    assert sum(map(len, kept)) + dropped.events == len(events) == made.num_events
    assert pd.concat(kept).index.is_unique  # the rows of the sorted log, none of them twice
    # What stands before an event left out is in an earlier split, or was left out and dropped.
    assert made.dropped["test_short_sessions"] == made.dropped["valid_short_sessions"] == Counts()


@given(logs())
def test_a_refit_sees_each_event_but_those_of_test_once(events):
    made = leave_out_or_skip(events)
    assert made.valid_full is not None
    expected = {
        user: items[:-1] if len(items) > 2 else items
        for user, items in literal_sessions(events).items()
    }
    assert lists_of(made.valid_full) == expected
    whole = to_sessions(made.valid_full, made.vocabulary)
    seen = set(whole.item_indices.tolist())
    assert seen == set(range(len(seen))), "a run's items are the dataset's first"


def test_sessions_of_two_three_four_and_more_events():
    events = "1 1 0, 1 2 1, 2 1 0, 2 2 1, 2 1 2, 3 1 0, 3 2 1, 3 2 2, 3 1 3, "
    made = leave_out(make_events(events + "4 1 0, 4 2 1, 4 1 2, 4 2 3, 4 1 4"))
    assert lists_of(made.splits.train) == {1: [1, 2], 2: [1, 2], 3: [1, 2], 4: [1, 2, 1]}
    assert lists_of(made.splits.valid) == {3: [1, 2, 2], 4: [1, 2, 1, 2]}
    assert lists_of(made.splits.test) == {2: [1, 2, 1], 3: [1, 2, 2, 1], 4: [1, 2, 1, 2, 1]}
    assert made.splits.test["is_target"].tolist() == [False] * 2 + [True] + [False] * 3 + [
        True,
        *([False] * 4),
        True,
    ]


def test_a_left_out_event_of_an_item_unseen_before_takes_its_session_from_the_split():
    # User 1's test event is of item 9, that of user 2 of item 8, which valid alone has seen.
    log = "1 1 0, 1 2 1, 1 8 2, 1 9 3, 2 1 0, 2 2 1, 2 1 2, 2 8 3, 3 1 0, 3 2 1"
    made = leave_out(make_events(log))
    assert lists_of(made.splits.train) == {1: [1, 2], 2: [1, 2], 3: [1, 2]}
    assert lists_of(made.splits.valid) == {2: [1, 2, 1]}
    assert lists_of(made.splits.test) == {2: [1, 2, 1, 8]}
    assert made.dropped["valid_unseen_items"] == Counts(events=1, sessions=1, items=1)
    assert made.dropped["test_unseen_items"] == Counts(events=1, sessions=1, items=1)
    assert made.vocabulary.ids == ["1", "2", "8", "9"]


@pytest.mark.parametrize(
    ("log", "days", "message", "hint"),
    [
        (
            "1 1 0, 1 2 1, 2 1 0, 2 2 1",
            30,
            "no session can leave an event out for valid: none of 2 has 4 events or more",
            "what works on this log: --test-days 0 --valid-days 0",
        ),
        (
            "1 1 0, 1 2 1, 2 1 0, 2 2 1",
            0,
            "no session can leave an event out for test: none of 2 has 3 events or more",
            "what works on this log: --test-days 0 --valid-days 0",
        ),
        (
            "1 1 0, 1 2 1, 1 3 2, 1 1 3, 2 1 0, 2 2 1, 2 4 2, 2 1 3",
            30,
            "no session is left for valid: of the 2 events left out, none is of an item seen "
            "before",
            "what works on this log: --split last --valid-days 0, or --test-days 0 --valid-days 0",
        ),
        (
            "1 1 0, 1 2 1, 1 3 2",
            0,
            "no session is left for test: of the 1 events left out, none is of an item seen before",
            "what works on this log: --test-days 0 --valid-days 0",
        ),
    ],
)
def test_a_split_that_is_left_with_nothing_says_what_to_change(log, days, message, hint):
    with pytest.raises(DataError) as raised:
        leave_out(make_events(log), valid_days=days)
    assert (str(raised.value), raised.value.hint) == (message, hint)
