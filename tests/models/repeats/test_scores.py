"""A network's scores with learned repeats: evaluation, stream and Keras against the literal sum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from sbrcli.models.configuration import configure_training
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.network import OUTPUT_REPEATS
from sbrcli.models.registry import find_family
from sbrcli.models.repeats.shape import RepeatsShape, own_shape, own_weights
from sbrcli.models.scorer import score_targets
from sbrcli.models.stream import stream_of
from tests.builders import TrainConfig, make_sessions
from tests.models.repeats.literal import TERMS, with_terms

ITEMS = 9
SESSIONS = [
    [3],
    [2, 2, 2],
    [1, 2, 1, 3, 1, 4, 1, 5, 1, 8, 8],
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [7, 6, 6, 5, 5, 5, 4, 4, 4, 4, 7],
]
PLAIN = GruShape(ITEMS, (4,), "shared")
SHAPE = RepeatsShape(PLAIN)
REPEATS_FAMILY = find_family("gru4rec")


def weights() -> dict[str, np.ndarray]:
    return FAMILY.initial_weights(PLAIN, 1) | {OUTPUT_REPEATS: TERMS}


def plain_weights() -> dict[str, np.ndarray]:
    return {name: weight for name, weight in weights().items() if name != OUTPUT_REPEATS}


def literal_scores(session: list[int]) -> np.ndarray:
    scores = FAMILY.make_scorer(PLAIN, plain_weights()).score_next(np.array(session))
    return with_terms(scores, session, TERMS)


def test_the_scores_after_a_session_have_the_terms_of_its_items():
    scorer = REPEATS_FAMILY.make_scorer(SHAPE, weights())
    assert scorer.num_items == ITEMS
    for session in SESSIONS:
        found = scorer.score_next(np.array(session))
        np.testing.assert_allclose(found, literal_scores(session), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 128])
def test_the_scores_of_an_evaluation_have_the_terms_at_each_event(batch_size: int):
    scorer = REPEATS_FAMILY.make_scorer(SHAPE, weights(), batch_size)
    sessions, checked = make_sessions(*SESSIONS), 0
    for positions, scores in score_targets(scorer, sessions):
        for position, row in zip(positions, scores, strict=True):
            number = int(np.searchsorted(sessions.offsets, position, side="right")) - 1
            session = SESSIONS[number][: position - sessions.offsets[number] + 1]
            np.testing.assert_allclose(row, literal_scores(session), atol=1e-5)
            checked += 1
    assert checked == sum(len(session) - 1 for session in SESSIONS)


def test_bits_of_the_stream_depend_neither_on_company_nor_on_how_the_events_came():
    stream = stream_of(REPEATS_FAMILY.make_scorer(SHAPE, weights()))
    arrays = [np.array(session) for session in SESSIONS]
    together = stream.scores(stream.advance([None] * len(arrays), arrays))
    stream.prepare()  # pyright: ignore[reportAttributeAccessIssue]
    for session, scores in zip(arrays, together, strict=True):
        state, halves = None, None
        for item in session:
            [state] = stream.advance([state], [np.array([item])])
        for half in np.array_split(session, 2):
            halves = stream.advance([halves and halves[0]], [half]) if len(half) else halves
        assert halves is not None
        np.testing.assert_array_equal(stream.scores([state])[0], scores)
        np.testing.assert_array_equal(stream.scores(halves)[0], scores)


def test_a_state_is_not_changed_by_what_follows_it():
    stream = stream_of(REPEATS_FAMILY.make_scorer(SHAPE, weights()))
    [state] = stream.advance([None], [np.array([1, 2, 1])])
    before = stream.scores([state])
    stream.advance([state, state], [np.array([1]), np.array([5, 2])])
    np.testing.assert_array_equal(stream.scores([state]), before)
    assert stream.num_items == ITEMS
    assert stream.scores([]).shape == (0, ITEMS)


def test_the_keras_model_scores_each_event_as_the_scorer():
    model = REPEATS_FAMILY.make_keras_model(SHAPE, weights())
    for session in SESSIONS[1:4]:
        found = np.asarray(model(np.array([session])))
        for step in range(len(session)):
            wanted = literal_scores(session[: step + 1])
            np.testing.assert_allclose(found[0, step], wanted, atol=1e-5)
    assert model.count_params() == sum(weight.size for weight in weights().values())


def test_a_network_of_another_family_has_the_terms_too():
    family = find_family("sasrec")
    config = configure_training(
        {"hsz": (4,), "blocks": 1, "heads": 1, "window": 4, "repeats": "learned"},
        None,
        model="sasrec",
    )
    shape = family.shape_of(config, ITEMS)
    drawn = family.initial_weights(shape, 1) | {OUTPUT_REPEATS: TERMS}
    plain = family.make_scorer(own_shape(shape), own_weights(drawn))
    scorer, model = family.make_scorer(shape, drawn), family.make_keras_model(shape, drawn)
    for session in SESSIONS[:4]:
        wanted = with_terms(plain.score_next(np.array(session)), session, TERMS)
        np.testing.assert_allclose(scorer.score_next(np.array(session)), wanted, atol=1e-5)
        np.testing.assert_allclose(np.asarray(model(np.array([session])))[0, -1], wanted, atol=1e-5)


def test_without_repeats_a_family_is_as_it_is():
    config = TrainConfig(hsz=(4,), repeats="off", residual=False)
    assert REPEATS_FAMILY.shape_of(config, ITEMS) == PLAIN
    assert REPEATS_FAMILY.read_shape(PLAIN.to_manifest()) == PLAIN
    drawn, own = REPEATS_FAMILY.initial_weights(PLAIN, 1), FAMILY.initial_weights(PLAIN, 1)
    assert_equal(drawn, own)
    assert type(REPEATS_FAMILY.make_scorer(PLAIN, own)) is type(FAMILY.make_scorer(PLAIN, own))


def test_a_shape_with_repeats_is_read_as_it_was_written_and_begins_at_terms_of_0():
    assert REPEATS_FAMILY.shape_of(TrainConfig(hsz=(4,), residual=False), ITEMS) == SHAPE
    assert SHAPE.to_manifest() == PLAIN.to_manifest() | {"repeats": True}
    assert REPEATS_FAMILY.read_shape(SHAPE.to_manifest()) == SHAPE
    drawn = REPEATS_FAMILY.initial_weights(SHAPE, 1)
    assert {name: weight.shape for name, weight in drawn.items()} == SHAPE.weight_shapes()
    assert not drawn.pop(OUTPUT_REPEATS).any()
    assert_equal(drawn, FAMILY.initial_weights(PLAIN, 1))


def assert_equal(some: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    assert some.keys() == others.keys()
    for name, weight in some.items():
        np.testing.assert_array_equal(weight, others[name], err_msg=name)


def test_the_work_of_a_stream_is_that_of_the_network():
    scorer = REPEATS_FAMILY.make_scorer(SHAPE, weights())
    plain = stream_of(FAMILY.make_scorer(PLAIN, plain_weights()))
    assert stream_of(scorer).work(2, 7) == plain.work(2, 7) > 0
