"""What is recommended after a session, in what order, and what of it is not known."""

import numpy as np
import pytest

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import DataError
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.top_items import top_items
from sbrcli.workflow.recommend import recommend, unknown_ids
from sbrcli.workflow.recommendation import AskedItem, Recommendation, RecommendedItem
from sbrcli.workflow.recommender import with_titles


class FixedScorer:
    """Gives the same scores after any session, and remembers the session."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array(scores, np.float32)
        self.num_items = len(scores)
        self.asked: list[int] = []

    def score_sessions(self, sessions):
        raise AssertionError("a recommendation scores one session's end alone")

    def score_next(self, items):
        self.asked = items.tolist()
        return self.scores


ITEMS = RunItems(["a", "b", "c", "d"], np.ones(4, np.int64))


def recommended(found: Recommendation) -> list[str]:
    return [item.item for item in found.items]


def test_items_come_best_first_without_those_of_the_session():
    scorer = FixedScorer(0.1, 0.9, 0.5, 0.7)
    found = recommend(scorer, ITEMS, ["b", "a"], RecommendConfig(k=3))
    items = (RecommendedItem(1, "d", 0.7), RecommendedItem(2, "c", 0.5))
    assert found == Recommendation(items, (), (AskedItem("b"), AskedItem("a")))


def test_the_sessions_own_items_come_again_if_requested():
    scorer = FixedScorer(0.1, 0.9, 0.5, 0.7)
    found = recommend(scorer, ITEMS, ["b"], RecommendConfig(k=2, include_seen=True))
    assert recommended(found) == ["b", "d"]


def test_error_27_the_whole_session_is_scored_in_its_order():
    scorer = FixedScorer(0.1, 0.9, 0.5, 0.7)
    recommend(scorer, ITEMS, ["c", "a", "c", "b"], RecommendConfig())
    assert scorer.asked == [2, 0, 2, 1]


def test_error_19_unknown_ids_are_reported_once_each_and_the_rest_is_used():
    scorer = FixedScorer(0.1, 0.9, 0.5, 0.7)
    found = recommend(scorer, ITEMS, ["x", "c", "y", "x"], RecommendConfig(k=1))
    assert scorer.asked == [2]
    assert found.unknown == ("x", "y")
    assert recommended(found) == ["b"]


@pytest.mark.parametrize(
    ("session", "names"), [(["x", "y", "x"], "x, y"), ([], "it is empty"), ([" a"], " a")]
)
def test_a_session_without_a_known_item_is_a_data_error(session, names):
    with pytest.raises(DataError) as error:
        recommend(FixedScorer(1, 2, 3, 4), ITEMS, session, RecommendConfig())
    assert str(error.value) == f"the run knows no item of the session: {names}"
    assert error.value.hint == ("use the item ids of the log that the run was trained on")


def test_a_session_of_every_item_leaves_nothing_to_recommend():
    found = recommend(FixedScorer(1, 2, 3, 4), ITEMS, ["a", "b", "c", "d"], RecommendConfig())
    assert (found.items, found.unknown) == ((), ())
    assert [one.item for one in found.session] == ["a", "b", "c", "d"]


def test_of_equal_scores_the_lower_index_comes_first_at_the_cut_too():
    scores = np.array([[1.0, 3.0, 2.0, 2.0, 2.0, 3.0]])
    assert top_items(scores, 3)[1].tolist() == [1, 5, 2]
    assert top_items(scores, 99)[1].tolist() == [1, 5, 2, 3, 4, 0]


@pytest.mark.parametrize("num_items", [1, 40, 1000, 20_000])
def test_the_best_of_each_row_are_those_of_a_full_sort(num_items):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (30 if num_items < 5000 else 3, num_items)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    for k in (1, 5, 39):
        cuts, items = top_items(scores, k)
        for row, begin, end in zip(scores, cuts[:-1], cuts[1:], strict=True):
            candidates = [index for index in range(num_items) if row[index] > -np.inf]
            expected = sorted(candidates, key=lambda index: (-row[index], index))
            assert items[begin:end].tolist() == expected[:k]


def test_error_28_two_calls_recommend_the_same():
    shape = GruShape(4, (3,), "shared")
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=size).astype(np.float32)
        for name, size in shape.weight_shapes().items()
    }
    scorer = GruScorer(shape, weights)
    calls = [recommend(scorer, ITEMS, ["a", "c"], RecommendConfig()) for _ in range(2)]
    assert calls[0] == calls[1]


def test_a_document_has_a_title_where_the_item_has_one():
    items = RunItems(["a", "b", "c"], np.ones(3, np.int64), ["A", None, "C"])
    found = recommend(FixedScorer(0.25, 0.5, 0.75), items, ["a", "x"], RecommendConfig())
    assert found.to_document() == {
        "items": [
            {"rank": 1, "item": "c", "score": 0.75, "title": "C"},
            {"rank": 2, "item": "b", "score": 0.5},
        ],
        "unknown": ["x"],
        "session": [{"item": "a", "title": "A"}],
    }


def test_given_titles_go_before_the_runs_own():
    items = RunItems(["a", "b", "c"], np.ones(3, np.int64), ["A", "B", None])
    assert with_titles(items, {"b": "new", "z": "nobody"}).titles == ["A", "new", None]
    assert with_titles(ITEMS, {"d": "D"}).titles == [None, None, None, "D"]


def test_unknown_ids_keep_their_order():
    assert unknown_ids(ITEMS, ["z", "a", "y", "z"]) == ("z", "y")
