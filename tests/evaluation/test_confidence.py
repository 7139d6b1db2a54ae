"""The bootstrap over sessions: its spread, its pairing, its seed."""

import numpy as np
import pytest

from sbrcli.evaluation import confidence
from sbrcli.evaluation.confidence import (
    approximate_interval,
    interval,
    p_value,
    resample_means,
    session_sums,
)


def test_sums_are_by_session_and_the_last_column_counts():
    session = np.array([0, 0, 2, 5, 5, 5])
    values = np.arange(6.0)
    found = session_sums(session, [values, 2 * values])
    assert found.tolist() == [[1, 2, 2], [2, 4, 1], [12, 24, 3]]


def test_the_spread_is_that_of_the_mean_of_sessions():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    means = resample_means(np.column_stack((values, np.ones(400))), resamples=4000)
    assert means.mean() == pytest.approx(values.mean(), abs=0.005)
    assert means.std() == pytest.approx(values.std() / np.sqrt(400), rel=0.05)
    low, high = interval(means[:, 0])
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(400), rel=0.05)


def test_events_of_one_session_are_drawn_together():
    # Two sessions, all hits or none: a draw has both of one, or one of each.
    sums = np.array([[100.0, 100.0], [0.0, 100.0]])
    means = resample_means(sums, resamples=1000)[:, 0]
    assert set(means) == {0, 0.5, 1}
    assert np.mean(means == 0.5) == pytest.approx(1 / 2, abs=0.05)


def test_a_long_session_weighs_by_its_next_items():
    sums = np.array([[9.0, 9.0], [0.0, 1.0]])
    assert set(resample_means(sums, resamples=200)[:, 0]) == {0, 9 / 10, 1}


def test_all_columns_see_the_same_draws():
    values = np.random.default_rng(1).normal(size=50)
    means = resample_means(np.column_stack((values, values + 1, np.ones(50))), resamples=100)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1)


def test_the_same_seed_gives_the_same_draws_whatever_is_drawn_at_a_time(monkeypatch):
    sums = np.column_stack((np.arange(30.0), np.ones(30)))
    once = resample_means(sums, resamples=50)
    assert (once == resample_means(sums, resamples=50)).all()
    assert (once != resample_means(sums, resamples=50, seed=2)).any()
    monkeypatch.setattr(confidence, "_DRAWS_AT_A_TIME", 100)
    assert (once == resample_means(sums, resamples=50)).all()


def test_many_sessions_are_drawn_in_groups_with_the_same_spread(monkeypatch):
    values = np.random.default_rng(2).normal(size=4000)
    sums = np.column_stack((values, np.ones(4000)))
    each = resample_means(sums, resamples=2000).std()
    monkeypatch.setattr(confidence, "_MAX_GROUPS", 400)
    assert resample_means(sums, resamples=2000).std() == pytest.approx(each, rel=0.15)


def test_the_approximate_interval_is_that_of_a_mean_of_equal_sessions():
    # Values 0 and 1, one next item each: mean 1/2, standard error sqrt(2 * (1/4 + 1/4)) / 2.
    half = 1.959964 * 0.5
    found = approximate_interval(np.array([[0.0, 1.0], [1.0, 1.0]]))
    assert found == pytest.approx((0.5 - half, 0.5 + half))


def test_the_approximate_interval_is_near_the_bootstrap_s():
    rng = np.random.default_rng(1)
    session = np.repeat(np.arange(400), rng.integers(1, 30, 400))
    values = rng.random(len(session)) * rng.random(400)[session]
    sums = session_sums(session, [values])
    resampled = interval(resample_means(sums)[:, 0])
    assert approximate_interval(sums) == pytest.approx(resampled, abs=0.004)
    assert resampled[1] - resampled[0] > 0.03


def test_of_one_session_there_is_no_interval():
    assert approximate_interval(np.array([[3.0, 9.0]])) is None


def test_a_p_value_is_twice_the_share_on_the_other_side_of_zero():
    differences = np.array([1.0] * 98 + [-1.0] * 1)
    assert p_value(differences, 100) == pytest.approx(2 * (1 + 1) / 100)
    assert p_value(-differences, 100) == pytest.approx(2 * (1 + 1) / 100)
    assert p_value(np.zeros(99), 100) == 1
    assert p_value(np.array([1.0, -1.0] * 50), 100) == 1


@pytest.mark.parametrize(
    ("sessions", "expected"), [(1, 1), (2, 1 / 2), (5, 1 / 16), (100_000, 2 / 10_001)]
)
def test_the_p_value_of_few_sessions_is_no_less_than_that_of_their_signs(sessions, expected):
    assert p_value(np.ones(10_000), sessions) == pytest.approx(expected)
