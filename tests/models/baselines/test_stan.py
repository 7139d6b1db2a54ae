"""STAN: as the paper says it, at every event, and by hand."""

from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from sbrcli.models.baselines.stan import StanConfig
from sbrcli.models.baselines.stan_scorer import fit
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.models.baselines.literal import stan_scores
from tests.models.baselines.logs import random_log, scores_by_position

DAY = 86_400
FAR = 1e9  # a lambda so great that its factor is 1


def ended_on(days: list[float], *sessions: list[int]) -> Sessions:
    """Make sessions that each end on a day."""
    made = make_sessions(*sessions)
    times = np.repeat(np.array(days) * DAY, np.diff(made.offsets))
    return Sessions(made.item_indices, made.offsets, times)


def shares_after(
    session: list[int],
    training: Sessions,
    num_items: int,
    *,
    lambda1: float = FAR,
    lambda2: float = FAR,
    lambda3: float = FAR,
) -> list[float]:
    """Give each item's score as a share of all."""
    config = StanConfig(lambda1=lambda1, lambda2=lambda2, lambda3=lambda3)
    scores = fit(training, num_items, config).score_next(np.array(session))
    return (scores / scores.sum()).tolist()


@pytest.mark.parametrize("sample", [3, 12, 1000])
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("lambdas", [(0.5, 1.0, 2.0), (3.0, 20.0, 0.7), (8.0, 500.0, 8.0)])
def test_scores_are_those_of_the_paper_at_every_event_up_to_a_factor(sample, k, lambdas):
    log = random_log(1, sessions=60, num_items=15)
    days = np.random.default_rng(5).random(60).cumsum().tolist()
    names = ("lambda1", "lambda2", "lambda3")
    options: dict[str, Any] = {"k": k, "sample": sample, **dict(zip(names, lambdas, strict=True))}
    scorer = fit(ended_on(days, *log), 15, StanConfig(**options))
    asked = random_log(2, sessions=15, num_items=15, longest=12)
    found = scores_by_position(scorer, make_sessions(*asked))
    position = 0
    for session in asked:
        for length in range(1, len(session)):
            so_far = session[:length]
            expected = np.array(stan_scores(so_far, log, days, 15, now=days[-1] + 1, **options))
            expected /= max(expected.sum(), 1e-300)
            for scores in (found.pop(position), scorer.score_next(np.array(so_far))):
                shares = scores / max(scores.sum(), 1e-300)
                np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-9)
            position += 1
        position += 1
    assert not found


def test_lambda1_says_how_fast_earlier_events_count_less():
    training = ended_on([1, 1], [0, 2], [1, 3])
    found = shares_after([0, 1], training, 4, lambda1=2.0)
    assert found[2] / found[3] == pytest.approx(exp(-1 / 2))


def test_an_item_that_comes_again_counts_by_its_last_position_alone():
    training = ended_on([1, 1], [0, 2], [1, 3])
    found = shares_after([0, 1, 0], training, 4, lambda1=2.0)
    assert found[3] / found[2] == pytest.approx(exp(-1 / 2))


def test_lambda2_says_how_many_days_older_a_session_counts_less():
    training = ended_on([1, 4], [0, 1], [0, 2])
    found = shares_after([0], training, 3, lambda2=6.0)
    assert found[1] / found[2] == pytest.approx(exp(-3 / 6))


def test_lambda3_says_how_many_places_from_the_shared_item_count_less():
    found = shares_after([2], ended_on([1], [0, 1, 2, 3]), 4, lambda3=1.5)
    assert found[0] / found[3] == pytest.approx(exp(-1 / 1.5))
    assert found[1] == pytest.approx(found[3])


def test_a_neighbour_counts_less_the_more_items_it_holds():
    found = shares_after([0], ended_on([1, 1], [0, 1], [0, 2, 3, 4]), 5)
    assert found[2] / found[1] == pytest.approx(sqrt(2 / 4))


def test_sessions_of_long_ago_are_neighbours_where_there_are_no_others():
    training = ended_on([0, 9_000], [0, 1], [2, 3])
    assert shares_after([0], training, 4, lambda2=0.1)[1] == pytest.approx(1 / 2)


def test_sessions_of_long_ago_count_nothing_beside_one_of_today():
    training = ended_on([0, 9_000], [0, 1], [0, 2])
    assert shares_after([0], training, 3, lambda2=0.1) == pytest.approx([1 / 2, 0, 1 / 2])


def test_a_session_that_shares_nothing_scores_every_item_alike():
    scorer = fit(ended_on([1], [0, 1]), 3, StanConfig())
    assert scorer.score_next(np.array([2])).tolist() == [0, 0, 0]


def test_scores_do_not_depend_on_the_sessions_beside_nor_on_what_lies_ahead():
    training = make_sessions(*random_log(3, sessions=50, num_items=9))
    scorer = fit(training, 9, StanConfig(k=5, sample=9))
    log = random_log(4, sessions=9, num_items=9)
    together = scores_by_position(scorer, make_sessions(*log))
    alone = scores_by_position(scorer, make_sessions(log[3][:3]))
    begin = sum(map(len, log[:3]))
    np.testing.assert_array_equal(together[begin], alone[0])
    np.testing.assert_array_equal(together[begin + 1], alone[1])
