"""A blend of two models: its formula, its ends, and that it scores every event."""

import numpy as np
import pytest
from scipy import sparse

from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_partner, partner_names
from sbrcli.models.blend import blend as hybrid
from sbrcli.models.blend.blend import HybridScorer, blend
from sbrcli.models.blend.repeats import RepeatTerms
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from tests.builders import make_sessions
from tests.models.baselines.logs import random_log, scores_by_position

NUM_ITEMS = 12
LOG = make_sessions(*random_log(2, sessions=20, num_items=NUM_ITEMS))


def network() -> GruScorer:
    shape = GruShape(NUM_ITEMS, (4,), "shared")
    return GruScorer(shape, initialise_weights(shape, seed=1))


def partner(name: str):
    training = make_sessions(*random_log(1, sessions=40, num_items=NUM_ITEMS))
    return fit_partner(name, training, NUM_ITEMS, default_options())


def test_the_blend_is_a_product_of_two_distributions():
    scores = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
    rows = sparse.csr_array(np.array([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    expected = 0.75 * scores
    expected[0, :2] += 0.25 * np.log(1 + 4 * np.array([3 / 4, 1 / 4]))
    np.testing.assert_allclose(blend(scores, rows, 0.25), expected, rtol=1e-6)
    assert scores[0, 0] == 0  # the network's own scores are left as they are


def test_rows_without_entries_do_not_take_from_their_neighbours():
    rows = sparse.csr_array(np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]))
    found = blend(np.zeros((5, 2)), rows, 1.0)
    half = np.log(1 + 2 / 2)
    expected = [[0, 0], [0, np.log(1 + 2)], [0, 0], [half, half], [0, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", partner_names())
@pytest.mark.parametrize("events_at_a_time", [1, 30, 10**6])
def test_every_event_is_scored_whatever_is_walked_at_a_time(monkeypatch, name, events_at_a_time):
    monkeypatch.setattr(hybrid, "_EVENTS_AT_A_TIME", events_at_a_time)
    both = HybridScorer(network(), partner(name), 0.4)
    found = scores_by_position(both, LOG)
    position = 0
    for session in np.split(LOG.item_indices, LOG.offsets[1:-1]):
        for length in range(1, len(session)):
            np.testing.assert_allclose(
                found.pop(position), both.score_next(session[:length]), rtol=1e-5, atol=1e-6
            )
            position += 1
        position += 1
    assert not found


@pytest.mark.parametrize("name", partner_names())
def test_at_its_ends_the_blend_ranks_as_one_of_both_does(name):
    alone, other = scores_by_position(network(), LOG), scores_by_position(partner(name), LOG)
    first = scores_by_position(HybridScorer(network(), partner(name), 0.0), LOG)
    last = scores_by_position(HybridScorer(network(), partner(name), 1.0), LOG)
    for position in alone:
        np.testing.assert_array_equal(first[position], alone[position])
        np.testing.assert_array_equal(ranks(last[position]), ranks(other[position]))


def ranks(scores: np.ndarray) -> np.ndarray:
    rounded = np.round(scores / max(scores.max(), 1e-9), 5)
    return (rounded[:, None] <= rounded).sum(axis=1)


def test_empty_sessions_and_single_events_have_nothing_to_score():
    both = HybridScorer(network(), partner("vsknn"), 0.4)
    assert list(scores_by_position(both, make_sessions([], [3], [1, 2], []))) == [1]


@pytest.mark.parametrize("events_at_a_time", [1, 10**6])
def test_the_items_of_the_session_gain_their_terms_at_every_event(monkeypatch, events_at_a_time):
    monkeypatch.setattr(hybrid, "_EVENTS_AT_A_TIME", events_at_a_time)
    terms = RepeatTerms(last=-2.0, earlier=0.5)
    without = scores_by_position(HybridScorer(network(), partner("markov"), 0.4), LOG)
    both = HybridScorer(network(), partner("markov"), 0.4, 1.0, terms)
    found = scores_by_position(both, LOG)
    position = 0
    for session in np.split(LOG.item_indices, LOG.offsets[1:-1]):
        for length in range(1, len(session)):
            expected = without[position].copy()
            earlier = list(set(session[:length].tolist()) - {int(session[length - 1])})
            expected[earlier] += 0.5
            expected[session[length - 1]] -= 2
            np.testing.assert_allclose(found[position], expected, rtol=1e-5, atol=1e-6)
            one = both.score_next(session[:length])
            np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)
            position += 1
        position += 1
