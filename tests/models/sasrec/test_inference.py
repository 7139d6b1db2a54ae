"""SASRec's scores in NumPy, as a stream and in Keras, against a literal loop over events."""

import numpy as np
import pytest

from sbrcli.models.sasrec.family import FAMILY
from sbrcli.models.sasrec.inference import SasRecScorer
from sbrcli.models.sasrec.weights import SasRecShape
from tests.builders import make_sessions
from tests.models.sasrec.literal import SHAPES, draw_weights, slow_scores

RNG = np.random.default_rng(7)
SESSIONS = [RNG.integers(0, 30, length) for length in (3, 1, 70, 2, 11, 34, 2)]


def literal(shape: SasRecShape, session: np.ndarray) -> np.ndarray:
    weights = {name: weight.astype(float) for name, weight in draw_weights(shape).items()}
    return slow_scores(shape, weights, session)


def scores_by_position(scorer: SasRecScorer, *sessions: np.ndarray) -> dict[int, np.ndarray]:
    laid = make_sessions(*(session.tolist() for session in sessions))
    found: dict[int, np.ndarray] = {}
    for positions, scores in scorer.score_sessions(laid):
        for position, row in zip(positions.tolist(), scores, strict=True):
            assert position not in found
            found[position] = row.copy()
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_pass_scores_every_next_item_as_the_literal_loop_does(shape):
    found = scores_by_position(SasRecScorer(shape, draw_weights(shape)), *SESSIONS)
    begin = 0
    for session in SESSIONS:
        expected = literal(shape, session)
        for step in range(len(session) - 1):
            np.testing.assert_allclose(found.pop(begin + step), expected[step], atol=1e-5)
        begin += len(session)
    assert not found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stream_gives_the_scores_of_the_literal_loop(shape):
    stream = SasRecScorer(shape, draw_weights(shape)).stream
    found = stream.scores(stream.advance([None] * len(SESSIONS), SESSIONS))
    for session, scores in zip(SESSIONS, found, strict=True):
        np.testing.assert_allclose(scores, literal(shape, session)[-1], atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_keras_gives_the_scores_of_numpy(shape):
    weights = draw_weights(shape)
    session = SESSIONS[4]
    found = FAMILY.make_keras_model(shape, weights)(np.stack([session, session[::-1]])).numpy()
    np.testing.assert_allclose(found[0], literal(shape, session), atol=1e-5)
    np.testing.assert_allclose(found[1], literal(shape, session[::-1]), atol=1e-5)
    one = FAMILY.make_scorer(shape, weights).score_next(session)
    np.testing.assert_allclose(found[0, -1], one, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_of_a_stream_depend_neither_on_company_nor_on_how_the_events_came(shape):
    scorer = SasRecScorer(shape, draw_weights(shape))
    stream = scorer.stream
    together = stream.scores(stream.advance([None] * len(SESSIONS), SESSIONS))
    for session, scores in zip(SESSIONS, together, strict=True):
        state = None
        for item in session:
            [state] = stream.advance([state], [np.array([item])])
        assert state is not None
        assert state.known.shape[2] == min(len(session), shape.window - 1)
        np.testing.assert_array_equal(stream.scores([state])[0], scores)
        np.testing.assert_array_equal(scorer.score_next(session), scores)


def test_few_sessions_at_a_time_give_the_same_bits(monkeypatch):
    stream = SasRecScorer(SHAPES[1], draw_weights(SHAPES[1])).stream
    together = stream.scores(stream.advance([None] * len(SESSIONS), SESSIONS))
    monkeypatch.setattr("sbrcli.models.sasrec.stream._MAX_NUMBERS", 1)
    alone = stream.scores(stream.advance([None] * len(SESSIONS), SESSIONS))
    np.testing.assert_array_equal(alone, together)


def test_a_state_is_not_changed_by_what_follows_it():
    stream = SasRecScorer(SHAPES[1], draw_weights(SHAPES[1])).stream
    [state] = stream.advance([None], [SESSIONS[0]])
    before = stream.scores([state])
    stream.advance([state, state], [SESSIONS[2], SESSIONS[3]])
    np.testing.assert_array_equal(stream.scores([state]), before)


def test_a_later_event_never_changes_an_earlier_score():
    shape = SHAPES[1]
    scorer = SasRecScorer(shape, draw_weights(shape))
    session = SESSIONS[5]
    whole = scores_by_position(scorer, session)
    for cut in (2, 7, 33):
        other = np.concatenate((session[:cut], (session[cut:] + 1) % 30))
        changed = scores_by_position(scorer, other)
        for step in range(cut):
            np.testing.assert_allclose(changed[step], whole[step], atol=1e-5)
        assert np.abs(changed.get(cut, whole[0]) - whole.get(cut, whole[1])).max() > 1e-3


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_window_of_each_block_is_the_reach_of_the_network(shape):
    scorer = SasRecScorer(shape, draw_weights(shape))
    session, reach = SESSIONS[5], shape.blocks * (shape.window - 1)
    before = scorer.score_next(session)
    for back in (reach, reach + 1):
        other = session.copy()
        other[-1 - back] = (other[-1 - back] + 1) % 30
        is_same = np.array_equal(scorer.score_next(other), before)
        assert is_same == (back > reach)


def test_scores_are_the_same_to_rounding_in_any_batch():
    shape = SHAPES[2]
    expected = scores_by_position(SasRecScorer(shape, draw_weights(shape)), *SESSIONS)
    for batch_size in (1, 2):
        scorer = SasRecScorer(shape, draw_weights(shape), batch_size)
        for position, row in scores_by_position(scorer, *SESSIONS).items():
            np.testing.assert_allclose(row, expected[position], atol=1e-5)


def test_no_session_has_no_scores():
    stream = SasRecScorer(SHAPES[0], draw_weights(SHAPES[0])).stream
    assert stream.advance([], []) == []
    assert stream.scores([]).shape == (0, 30)


def test_the_work_of_a_stream_grows_with_items_and_events():
    shape = SasRecShape(30, 8, blocks=2, heads=2, window=5, feed_forward=4, has_gates=False)
    stream = SasRecScorer(shape, draw_weights(shape)).stream
    attention, layers = 2 * 5 * 8, (4 + 2 * 4) * 8 * 8
    assert stream.work(3, 10) == 3 * 30 * 8 + 10 * 2 * (attention + layers)
