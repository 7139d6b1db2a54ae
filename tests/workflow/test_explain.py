"""Which events raised an item's score: exact for a model whose scores are sums over the events."""

import numpy as np
import pytest

import sbrcli
from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.workflow import explain
from sbrcli.workflow.explain import find_causes
from sbrcli.workflow.recommend import recommend
from sbrcli.workflow.recommendation import Cause
from tests.builders import make_run

ITEMS = RunItems(["a", "b", "c", "d"], np.ones(4, np.int64), ["A", None, "C", None])
GAIN = np.array([[0, 0, 3, -1], [0, 0, 1, 2], [0, 0, 0, 6], [0, 0, 0, 0]], np.float32)
"""What an event of the row's item adds to the score of the column's."""


class SumScorer:
    """Scores an item by the sum of what each event of the session adds to it."""

    num_items = 4

    def score_next(self, items):
        return GAIN[items].sum(axis=0)

    def score_sessions(self, sessions):
        for position in np.flatnonzero(sessions.target_mask[1:]):
            first = sessions.offsets[sessions.offsets <= position][-1]
            items = sessions.item_indices[first : position + 1]
            yield np.array([position]), self.score_next(items)[None]


def causes_of(session: list[int], *recommended: int) -> list[tuple[Cause, ...]]:
    return find_causes(SumScorer(), ITEMS, np.array(session), np.array(recommended))


def test_an_events_share_is_what_it_adds_of_all_that_is_added():
    of_c, of_d = causes_of([0, 1, 2], 2, 3)
    assert of_c == (Cause(1, "a", 0.75, 3.0, "A"), Cause(2, "b", 0.25, 1.0))
    # What lowers the score, as a does by 1, has no share of what raises it.
    assert of_d == (Cause(3, "c", 0.75, 6.0, "C"), Cause(2, "b", 0.25, 2.0))


def test_an_item_that_comes_twice_is_two_events_and_three_are_named_at_most():
    (of_c,) = causes_of([0, 1, 0, 1, 3], 2)
    assert of_c == (
        Cause(1, "a", 0.375, 3.0, "A"),
        Cause(3, "a", 0.375, 3.0, "A"),
        Cause(2, "b", 0.125, 1.0),
    )


def test_an_item_that_no_event_raises_has_no_cause():
    assert causes_of([2, 3], 2) == [()]


def test_the_only_event_is_the_cause_of_all():
    assert causes_of([0], 2, 3) == [(Cause(1, "a", 1.0, None, "A"),)] * 2


@pytest.mark.parametrize("together", [1, 7, 2**20])
def test_of_a_long_session_the_latest_events_are_left_out_in_parts(monkeypatch, together):
    monkeypatch.setattr(explain, "LATEST_EVENTS", 3)
    monkeypatch.setattr(explain, "_EVENTS_TOGETHER", together)
    (of_c,) = causes_of([0, 0, 1, 0, 3], 2)
    assert of_c == (Cause(4, "a", 0.75, 3.0, "A"), Cause(3, "b", 0.25, 1.0))


def test_a_recommendation_with_why_has_the_same_items_and_scores():
    config = RecommendConfig(k=2, why=True)
    found = recommend(SumScorer(), ITEMS, ["a", "b", "x"], config)
    plain = recommend(SumScorer(), ITEMS, ["a", "b", "x"], RecommendConfig(k=2))
    assert [(one.item, one.score) for one in found.items] == [
        (one.item, one.score) for one in plain.items
    ]
    assert found.to_document()["items"] == [
        {
            "rank": 1,
            "item": "c",
            "score": 4.0,
            "title": "C",
            "why": [
                {"position": 1, "item": "a", "share": 0.75, "change": 3.0, "title": "A"},
                {"position": 2, "item": "b", "share": 0.25, "change": 1.0},
            ],
        },
        {
            "rank": 2,
            "item": "d",
            "score": 1.0,
            "why": [{"position": 2, "item": "b", "share": 1.0, "change": 2.0}],
        },
    ]
    assert "why" not in plain.to_document()["items"][0]


def test_the_changes_of_a_network_are_differences_of_its_scores(tmp_path):
    recommender = sbrcli.load(make_run(tmp_path))
    session = ["10", "20", "30", "20"]
    scorer, index_of = recommender.scorer, recommender.items.index_of
    indices = np.array([index_of[one] for one in session])
    found = recommender.explain(session, k=4)
    assert found.items and any(one.why for one in found.items)
    for one in found.items:
        for cause in one.why or ():
            without = np.delete(indices, cause.position - 1)
            change = scorer.score_next(indices) - scorer.score_next(without)
            assert cause.change == pytest.approx(change[index_of[one.item]], abs=3e-6)
            assert cause.item == session[cause.position - 1]
