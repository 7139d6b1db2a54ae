"""Ids that stand for nobody, and ordinary ones that look like them."""

import pandas as pd
import pytest

from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.placeholder_ids import PlaceholderId, find_placeholder_ids


def text_ids(*ids: str) -> pd.Series:
    return pd.Series(pd.Categorical(ids))


def found(ids: pd.Series, column: str = "user_id") -> list[tuple[str, int]]:
    return [
        (placeholder.text, placeholder.count)
        for placeholder in find_placeholder_ids(column, IdCounts.of(ids))
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("-", "NA", "n/a", "(not set)", "(none)", "Unknown", "anonymous", "guest", "null", "''"),
        *(" ", "?", "00000000-0000-0000-0000-000000000000", "0" * 32),
        *("d41d8cd98f00b204e9800998ecf8427e", "0x0", "0" * 16, "unk", "<unknown>", "???", "\u2014"),
        *("Anonymous User", "guest_user", "logged-out", "no_user", "NOT_SET", "not_logged_in"),
    ],
)
def test_what_logs_write_for_nobody_is_found(text):
    assert found(text_ids(text, "7", "8")) == [(text, 1)]


def test_an_item_may_be_called_guest():
    assert found(text_ids("guest", "7"), "item_id") == []
    assert found(text_ids("-", "7"), "item_id") == [("-", 1)]


@pytest.mark.parametrize("nobody", [0, -1])
def test_a_number_far_from_the_other_ids_with_most_events_stands_for_nobody(nobody):
    assert found(pd.Series([nobody] * 19 + [71] * 5)) == [(str(nobody), 19)]
    assert found(text_ids(*[str(nobody)] * 19, *["a71"] * 5)) == [(str(nobody), 19)]


@pytest.mark.parametrize("nobody", [-2, -999, 99999999, 2147483647])
def test_a_number_that_fills_gaps_stands_for_nobody(nobody):
    assert found(pd.Series([nobody] * 19 + [71, 72, 73, 74, 75])) == [(str(nobody), 19)]
    assert found(text_ids(*[str(nobody)] * 19, *["a71"] * 5)) == [(str(nobody), 19)]
    assert found(pd.Series([nobody, nobody - 1, nobody - 2] * 9)) == []  # a run of such numbers
    assert found(pd.Series([nobody, 71, 72, 73])) == []  # no more events than the others have


def test_zero_is_an_ordinary_id_where_ids_begin_with_it():
    assert found(pd.Series([0] * 6 + [1, 2, 3] * 2)) == []
    assert found(pd.Series([0] * 6 + [3, 5, 9, 10])) == []
    assert found(pd.Series([0, 501, 502, 503])) == []  # no more events than the others have


def test_an_id_with_an_outlying_share_of_all_events_is_found():
    users = [7] * 100 + list(range(100, 120)) * 2
    assert find_placeholder_ids("user_id", IdCounts.of(pd.Series(users))) == [
        PlaceholderId("7", 100, False)
    ]
    texts = text_ids(*[f"u{user}" for user in users])
    assert find_placeholder_ids("user_id", IdCounts.of(texts)) == [PlaceholderId("u7", 100, False)]
    assert found(pd.Series([7] * 99 + list(range(100, 120)) * 2)) == []  # 49.5 times the median
    assert found(pd.Series([7] * 100 + list(range(100, 118)) * 2)) == []  # of 19 users


def test_a_missing_id_is_no_stand_in():
    codes = [0, 1, -1, -1, -1]
    ids = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(["ann", "guest"])))
    assert found(ids) == [("guest", 1)]
    assert found(pd.Series(pd.Categorical([None, None], categories=["ann"]))) == []


@pytest.mark.parametrize(
    "text",
    [
        *("test", "default", "xxx", "system", "{user_id}", "$user", "%user%", "[deleted]", "N.N."),
        *("0.0", "-1.0", "00000", "999", "nutzer", "Mozilla/5.0 (compatible; Googlebot/2.1)"),
    ],
)
def test_a_placeholder_with_most_events_stands_for_nobody(text):
    assert found(text_ids(*[text] * 19, *["71", "72"] * 2)) == [(text, 19)]


def test_a_placeholder_with_no_more_events_than_others_is_an_ordinary_id():
    assert found(text_ids("test", "71", "72", "73")) == []
    assert found(text_ids("00000", "00001", "00002")) == []
    assert found(text_ids("ann", "ann", "ann", "bob", "cid")) == []


def test_a_word_among_numbers_may_stand_for_many():
    ids = text_ids(*["nutzer"] * 5, "u71", "u72")
    assert find_placeholder_ids("user_id", IdCounts.of(ids)) == [PlaceholderId("nutzer", 5, False)]
