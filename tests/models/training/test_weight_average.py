"""The moving average of the weights: against a loop, with tables that move a few rows at a time."""

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training.optimizers import Adagrad, Rows
from sbrcli.models.training.weight_average import WeightAverage, decay_of

DECAY = 0.7


def some_variables() -> dict[str, tf.Variable]:
    rng = np.random.default_rng(3)
    return {
        name: tf.Variable(tf.constant(rng.normal(size=shape), tf.float32))
        for name, shape in (("table", (6, 2)), ("bias", (6,)), ("kernel", (2, 3)))
    }


def test_the_averages_are_those_of_the_weights_after_every_update():
    variables, rng = some_variables(), np.random.default_rng(4)
    optimizer = Adagrad(variables, learning_rate=0.5, momentum=0.3)
    average = WeightAverage(variables, {"table", "bias"}, DECAY)
    literal = {name: variable.numpy().astype(float) for name, variable in variables.items()}
    for update in range(12):
        rows = rng.choice(6, rng.integers(1, 4), replace=False)
        gradients = {
            "table": Rows(
                tf.constant(rows), tf.constant(rng.normal(size=(len(rows), 2)), tf.float32)
            ),
            "bias": Rows(tf.constant(rows), tf.constant(rng.normal(size=len(rows)), tf.float32)),
            "kernel": tf.constant(rng.normal(size=(2, 3)), tf.float32),
        }
        before = average.before(gradients)
        optimizer.apply(variables, gradients)
        average.follow(gradients, before, tf.constant(update, tf.int64))
        for name, variable in variables.items():
            literal[name] = DECAY * literal[name] + (1 - DECAY) * variable.numpy()
        for name, found in average.read(update + 1).items():
            np.testing.assert_allclose(found, literal[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_variables_hold_the_averages_within_the_block_and_their_own_values_after_it():
    variables = some_variables()
    average = WeightAverage(variables, (), DECAY)
    first = {name: variable.numpy() for name, variable in variables.items()}
    for variable in variables.values():
        variable.assign_add(tf.ones_like(variable))
    gradients = {name: tf.zeros_like(variable) for name, variable in variables.items()}
    average.follow(gradients, average.before(gradients), tf.constant(0, tf.int64))
    with average.in_place(1):
        for name, variable in variables.items():
            np.testing.assert_allclose(variable, first[name] + 1 - DECAY, rtol=1e-6)
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable, first[name] + 1)
    average.put_in_place(1)
    np.testing.assert_allclose(variables["bias"], first["bias"] + 1 - DECAY, rtol=1e-6)


@pytest.mark.parametrize(
    ("share", "chunks", "decay"), [(0.2, 500, 0.99), (1, 50, 0.98), (0.2, 4, 0), (0, 500, 0)]
)
def test_the_decay_averages_over_a_share_of_an_epoch(share, chunks, decay):
    assert decay_of(share, chunks) == pytest.approx(decay)
