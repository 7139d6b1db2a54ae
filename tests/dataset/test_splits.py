"""Which sessions are scored, which are trained on, and what leaves either."""

import pandas as pd
import pytest

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.build import BuiltDataset
from sbrcli.dataset.cleansing import Cleansing
from sbrcli.dataset.cuts import Times
from sbrcli.dataset.given_split import GivenSplit
from sbrcli.dataset.parts import MemoryPart
from sbrcli.dataset.plan import complete_plan
from sbrcli.dataset.sessionize import assign_sessions
from sbrcli.dataset.splits import DateSplit, Splits, cut_by_date, session_ends
from sbrcli.dataset.vocabulary import categorise_items
from sbrcli.engines.local import HERE
from sbrcli.errors import DataError
from tests.builders import make_events

DAY = 86_400


def make_table(*sessions: str) -> pd.DataFrame:
    """Make user sessions: make_table("7@1 8@1.5") has one, of items 7 and 8, on days 1 and 1.5."""
    events = [
        (user, *event.split("@")) for user, text in enumerate(sessions) for event in text.split()
    ]
    triples = (f"{user} {item} {int(float(day) * DAY)}" for user, item, day in events)
    table = categorise_items(make_events(", ".join(triples)))
    return assign_sessions(table, SessionRule("user"))


def sessions(events: pd.DataFrame | None) -> list[int]:
    assert events is not None
    return sorted(set(events["session_id"]))


def split(events: pd.DataFrame, valid_days: float = 10, test_days: float = 10) -> Splits:
    config = PrepareConfig(valid_days=valid_days, test_days=test_days)
    cuts = cut_by_date(Times.of(session_ends(events)), events["timestamp"].min(), config)
    tables = cuts.split(events)
    return Splits(tables["train"], tables.get("valid"), tables.get("test"))


def drop_unseen(splits: Splits, is_given: bool = False) -> tuple[Splits, dict[str, Counts]]:
    """Drop unseen items from splits, as the plan of one part does."""
    tables = {name: table for name, table in splits.tables().items() if table is not None}
    rule = (GivenSplit if is_given else _Cut)(Cleansing(1), tuple(tables))
    item_ids = splits.train["item_id"].cat.categories.to_numpy()
    parts = [MemoryPart(table, number) for number, table in enumerate(tables.values())]
    plan = complete_plan(HERE, parts, rule, item_ids, {}, 0)
    return BuiltDataset.of(plan).splits, plan.dropped


class _Cut(GivenSplit):
    """Splits that were cut by date."""

    explain_empty = DateSplit.explain_empty


def test_a_session_belongs_where_its_last_event_lies():
    splits = split(make_table("1@0 1@70", "1@0 1@85", "1@0 1@100"))
    assert [sessions(table) for table in splits.tables().values()] == [[0], [1], [2]]


def test_both_bounds_are_included():
    # Test goes back to day 90. What is left ends on day 89, so valid goes back to day 79.
    splits = split(make_table("1@78.99", "1@79", "1@89", "1@90", "1@100"))
    assert sessions(splits.train) == [0]
    assert sessions(splits.valid) == [1, 2]
    assert sessions(splits.test) == [3, 4]


def test_days_may_be_fractions():
    splits = split(make_table("1@9.4", "1@9.5", "1@10"), valid_days=0, test_days=0.5)
    assert sessions(splits.test) == [1, 2]


def test_no_valid_days_make_no_valid_split():
    splits = split(make_table("1@70 1@71", "1@99 1@100"), valid_days=0)
    assert splits.valid is None
    assert sessions(splits.train) == [0]
    _, dropped = drop_unseen(splits)
    assert dropped["valid_unseen_items"] == dropped["valid_short_sessions"] == Counts()


def test_the_end_of_a_session_is_its_latest_event_wherever_that_stands():
    events = make_table("1@5 1@9 1@3").assign(timestamp=[5, 9, 3])
    assert session_ends(events).tolist() == [9]


