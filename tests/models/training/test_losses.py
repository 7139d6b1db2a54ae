"""The cross-entropy and its gradients, against the formula written slowly in float64."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from sbrcli.models.training.loss_blocks import ROWS_PER_BLOCK, LossGradients
from sbrcli.models.training.losses import softmax_cross_entropy

Array = npt.NDArray[Any]
ITEMS, UNITS = 7, 3


def draw(rows: int, scale: float = 1.0) -> tuple[Array, Array, Array, npt.NDArray[np.int32]]:
    """Draw hidden states, an output table and bias, and targets."""
    rng = np.random.default_rng(rows)
    hidden = scale * rng.normal(size=(rows, UNITS))
    table, bias = rng.normal(size=(ITEMS, UNITS)), rng.normal(size=ITEMS)
    return hidden, table, bias, rng.integers(ITEMS, size=rows).astype(np.int32)


def slow_loss(hidden: Array, table: Array, bias: Array, targets: Array, weights: Array) -> float:
    """Sum -log(exp(s_target) / sum of exp(s_j)) over the rows, each times its weight."""
    total = 0.0
    for row, target, weight in zip(hidden, targets, weights, strict=True):
        scores = [float(row @ table[item] + bias[item]) for item in range(len(table))]
        highest = max(scores)
        log_sum = highest + np.log(sum(np.exp(score - highest) for score in scores))
        total += weight * (log_sum - scores[target])
    return total


def fused(hidden: Array, table: Array, bias: Array, targets: Array, weights: Array) -> list[Array]:
    floats: list[Any] = [tf.constant(array, tf.float32) for array in (hidden, table, bias)]
    hidden, table, bias = floats
    rows = (tf.constant(targets), tf.constant(weights, tf.float32))
    found = softmax_cross_entropy(hidden, table, bias, *rows)
    assert isinstance(found, LossGradients)
    return [part.numpy() for part in found if part is not None]


def slopes(at: Array, loss, rows: int, step: float = 1e-5) -> Array:
    """Find the gradient of loss() / rows by moving each number of `at` a little, both ways."""
    gradient = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        kept = at[place]
        at[place] = kept + step
        above = loss()
        at[place] = kept - step
        gradient[place] = (above - loss()) / (2 * step * rows)
        at[place] = kept
    return gradient


@pytest.mark.parametrize("rows", [1, 5, ROWS_PER_BLOCK, ROWS_PER_BLOCK + 1, 2 * ROWS_PER_BLOCK + 3])
def test_the_loss_is_the_formulas_whatever_the_number_of_rows(rows):
    hidden, table, bias, targets = draw(rows)
    loss, *_ = fused(hidden, table, bias, targets, np.ones(rows))
    expected = slow_loss(hidden, table, bias, targets, np.ones(rows))
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], ids=str)
def test_the_gradients_are_the_slopes_of_the_mean(weights):
    hidden, table, bias, targets = draw(5)
    loss, *gradients = fused(hidden, table, bias, targets, np.array(weights))

    def again() -> float:
        return slow_loss(hidden, table, bias, targets, np.array(weights))

    assert loss == pytest.approx(again(), rel=1e-5)
    for moved, gradient in zip((hidden, table, bias), gradients, strict=True):
        np.testing.assert_allclose(gradient, slopes(moved, again, rows=5), atol=1e-6)


def test_gradients_do_not_depend_on_how_rows_fall_into_blocks():
    rows = ROWS_PER_BLOCK + 44
    hidden, table, bias, targets = draw(rows)
    weights = np.arange(rows) % 3 > 0
    whole = fused(hidden, table, bias, targets, weights)
    parts = [
        fused(hidden[part], table, bias, targets[part], weights[part])
        for part in (slice(0, 100), slice(100, rows))
    ]
    sizes = np.array([100, rows - 100]) / rows  # each part's gradients are of its own mean
    assert whole[0] == pytest.approx(parts[0][0] + parts[1][0], rel=1e-5)
    hidden_parts = [part[1] * size for part, size in zip(parts, sizes, strict=True)]
    np.testing.assert_allclose(whole[1], np.concatenate(hidden_parts), atol=1e-7)
    for which in (2, 3):
        both = sum(part[which] * size for part, size in zip(parts, sizes, strict=True))
        np.testing.assert_allclose(whole[which], both, atol=1e-6)


def test_a_row_that_does_not_count_has_no_part_in_anything():
    """Known error 26."""
    hidden, table, bias, targets = draw(6)
    weights = np.array([1, 1, 0, 1, 0, 1])
    others = hidden.copy()
    others[weights == 0] = 50.0
    first = fused(hidden, table, bias, targets, weights)
    second = fused(others, table, bias, (targets + 1 - weights) % ITEMS, weights)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not first[1][weights == 0].any()


def test_scores_of_ten_thousand_give_finite_losses_and_gradients():
    """Known error 12: log(0)."""
    hidden, table, bias, targets = draw(8, scale=1e4)
    loss, *gradients = fused(hidden, table, bias, targets, np.ones(8))
    expected = slow_loss(hidden, table, bias, targets, np.ones(8))
    assert loss == pytest.approx(expected, rel=1e-4) and loss > 1e4
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_one_softmax_is_taken_and_not_two():
    """Known error 8: of two items with scores 5 and 0, the first has -log p = log(1 + e^-5)."""
    loss, *_ = fused(
        np.array([[1.0]]),
        np.array([[5.0], [0.0]]),
        np.zeros(2),
        np.array([0], np.int32),
        np.ones(1),
    )
    assert loss == pytest.approx(np.log1p(np.exp(-5)), rel=1e-4)


def test_equal_scores_cost_the_logarithm_of_the_number_of_items():
    loss, *_ = fused(
        np.zeros((4, UNITS)), np.ones((ITEMS, UNITS)), np.zeros(ITEMS), np.arange(4), np.ones(4)
    )
    assert loss == pytest.approx(4 * np.log(ITEMS))
