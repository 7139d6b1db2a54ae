"""The weighted mean of several models: one scale for all, at every event of every session."""

from collections.abc import Iterator

import numpy as np
import pytest

from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_baseline
from sbrcli.models.blend import members as blending
from sbrcli.models.blend.members import BlendScorer, Member, weighted_mean
from sbrcli.models.session_ends import score_ends
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.models.baselines.logs import assert_scores_like, random_log
from tests.models.test_hybrid import NUM_ITEMS, network

LOG = random_log(2, sessions=20, num_items=NUM_ITEMS)


class SumScorer:
    """Scores each item by the sum of the session's items times its own index."""

    num_items = NUM_ITEMS

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # In another order than that of the events, and positions that precede no target too.
        for session in range(sessions.num_sessions - 1, -1, -1):
            begin, end = sessions.offsets[session : session + 2]
            for position in range(end - 2, begin - 1, -1):
                items = sessions.item_indices[begin : position + 1]
                yield np.array([position]), self.score_next(items)[None]

    def score_next(self, items: np.ndarray) -> np.ndarray:
        return np.arange(NUM_ITEMS) * float(items.sum())


def markov() -> Member:
    training = make_sessions(*random_log(1, sessions=40, num_items=NUM_ITEMS))
    return Member(fit_baseline("markov", training, NUM_ITEMS, default_options()), None)


def test_a_networks_scores_are_multiplied_and_a_baselines_are_shares():
    scores = np.array([[0.0, 1.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert Member(SumScorer(), 0.5).to_log_scale(scores).tolist() == [[0, 0.5, 1.5, 0], [0] * 4]
    found = Member(SumScorer(), None).to_log_scale(scores)
    # Of four items, two have the shares 1/4 and 3/4; an empty row stays one.
    expected = [[0, np.log(1 + 4 / 4), np.log(1 + 4 * 3 / 4), 0], [0] * 4]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_mean_leaves_out_members_without_a_weight():
    broken = np.full((1, 2), np.nan)
    found = weighted_mean([np.array([[1.0, 2.0]]), broken, np.array([[5.0, 0.0]])], (0.75, 0, 0.25))
    assert found.tolist() == [[2, 1.5]]


@pytest.mark.parametrize("at_a_time", [1, 7 * 3 * NUM_ITEMS, 10**8])
def test_every_event_is_scored_however_many_are_at_a_time(monkeypatch, at_a_time):
    monkeypatch.setattr(blending, "_SCORES_AT_A_TIME", at_a_time)
    members = [Member(network(), 1.0), markov(), Member(SumScorer(), 0.01)]
    gru, chain = network(), members[1]

    def literal(session: list[int]) -> np.ndarray:
        items = np.array(session)
        shares = chain.to_log_scale(chain.scorer.score_next(items)[None])[0]
        total = 0.01 * np.arange(NUM_ITEMS) * sum(session)
        return 0.5 * gru.score_next(items) + 0.3 * shares + 0.2 * total

    assert_scores_like(BlendScorer(members, (0.5, 0.3, 0.2)), LOG, literal)


def test_only_what_precedes_targets_is_scored_and_ends_of_sessions_are():
    both = BlendScorer([Member(network(), 1.0), markov()], (0.5, 0.5))
    sessions = [np.array(session) for session in LOG]
    for rows, scores in score_ends(both, sessions):
        for row, found in zip(rows.tolist(), scores, strict=True):
            expected = both.score_next(sessions[row])
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    laid = make_sessions([1, 2, 3, 4], [5], [], [6, 7])
    mask = np.array([False, False, True, False, False, False, True])
    asked = Sessions(laid.item_indices, laid.offsets, laid.timestamps, mask)
    positions = [p for found, _ in both.score_sessions(asked) for p in found.tolist()]
    assert positions == [1, 5]


def test_events_one_by_one_give_what_they_give_at_once():
    stream = BlendScorer([Member(network(), 1.0), markov()], (0.4, 0.6)).stream
    sessions = [np.array([3, 1, 4]), np.array([2])]
    at_once = stream.scores(stream.advance([None, None], sessions))
    (state,) = stream.advance([None], [np.array([3])])
    for item in (1, 4):
        (state,) = stream.advance([state], [np.array([item])])
    np.testing.assert_array_equal(stream.scores([state])[0], at_once[0])
    assert stream.num_items == NUM_ITEMS


def test_the_work_of_a_blend_is_that_of_all_members():
    alone = network().stream.work(2, 7)
    pair = BlendScorer([Member(network(), 1.0), Member(network(), 1.0)], (0.4, 0.6)).stream
    assert pair.work(2, 7) == 2 * alone > 0
    assert BlendScorer([Member(network(), 1.0), markov()], (0.5, 0.5)).stream.work(1, 1) == np.inf
