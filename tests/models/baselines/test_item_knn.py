"""Item-kNN against a literal loop, and by hand."""

import numpy as np
import pytest

from sbrcli.models.baselines import item_knn_scorer
from sbrcli.models.baselines.item_knn import ItemKnnConfig
from sbrcli.models.baselines.item_knn_scorer import fit
from tests.builders import make_sessions
from tests.models.baselines.literal import item_knn_scores
from tests.models.baselines.logs import assert_scores_like, random_log


@pytest.mark.parametrize("pairs_at_a_time", [1, 100, 2**23])
@pytest.mark.parametrize("neighbours", [2, 100])
def test_similarities_are_the_damped_cosines(monkeypatch, neighbours, pairs_at_a_time):
    monkeypatch.setattr(item_knn_scorer, "_PAIRS_AT_A_TIME", pairs_at_a_time)
    training = random_log(1, sessions=40, num_items=12)
    options = {"neighbours": neighbours, "damping": 3.0}
    scorer = fit(make_sessions(*training), 12, ItemKnnConfig(**options))
    log = random_log(2, sessions=10, num_items=12)
    assert_scores_like(scorer, log, lambda items: item_knn_scores(items, training, 12, **options))


def test_the_cosine_by_hand():
    # 0 and 1 share one session; 0 is in two, 1 in one, so (1) / sqrt((2 + 2) * (1 + 2)).
    training = make_sessions([0, 1, 0], [0, 2])
    scorer = fit(training, 3, ItemKnnConfig(damping=2.0))
    expected = [0, 1 / np.sqrt(12), 1 / np.sqrt(12)]
    assert scorer.score_next(np.array([0])).tolist() == pytest.approx(expected)


def test_of_equally_similar_items_the_lower_index_is_kept():
    scorer = fit(make_sessions([0, 1], [0, 2]), 3, ItemKnnConfig(neighbours=1))
    assert np.flatnonzero(scorer.score_next(np.array([0]))).tolist() == [1]


def test_an_item_without_sessions_is_no_trouble():
    scorer = fit(make_sessions([0, 2]), 4, ItemKnnConfig(damping=0.0))
    assert scorer.score_next(np.array([1])).tolist() == [0, 0, 0, 0]
    assert scorer.score_next(np.array([0])).tolist() == [0, 0, 1, 0]
