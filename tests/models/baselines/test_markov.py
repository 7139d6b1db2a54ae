"""Sequential rules against a literal loop, and by hand."""

import numpy as np
import pytest

from sbrcli.models.baselines.markov import MarkovConfig
from sbrcli.models.baselines.markov_scorer import fit
from tests.builders import make_sessions
from tests.models.baselines.literal import rule_scores
from tests.models.baselines.logs import assert_scores_like, random_log


@pytest.mark.parametrize("decay", ["same", "div"])
@pytest.mark.parametrize("steps", [1, 3, 50])
def test_rules_are_those_of_the_paper(steps, decay):
    training = random_log(1, sessions=40, num_items=10)
    scorer = fit(make_sessions(*training), 10, MarkovConfig(steps=steps, decay=decay))
    assert_scores_like(
        scorer,
        random_log(2, sessions=10, num_items=10),
        lambda items: rule_scores(items, training, 10, steps=steps, decay=decay),
    )


def test_the_first_order_chain_counts_what_comes_right_after():
    training = make_sessions([0, 1, 2], [0, 1], [0, 2])
    scorer = fit(training, 3, MarkovConfig())
    assert scorer.score_next(np.array([2, 0])).tolist() == [0, 2, 1]


def test_no_rule_crosses_from_one_session_into_the_next():
    scorer = fit(make_sessions([0, 1], [2, 3]), 4, MarkovConfig(steps=5))
    assert scorer.score_next(np.array([1])).tolist() == [0, 0, 0, 0]


def test_the_second_item_ahead_counts_half():
    scorer = fit(make_sessions([0, 1, 2]), 3, MarkovConfig(steps=2))
    assert scorer.score_next(np.array([0])).tolist() == [0, 1, 0.5]
