"""The Keras model: the notebook's sizes, and the scores of inference and of the training step."""

import numpy as np
import pytest

from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.network import Gru4Rec
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from tests.builders import make_sessions
from tests.models.gru4rec.literal import slow_event

SHAPES = [
    GruShape(11, units, embedding)
    for embedding in ("none", "separate", "shared")
    for units in ((6,), (5, 6))
]
SHAPES += [GruShape(11, (6,), "shared", True), GruShape(11, (5, 6), "separate", True)]
SESSION = [3, 10, 0, 3, 7]


def draw_weights(shape: GruShape) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    weights = initialise_weights(shape, seed=1)
    return {n: (w + rng.normal(0, 0.3, w.shape)).astype(np.float32) for n, w in weights.items()}


@pytest.mark.parametrize(
    ("num_items", "units", "parameters"),
    [
        (3416, (50,), 694_416),
        (3405, (50,), 692_205),
        (3405, (50, 50), 707_505),
        (3405, (30,), 414_885),
    ],
)
def test_the_notebooks_models_have_its_number_of_parameters(num_items, units, parameters):
    shape = GruShape(num_items, units, "none")
    assert shape.parameters == parameters
    assert Gru4Rec(shape).count_params() == parameters


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_keras_numpy_and_the_formula_give_the_same_scores(shape: GruShape):
    weights = draw_weights(shape)
    model = Gru4Rec(shape)
    model.set_by_name(weights)
    scores = model(np.array([SESSION, SESSION[::-1]])).numpy()  # (2, 5, 11)

    states = [np.zeros(units) for units in shape.units]
    exact = {name: weight.astype(float) for name, weight in weights.items()}
    for step, item in enumerate(SESSION):
        np.testing.assert_allclose(
            scores[0, step], slow_event(item, states, exact, shape), atol=1e-5
        )
    scorer = GruScorer(shape, weights)
    np.testing.assert_allclose(scorer.score_next(np.array(SESSION)), scores[0, -1], atol=1e-5)
    for positions, rows in scorer.score_sessions(make_sessions(SESSION, SESSION[::-1])):
        for position, row in zip(positions, rows, strict=True):
            np.testing.assert_allclose(row, scores[divmod(position, 5)], atol=1e-5)


def test_two_calls_give_the_same_scores():
    """Known error 28: no dropout at inference."""
    model = Gru4Rec(SHAPES[0])
    items = np.array([SESSION])
    np.testing.assert_array_equal(model(items).numpy(), model(items).numpy())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_weights_are_read_as_they_were_set(shape: GruShape):
    weights, model = draw_weights(shape), Gru4Rec(shape)
    model.set_by_name(weights)
    found = model.read_by_name()
    assert list(found) == list(shape.weight_shapes())
    for name, weight in weights.items():
        np.testing.assert_array_equal(found[name], weight)
