"""Sessions event by event: bits of scores that depend on the session alone."""

import numpy as np
import pytest

from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.stream import GruStream
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.scorer import score_targets
from sbrcli.models.stream import ReplayStream, stream_of
from tests.builders import make_sessions

SESSIONS = [np.array(session) for session in ([3, 4, 5, 6, 3], [1], [2, 2, 29], [28, 0])]
SHAPES = [
    GruShape(30, units, embedding)
    for embedding in ("none", "shared", "separate")
    for units in ((5,), (7, 5))
] + [GruShape(30, (100,), "shared")]
SHAPES += [GruShape(30, (5,), "shared", True), GruShape(30, (7, 5), "separate", True)]


def weights_of(shape: GruShape) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    drawn = initialise_weights(shape, seed=1).items()
    return {name: weight + rng.normal(0, 0.3, weight.shape).astype("f4") for name, weight in drawn}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_scores_are_those_of_the_evaluation(shape: GruShape):
    scorer = GruScorer(shape, weights_of(shape))
    laid = make_sessions(*([*session.tolist(), 0] for session in SESSIONS))
    wanted = {}
    for positions, scores in score_targets(scorer, laid):
        wanted |= {int(at): row.copy() for at, row in zip(positions, scores, strict=True)}
    found = scorer.stream.scores(scorer.stream.advance([None] * len(SESSIONS), SESSIONS))
    ends = laid.offsets[1:] - 2
    np.testing.assert_allclose(found, [wanted[int(end)] for end in ends], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("is_prepared", [False, True])
def test_bits_depend_neither_on_company_nor_on_how_the_events_came(
    shape: GruShape, is_prepared: bool
):
    stream, other = GruStream(shape, weights_of(shape)), GruStream(shape, weights_of(shape))
    if is_prepared:
        other.prepare()
    together = stream.scores(stream.advance([None] * len(SESSIONS), SESSIONS))
    for session, scores in zip(SESSIONS, together, strict=True):
        state = None
        for item in session:
            [state] = other.advance([state], [np.array([item])])
        np.testing.assert_array_equal(other.scores([state])[0], scores)


def test_steps_in_parts_give_the_same_bits(monkeypatch):
    sessions = [*SESSIONS, np.arange(30), np.arange(29, -1, -1)]
    stream = GruStream(SHAPES[3], weights_of(SHAPES[3]))
    whole = stream.scores(stream.advance([None] * len(sessions), sessions))
    for most in (1, 50):
        monkeypatch.setattr("sbrcli.models.gru4rec.stream._TOGETHER", most)
        parts = stream.scores(stream.advance([None] * len(sessions), sessions))
        np.testing.assert_array_equal(parts, whole)


def test_a_state_is_not_changed_by_what_follows_it():
    stream = GruStream(SHAPES[3], weights_of(SHAPES[3]))
    [state] = stream.advance([None], [SESSIONS[0]])
    before = stream.scores([state])
    stream.advance([state, state], [SESSIONS[1], SESSIONS[2]])
    np.testing.assert_array_equal(stream.scores([state]), before)


def test_a_recommendation_has_the_bits_of_the_stream():
    scorer = GruScorer(SHAPES[2], weights_of(SHAPES[2]))
    stream = stream_of(scorer)
    for session in SESSIONS:
        wanted = stream.scores(stream.advance([None], [session]))[0]
        np.testing.assert_array_equal(scorer.score_next(session), wanted)


class LastItem:
    """Scores the item that follows the last one by number."""

    num_items = 30

    def score_next(self, items: np.ndarray) -> np.ndarray:
        return np.eye(30, dtype=np.float32)[(items[-1] + len(items)) % 30]


def test_a_model_without_a_stream_is_asked_again_with_all_events():
    stream = stream_of(LastItem())  # pyright: ignore[reportArgumentType]
    assert isinstance(stream, ReplayStream)
    states = stream.advance([None, None], [np.array([3]), np.array([5, 6])])
    states = stream.advance(states, [np.array([10]), np.array([20])])
    assert stream.scores(states).argmax(axis=1).tolist() == [12, 23]


def test_no_session_has_no_scores():
    stream = GruStream(SHAPES[0], weights_of(SHAPES[0]))
    assert stream.advance([], []) == []
    assert stream.scores([]).shape == (0, 30)
