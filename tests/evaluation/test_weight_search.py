"""The search for a blend's weights: what is tried, and what is found."""

from collections.abc import Sequence

import numpy as np
import pytest

from sbrcli.evaluation.weight_search import (
    Tried,
    Weights,
    equal_weights,
    make_judge,
    search_weights,
    standard_error,
)
from sbrcli.models.blend.members import BlendScorer, Member
from tests.builders import make_sessions
from tests.models.test_members import LOG, markov, network
from tests.reporters import RecordingReporter


def judge_by(worth):
    """Judge weights by a function, and note how many are tried together."""
    calls: list[list[Weights]] = []

    def judge(tried: Sequence[Weights]) -> list[Tried]:
        calls.append(list(tried))
        return [Tried(weights, np.zeros(0, np.int64), worth(weights)) for weights in tried]

    return judge, calls


def best_of(tried: dict[Weights, Tried]) -> Weights:
    return max(tried.values(), key=lambda one: one.mrr).weights


def test_two_members_need_one_pass_beside_that_of_equal_weights():
    judge, calls = judge_by(lambda weights: -abs(weights[0] - 0.7))
    tried = search_weights(2, judge)
    assert best_of(tried) == (0.7, 0.3)
    assert calls[0] == [(0.5, 0.5)]
    assert len(calls) == 2 and len(calls[1]) == 10
    assert set(tried) >= {(1.0, 0.0), (0.0, 1.0)}


def test_of_three_members_one_after_the_other_is_weighed_and_each_is_tried_alone():
    goal = np.array([0.2, 0.5, 0.3])
    judge, _ = judge_by(lambda weights: -np.abs(np.array(weights) - goal).sum())
    tried = search_weights(3, judge)
    assert set(tried) >= {(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)}
    np.testing.assert_allclose(best_of(tried), goal, atol=0.051)
    assert all(sum(weights) == pytest.approx(1, abs=1e-5) for weights in tried)


def test_of_equals_the_first_is_found_which_has_equal_weights():
    judge, calls = judge_by(lambda _: 0.5)
    tried = search_weights(4, judge)
    assert next(iter(tried)) == best_of(tried) == equal_weights(4) == (0.25,) * 4
    assert len(calls) == 5  # equal weights, then one round


def test_a_pass_ranks_as_the_blend_does():
    sessions = make_sessions(*LOG)
    members = [Member(network(), 1.0), markov()]
    reporter = RecordingReporter()
    some = [(0.5, 0.5), (1.0, 0.0), (0.1, 0.9)]
    targets = np.flatnonzero(sessions.target_mask)
    for found in make_judge(members, sessions, reporter)(some):
        scorer = BlendScorer(members, found.weights)
        for positions, scores in scorer.score_sessions(sessions):
            own = scores[np.arange(len(positions)), sessions.item_indices[positions + 1]]
            ranks = (scores >= own[:, None]).sum(axis=1)
            places = np.searchsorted(targets, positions + 1)
            np.testing.assert_array_equal(found.ranks[places], ranks)


def test_the_standard_error_is_that_of_a_paired_difference():
    sessions = make_sessions(*[[0, 1]] * 30)
    first, second = np.array([1] * 15 + [2] * 15), np.array([2] * 30)
    found = standard_error(sessions, Tried((1.0,), first, 0.75), Tried((1.0,), second, 0.5))
    # Half of the sessions gain 1/2: sqrt(1/4 * 1/4 / 30).
    assert found == pytest.approx((1 / 16 / 30) ** 0.5, rel=0.1)
    alone = make_sessions([0, 1])
    one = Tried((1.0,), np.array([1]), 1.0)
    assert standard_error(alone, one, one) is None
