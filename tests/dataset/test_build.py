"""The whole plan, on logs that nobody thought of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.build import BuiltDataset, build_dataset, to_sessions
from sbrcli.dataset.filters import count
from sbrcli.dataset.fingerprint import fingerprint
from sbrcli.errors import DataError
from tests.builders import make_events

DAY = 86_400

CONFIGS = st.builds(
    PrepareConfig,
    session=st.sampled_from(["user", "gap:40000"]),
    min_item_support=st.integers(1, 3),
    valid_days=st.sampled_from([0, 2, 4.5]),
    test_days=st.sampled_from([1, 3]),
    drop_repeats=st.booleans(),
)


@st.composite
def logs(draw: st.DrawFn, with_ties: bool) -> pd.DataFrame:
    """Draw a log of up to eight users and items over ten days, in any order."""
    length = draw(st.integers(10, 80))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hours = seed.choice(240, size=length, replace=with_ties)
    users, items = seed.integers(0, 8, length), seed.integers(0, 8, length)
    return pd.DataFrame({"user_id": users, "item_id": items, "timestamp": hours * 3600})


def arrange_or_skip(events: pd.DataFrame, config: PrepareConfig) -> BuiltDataset:
    try:
        return build_dataset(events, config)
    except DataError:
        assume(False)
        raise


def content(built: BuiltDataset) -> str:
    tables = {name: t for name, t in built.splits.tables().items() if t is not None}
    sessions = {name: to_sessions(t, built.vocabulary) for name, t in tables.items()}
    return fingerprint(built.vocabulary.to_items(), sessions)


@given(logs(with_ties=True), CONFIGS)
def test_every_event_and_session_is_in_one_split_or_in_one_counted_reason(events, config):
    built = arrange_or_skip(events, config)
    tables = [table for table in built.splits.tables().values() if table is not None]
    dropped = sum(built.dropped.values(), Counts())
    assert sum(map(len, tables)) + dropped.events == len(events) == built.num_events
    kept = pd.concat(tables)
    assert kept.index.is_unique  # the rows of the sorted log, none of them twice
    # No session is in two splits, so no split can leak into another.
    assert sum(count(table).sessions for table in tables) == kept["session_id"].nunique()


@given(logs(with_ties=False), CONFIGS, st.randoms(use_true_random=False))
def test_any_order_of_the_rows_gives_the_same_dataset(events, config, random):
    order = list(range(len(events)))
    random.shuffle(order)
    shuffled = events.take(order).reset_index(drop=True)
    built = arrange_or_skip(events, config)
    again = build_dataset(shuffled, config)
    assert content(again) == content(built)
    assert again.dropped == built.dropped


@given(logs(with_ties=True), CONFIGS)
def test_an_order_that_keeps_ties_in_place_gives_the_same_dataset(events, config):
    by_time = events.sort_values("timestamp", kind="stable").reset_index(drop=True)
    built = arrange_or_skip(events, config)
    assert content(build_dataset(by_time, config)) == content(built)


@given(logs(with_ties=True), CONFIGS)
def test_what_is_decoded_is_what_was_encoded(events, config):
    built = arrange_or_skip(events, config)
    vocabulary = built.vocabulary
    for table in built.splits.tables().values():
        if table is not None:
            indices = vocabulary.encode(table)
            assert vocabulary.decode(indices) == table["item_id"].astype(str).tolist()
    train = to_sessions(built.splits.train, vocabulary).item_indices
    assert np.bincount(train, minlength=len(vocabulary.ids)).tolist() == (
        vocabulary.train_count.tolist()
    )


@given(logs(with_ties=True), CONFIGS)
def test_every_session_has_a_next_item_and_its_events_in_order(events, config):
    for table in arrange_or_skip(events, config).splits.tables().values():
        if table is not None:
            sessions = table.groupby("session_id", observed=True)["timestamp"]
            assert sessions.size().min() >= 2
            assert all(times.is_monotonic_increasing for _, times in sessions)


def test_a_dataset_has_no_other_columns_than_these():
    events = make_events("1 5 0, 1 6 1, 2 5 8640000, 2 6 8640001").assign(rating=5.0)
    built = build_dataset(events, PrepareConfig(min_item_support=1, valid_days=0))
    assert list(built.splits.train.columns) == ["session_id", "item_id", "timestamp"]


def test_without_a_rule_the_logs_own_sessions_are_taken():
    events = make_events("1 5 0, 1 6 1, 1 5 8640000, 1 6 8640001").assign(session_id=[4, 4, 9, 9])
    built = build_dataset(events, PrepareConfig(min_item_support=1, valid_days=0))
    assert built.splits.test["session_id"].tolist() == [9, 9]


def test_repeats_are_dropped_before_anything_else():
    events = make_events("1 5 0, 1 5 1, 1 6 2, 2 5 8640000, 2 6 8640001")
    config = PrepareConfig(min_item_support=1, valid_days=0, drop_repeats=True)
    built = build_dataset(events, config)
    assert built.splits.train["timestamp"].tolist() == [0, 2]
    assert built.dropped["repeats"] == Counts(events=1, sessions=0, items=0)


@pytest.mark.parametrize("text", ["1 5 0", "1 5 0, 2 5 1, 3 5 2, 4 5 3, 5 5 4"])
def test_a_log_of_single_events_leaves_nothing(text):
    events = make_events(text)
    with pytest.raises(DataError) as raised:
        build_dataset(events, PrepareConfig())
    assert str(raised.value) == (
        f"nothing is left of {len(events)} events in sessions of 2 or more and of items with 5 "
        "or more"
    )
    assert raised.value.hint == (
        "lower --min-item-support or --min-session-length, or make longer sessions, as with "
        "--session user"
    )


def test_a_log_of_one_user_leaves_nothing_for_train_and_says_how_to_cut_it():
    events = make_events(", ".join(f"1 {item} {item * 60}" for item in (1, 2) * 5))
    with pytest.raises(DataError) as raised:
        build_dataset(events, PrepareConfig())
    assert str(raised.value) == (
        "no session is left for train: 1 of 1 end within the share of 0.1 of test, from "
        "1970-01-01T00:02:00+00:00 to 1970-01-01T00:02:00+00:00"
    )
    assert raised.value.hint == (
        "what works on this log: --split last, or --split last --valid-days 0"
    )


def test_a_log_of_one_item_is_a_dataset():
    events = make_events("1 5 0, 1 5 1, 2 5 8640000, 2 5 8640001")
    built = build_dataset(events, PrepareConfig(min_item_support=1, valid_days=0))
    assert built.vocabulary.ids == ["5"]
