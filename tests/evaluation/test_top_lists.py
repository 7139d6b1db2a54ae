"""What stands in the top lists, and how it is summed up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.evaluation.ranks import rank_rows, rank_targets
from sbrcli.evaluation.top_lists import (
    TopLists,
    coverage_share,
    gini_index,
    mean_popularity,
    top_list,
)
from tests.builders import make_sessions
from tests.evaluation.test_ranks import TABLE, LastItemScorer


@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_an_item_is_listed_if_it_would_be_a_hit(num_items, k, values, seed):
    scores = np.random.default_rng(seed).integers(0, values, num_items).astype(np.float32)
    ranks, _ = rank_rows(np.tile(scores, (num_items, 1)), np.arange(num_items))
    assert top_list(scores, k).tolist() == np.flatnonzero(ranks <= k).tolist()


def test_who_ties_at_the_cut_is_left_out():
    assert top_list(np.array([1.0, 3.0, 2.0, 2.0]), 2).tolist() == [1]
    assert top_list(np.array([1.0, 3.0, 2.0, 2.0]), 3).tolist() == [1, 2, 3]
    assert top_list(np.zeros(500), 20).tolist() == []


def test_items_that_are_no_candidates_are_never_listed():
    lists = TopLists(3, 2)
    lists.add_block(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, False]]))
    assert lists.counts.tolist() == [0, 1, 1]


def test_every_next_item_has_a_list_and_items_are_counted():
    lists = TopLists(3, 1)
    # after 0, 1, 0, 2 the best are 1, 2, 1, 0
    rank_targets(
        LastItemScorer(TABLE), make_sessions([0, 1, 0, 2], [2, 0]), on_block=lists.add_block
    )
    assert lists.counts.tolist() == [1, 2, 1]


def test_coverage_is_the_share_of_items_that_are_listed_at_all():
    assert coverage_share(np.array([0, 5, 1, 0])) == 2 / 4


def test_mean_popularity_weighs_each_recommendation_with_the_most_popular_item_as_1():
    assert mean_popularity(np.array([3, 1]), np.array([10, 5])) == pytest.approx((3 + 0.5) / 4)
    assert mean_popularity(np.array([0, 0]), np.array([10, 5])) == 0


def test_the_gini_index_is_0_for_equal_items_and_near_1_for_a_single_one():
    assert gini_index(np.array([4, 4, 4])) == 0
    assert gini_index(np.array([0, 0, 0, 7])) == pytest.approx(3 / 4)
    assert gini_index(np.array([3, 1])) == pytest.approx((-1 * 1 + 1 * 3) / (2 * 4))
    assert gini_index(np.zeros(3, int)) == 0
