"""Dropout: how much, where, scaled how, and the same for the same seed."""

import numpy as np
import pytest

from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training.lanes import arrange_lanes
from tests.builders import make_sessions
from tests.models.training.test_step import make_step, walk

UNITS = 500
SHAPE = GruShape(4, (UNITS,), "separate")
ONE_PAIR = arrange_lanes(make_sessions([1, 2]), 1)


def one_pair(**options):
    """Train on one pair; give the gradients and the state."""
    step = make_step(SHAPE, batch_size=1, bptt=1, **options)
    _, ends = walk(step, ONE_PAIR)
    return step.optimizer.gradients(), ends[0][0]


def output_of(gradients) -> np.ndarray:
    """Find what reached the output layer: its table's gradient is (p - onehot) times that."""
    return gradients["output/table"][2] / gradients["output/bias"][2]


@pytest.mark.parametrize("dropout", [0.5, 0.9])
def test_a_share_of_the_hidden_state_is_dropped_and_the_rest_scaled_up(dropout):
    """Known errors 13 and 14: no dropout at all, or the share to keep."""
    gradients, state = one_pair(dropout=dropout)
    output = output_of(gradients)
    kept = output != 0
    assert kept.mean() == pytest.approx(1 - dropout, abs=4 * np.sqrt(0.25 / UNITS))
    np.testing.assert_allclose(output[kept], state[kept] / (1 - dropout), rtol=1e-4)
    assert gradients["embedding/table"][1].all()


@pytest.mark.parametrize("dropout", [0.5, 0.9])
def test_a_share_of_the_embedding_is_dropped_by_a_knob_of_its_own(dropout):
    """Known error 13: one knob for two places."""
    gradients, state = one_pair(embedding_dropout=dropout)
    kept = gradients["embedding/table"][1] != 0
    assert kept.mean() == pytest.approx(1 - dropout, abs=4 * np.sqrt(0.25 / UNITS))
    np.testing.assert_allclose(output_of(gradients), state, rtol=1e-4)

    # The state is that of a network whose embedding has those numbers dropped, the rest scaled.
    weights = {n: v.numpy() for n, v in make_step(SHAPE, batch_size=1, bptt=1).variables.items()}
    entered = weights["embedding/table"][1] * kept / (1 - dropout)
    bias = weights["gru_0/bias"]
    x = np.split(entered @ weights["gru_0/kernel"] + bias[0], 3)
    h = np.split(bias[1], 3)
    update, reset = (1 / (1 + np.exp(-(x[gate] + h[gate]))) for gate in (0, 1))
    expected = (1 - update) * np.tanh(x[2] + reset * h[2])
    np.testing.assert_allclose(state, expected, atol=1e-4)


def test_the_state_itself_is_never_dropped():
    assert (one_pair(dropout=0.5)[1] == one_pair(dropout=0.0)[1]).all()


def test_layers_draw_masks_of_their_own():
    shape = GruShape(4, (UNITS, UNITS), "separate")
    step = make_step(shape, batch_size=1, bptt=1, dropout=0.5)
    walk(step, ONE_PAIR)
    gradients = step.optimizer.gradients()
    # A row of the second kernel has a gradient where the first layer's output was kept.
    first, second = gradients["gru_1/kernel"].any(axis=1), output_of(gradients) != 0
    assert first.mean() == pytest.approx(0.5, abs=0.1)
    assert (first != second).mean() == pytest.approx(0.5, abs=0.1)


def test_the_seed_and_the_chunk_decide_the_masks():
    """Known error 28 in training: the same seed gives the same, each chunk anew."""

    def masks(seed: int) -> list[np.ndarray]:
        step = make_step(SHAPE, batch_size=1, bptt=1, dropout=0.5, seed=seed)
        found = []
        for _ in range(2):
            walk(step, ONE_PAIR)
            found.append(output_of(step.optimizer.gradients()) != 0)
        return found

    first, again, other = masks(1), masks(1), masks(2)
    assert (first[0] == again[0]).all() and (first[1] == again[1]).all()
    assert (first[0] != first[1]).mean() == pytest.approx(0.5, abs=0.1)
    assert (first[0] != other[0]).mean() == pytest.approx(0.5, abs=0.1)
