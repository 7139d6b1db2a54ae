"""A GRU layer's walk and its way back, beside a literal loop and its finite differences."""

from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.gru4rec.gru_gradients import gru_backward, gru_forward
from tests.models.gru4rec.literal import Array, slow_gradients, slow_gru

UNITS = 3
RESETS = {
    "first step, mid-chunk, last step, none": (5, [(0, 0), (2, 1), (4, 2)], 4),
    "one step": (1, [(0, 1)], 2),
    "one lane": (4, [(2, 0)], 1),
}
"""Steps, (step, lane) of each reset, lanes."""
EVERY_CHUNK = pytest.mark.parametrize("chunk", RESETS)


def some_chunk(chunk: str) -> tuple[dict[str, Array], Array, Array]:
    """Give the weights and inputs, the keeps and the states' gradient."""
    steps, resets, lanes = RESETS[chunk]
    rng = np.random.default_rng(4)
    shapes = {
        "projected": (steps, lanes, 3 * UNITS),
        "state": (lanes, UNITS),
        "kernel": (UNITS, 3 * UNITS),
        "bias": (3 * UNITS,),
    }
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    keeps = np.ones((steps, lanes, 1))
    for step, lane in resets:
        keeps[step, lane] = 0
    return values, keeps, rng.normal(size=(steps, lanes, UNITS))


def slow_states(values: dict[str, Array], keeps: Array) -> Array:
    """Walk each lane by itself: (steps, lanes, units)."""
    states = np.zeros((*keeps.shape[:2], UNITS))
    for lane, first in enumerate(values["state"]):
        for step, entering in enumerate(values["projected"][:, lane]):
            before = states[step - 1, lane] if step else first
            if not keeps[step, lane, 0]:
                before = np.zeros(UNITS)
            states[step, lane] = slow_gru(entering, before, values["kernel"], values["bias"])
    return states


@cache
def walk_and_unwind(chunk: str, with_xla: bool):
    values, keeps, gradient = some_chunk(chunk)
    walk = tf.function(gru_forward, autograph=False, jit_compile=with_xla)
    unwind = tf.function(gru_backward, autograph=False, jit_compile=with_xla)
    given = {name: tf.constant(value, tf.float32) for name, value in values.items()}
    states, end, kept = walk(keeps=tf.constant(keeps, tf.float32), **given)
    return states, end, unwind(kept, tf.constant(gradient, tf.float32), given["kernel"])


@EVERY_CHUNK
@pytest.mark.parametrize("with_xla", [True, False])
def test_states_are_those_of_a_literal_loop(chunk, with_xla):
    """Known errors 2, 3 and 4: late, repeated or half resets."""
    values, keeps, _ = some_chunk(chunk)
    states, end, _ = walk_and_unwind(chunk, with_xla)
    expected = slow_states(values, keeps)
    np.testing.assert_allclose(states, expected, atol=1e-6)
    np.testing.assert_allclose(end, expected[-1], atol=1e-6)


@EVERY_CHUNK
@pytest.mark.parametrize("with_xla", [True, False])
def test_gradients_are_the_slopes_of_the_literal_loop(chunk, with_xla):
    values, keeps, gradient = some_chunk(chunk)

    def loss() -> float:
        return (slow_states(values, keeps) * gradient).sum()

    slopes = slow_gradients(loss, values)
    _, _, found = walk_and_unwind(chunk, with_xla)
    for name, part in found._asdict().items():
        np.testing.assert_allclose(part, slopes[name], atol=1e-5, err_msg=name)


@EVERY_CHUNK
def test_the_plain_graph_gives_what_xla_gives(chunk):
    compiled, plain = walk_and_unwind(chunk, True), walk_and_unwind(chunk, False)
    for one, other in zip(tf.nest.flatten(compiled), tf.nest.flatten(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
