"""Metrics on small literals."""

from math import log2

import numpy as np
import pytest

from sbrcli.evaluation.metrics import METRICS, metric_at, metrics_at
from sbrcli.evaluation.ranks import MISS


def test_recall_is_the_share_of_next_items_at_k_or_better():
    assert metric_at("recall", np.array([1, 2, 21]), k=20) == pytest.approx(2 / 3)


def test_mrr_counts_a_miss_as_zero():
    assert metric_at("mrr", np.array([1, 2, 21]), k=20) == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_ndcg_discounts_by_the_logarithm_of_the_rank_and_one():
    expected = (1 / log2(2) + 1 / log2(3) + 0) / 3
    assert metric_at("ndcg", np.array([1, 2, 21]), k=20) == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_error_20_a_next_item_ranked_exactly_k_is_a_hit(metric):
    assert metric_at(metric, np.array([20]), k=20) > 0
    assert metric_at(metric, np.array([21]), k=20) == 0


def test_error_21_metrics_are_means_over_events_whatever_the_batches_were():
    ranks = np.array([1, 1, 1, 5])  # in batches of 3 and 1 the mean of means would be (1 + 0) / 2
    assert metric_at("recall", ranks, k=1) == pytest.approx(3 / 4)
    assert metric_at("mrr", ranks, k=5) == pytest.approx((1 + 1 + 1 + 1 / 5) / 4)


def test_error_22_a_model_with_constant_scores_has_a_recall_of_zero():
    worst = np.full(100, 3416)
    assert metrics_at(worst, [20]) == {"recall@20": 0, "mrr@20": 0, "ndcg@20": 0}


@pytest.mark.parametrize("name", METRICS)
def test_error_29_a_metric_at_1_is_never_above_the_same_at_5(name):
    ranks = np.random.default_rng(0).integers(1, 30, 500)
    found = metrics_at(ranks, [1, 5, 10, 20, 30])
    values = [found[f"{name}@{k}"] for k in (1, 5, 10, 20, 30)]
    assert values == sorted(values)


@pytest.mark.parametrize("metric", METRICS)
def test_a_miss_counts_at_no_k(metric):
    assert metric_at(metric, np.array([MISS]), k=10**12) == 0


def test_the_order_of_the_events_does_not_change_a_bit():
    ranks = np.random.default_rng(0).integers(1, 3416, 5001)
    assert metrics_at(ranks, [20]) == metrics_at(ranks[::-1], [20])


def test_no_events_give_zero():
    assert metrics_at(np.array([], int), [5]) == {"recall@5": 0, "mrr@5": 0, "ndcg@5": 0}


def test_the_metrics_are_named_by_k():
    assert list(metrics_at(np.array([1]), [1, 20])) == [
        "recall@1",
        "mrr@1",
        "ndcg@1",
        "recall@20",
        "mrr@20",
        "ndcg@20",
    ]
