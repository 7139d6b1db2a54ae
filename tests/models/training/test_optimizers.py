"""Adagrad with momentum, and Adam, against their formulas written out, over several steps."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training.optimizers import Adagrad, Adam, Optimizer, make_optimizer
from tests.builders import TrainConfig

BEGIN = np.array([[1.0, -2.0], [0.5, 0.0]])
GRADIENTS = [np.array([[0.3, -4.0], [0.0, 1e-4]]) * factor for factor in (1, -0.5, 2, 1, 1)]


def moved(optimizer_of: Any, gradients: list[np.ndarray] = GRADIENTS) -> list[np.ndarray]:
    """Give the weight after each step."""
    variables = {"w": tf.Variable(BEGIN, dtype=tf.float32)}
    optimizer: Optimizer = optimizer_of(variables)
    found = []
    for gradient in gradients:
        optimizer.apply(variables, {"w": tf.constant(gradient, tf.float32)})
        found.append(variables["w"].numpy())
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.4])
def test_adagrad_begins_from_zero_and_adds_a_share_of_the_last_update(momentum: float):
    """Known errors 15 and 17: an accumulator that begins at 0.1, and no momentum."""
    rate, weight = 0.07, BEGIN.copy()
    accumulator, update = np.zeros_like(weight), np.zeros_like(weight)
    found = moved(lambda variables: Adagrad(variables, rate, momentum))
    for gradient, after in zip(GRADIENTS, found, strict=True):
        accumulator = accumulator + gradient**2
        update = momentum * update - rate * gradient / np.sqrt(accumulator + 1e-6)
        weight = weight + update
        np.testing.assert_allclose(after, weight, rtol=1e-5)


def test_adagrads_first_step_is_as_long_as_the_learning_rate():
    """Known error 15: from an accumulator of 0.1 it would be 0.07 * 0.3 / sqrt(0.19)."""
    first = moved(lambda variables: Adagrad(variables, 0.07, 0.0))[0]
    assert first[0, 0] - BEGIN[0, 0] == pytest.approx(-0.07, rel=1e-4)
    assert first[0, 1] - BEGIN[0, 1] == pytest.approx(0.07, rel=1e-4)
    assert first[1, 0] == BEGIN[1, 0]


def test_adam_is_the_papers():
    rate, weight = 0.01, BEGIN.copy()
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    found = moved(lambda variables: Adam(variables, rate))
    for step, (gradient, after) in enumerate(zip(GRADIENTS, found, strict=True), 1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        corrected = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weight = weight - corrected * mean / (np.sqrt(square) + 1e-7)
        np.testing.assert_allclose(after, weight, rtol=1e-4, atol=1e-6)


def test_adams_learning_rate_decays_in_no_hidden_way():
    """Known error 16: under one and the same gradient each step is as long as the first."""
    found = moved(lambda variables: Adam(variables, 0.01), [np.ones((2, 2))] * 50)
    steps = np.diff([BEGIN, *found], axis=0)
    np.testing.assert_allclose(steps, -0.01, rtol=1e-2)


def test_the_configuration_names_the_optimizer_and_its_figures():
    variables = {"w": tf.Variable(BEGIN, dtype=tf.float32)}
    adagrad = make_optimizer(TrainConfig(learning_rate=0.3, momentum=0.2), variables)
    assert isinstance(adagrad, Adagrad)
    assert (adagrad.learning_rate, adagrad.momentum) == (0.3, 0.2)
    assert set(adagrad.slots) == {"w/accumulator", "w/update"}
    config = TrainConfig(optimizer="adam", learning_rate=0.3, momentum=0.0)
    adam = make_optimizer(config, variables)
    assert isinstance(adam, Adam) and adam.learning_rate == 0.3
    assert set(adam.slots) == {"w/mean", "w/square", "step"}