def test_items_seen_in_valid_alone_stay_in_test_and_leave_valid():
    splits = split(make_table("1@0 2@70", "1@85 2@85 3@85", "1@100 3@100 4@100"))
    cleaned, dropped = drop_unseen(splits)
    assert cleaned.valid is not None
    assert cleaned.valid["item_id"].tolist() == [1, 2]
    assert cleaned.test is not None
    assert cleaned.test["item_id"].tolist() == [1, 3]
    assert dropped["valid_unseen_items"] == Counts(events=1, sessions=0, items=1)
    assert dropped["test_unseen_items"] == Counts(events=1, sessions=0, items=1)


def test_a_session_left_with_one_event_leaves_too():
    splits = split(
        make_table("1@0 2@70", "1@85 2@85", "1@86 3@86", "1@99 4@99", "2@100 1@100", "5@98 5@98"),
    )
    cleaned, dropped = drop_unseen(splits)
    assert sessions(cleaned.valid) == [1]
    assert sessions(cleaned.test) == [4]
    assert dropped == {
        "test_unseen_items": Counts(events=1 + 2, sessions=0 + 1, items=2),
        "test_short_sessions": Counts(events=1, sessions=1, items=0),
        "valid_unseen_items": Counts(events=1, sessions=0, items=1),
        "valid_short_sessions": Counts(events=1, sessions=1, items=0),
    }


def test_no_train_because_of_test_says_which_number_to_change():
    with pytest.raises(DataError) as raised:
        split(make_table("1@95 1@96", "1@99 1@100"))
    assert str(raised.value) == (
        "no session is left for train: 2 of 2 end within the 10 days of test, "
        "from 1970-04-07T00:00:00+00:00 to 1970-04-11T00:00:00+00:00"
    )


def test_no_train_because_of_valid_says_which_number_to_change():
    with pytest.raises(DataError) as raised:
        split(make_table("1@80 1@81", "1@99 1@100"), valid_days=0.5)
    assert str(raised.value) == (
        "no session is left for train: 1 of 1 end within the 0.5 days of valid, "
        "from 1970-03-23T00:00:00+00:00 to 1970-03-23T00:00:00+00:00"
    )


def test_more_days_than_a_calendar_has_leave_nothing_for_train():
    with pytest.raises(DataError, match="within the 1e\\+12 days of test"):
        split(make_table("1@0 1@1", "1@99 1@100"), test_days=1e12)


def test_a_test_split_of_new_items_alone_says_which_numbers_to_change():
    with pytest.raises(DataError) as raised:
        drop_unseen(split(make_table("1@0 1@70", "1@85 1@85", "8@99 9@100")))
    assert str(raised.value) == (
        "no session is left for test: of its 1, which end from 1970-04-11T00:00:00+00:00 to "
        "1970-04-11T00:00:00+00:00, none has 2 events of items seen before"
    )


def test_a_valid_split_of_new_items_alone_says_that_it_can_be_left_out():
    with pytest.raises(DataError) as raised:
        drop_unseen(split(make_table("1@0 1@70", "8@85 9@85", "1@99 1@100")))
    assert str(raised.value) == (
        "no session is left for valid: of its 1, which end from 1970-03-27T00:00:00+00:00 to "
        "1970-03-27T00:00:00+00:00, none has 2 events of items seen before"
    )


def test_a_valid_log_of_new_items_alone_may_name_items_in_another_way():
    with pytest.raises(DataError) as raised:
        drop_unseen(split(make_table("1@0 1@70", "8@85 9@85", "1@99 1@100")), is_given=True)
    assert str(raised.value) == (
        "no session is left for valid: of its 1, which end from 1970-03-27T00:00:00+00:00 to "
        "1970-03-27T00:00:00+00:00, none has 2 events of items seen before"
    )
    assert raised.value.hint == "see whether the logs name items alike; lower --min-item-support"
