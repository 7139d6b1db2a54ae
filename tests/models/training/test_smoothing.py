"""Label smoothing of the cross-entropy over all items."""

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training.loss_blocks import ROWS_PER_BLOCK
from sbrcli.models.training.losses import softmax_cross_entropy
from sbrcli.models.training.objective import Objective
from tests.builders import TrainConfig
from tests.models.training.literal_ranking import finite_difference, softmax

ITEMS, UNITS = 5, 3


def some_chunk(rows: int = 4):
    rng = np.random.default_rng(6)
    weights = {
        "hidden": rng.normal(0, 1, (rows, UNITS)),
        "table": rng.normal(0, 1, (ITEMS, UNITS)),
        "bias": rng.normal(0, 1, ITEMS),
    }
    row_weights = np.ones(rows)
    row_weights[-1] = 0
    return weights, rng.integers(ITEMS, size=rows), row_weights


def literal_sum(weights, targets, row_weights, smoothing: float) -> float:
    """Szegedy et al. 2016, section 7: -sum_j q_j log p_j with q = (1 - e) onehot + e / items."""
    total = 0.0
    for hidden, target, weight in zip(weights["hidden"], targets, row_weights, strict=True):
        scores = [sum(hidden * weights["table"][j]) + weights["bias"][j] for j in range(ITEMS)]
        for item, probability in enumerate(softmax(scores)):
            aimed = smoothing / ITEMS + (1 - smoothing if item == target else 0)
            total -= weight * aimed * np.log(probability)
    return total


def fused(weights, targets, row_weights, smoothing: float):
    parts = [tf.constant(part, tf.float32) for part in (*weights.values(), row_weights)]
    hidden, table, bias, rows = parts
    return softmax_cross_entropy(
        hidden, table, bias, tf.constant(targets, tf.int32), rows, smoothing
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 0.9])
def test_the_smoothed_loss_and_gradients_are_the_formulas(smoothing):
    weights, targets, row_weights = some_chunk()
    result = fused(weights, targets, row_weights, smoothing)
    expected = literal_sum(weights, targets, row_weights, smoothing)
    assert float(result.loss) == pytest.approx(expected, rel=1e-5)
    for name in weights:
        slope = finite_difference(
            lambda at, name=name: literal_sum(
                weights | {name: at}, targets, row_weights, smoothing
            ),
            weights[name],
        )
        np.testing.assert_allclose(getattr(result, name), slope / 4, atol=1e-6, err_msg=name)


def test_smoothing_holds_in_every_block_of_rows():
    weights, targets, row_weights = some_chunk(2 * ROWS_PER_BLOCK + 3)
    result = fused(weights, targets, row_weights, 0.2)
    expected = literal_sum(weights, targets, row_weights, 0.2)
    assert float(result.loss) == pytest.approx(expected, rel=1e-4)
    rest = slice(-3, None)
    last = fused(
        weights | {"hidden": weights["hidden"][rest]}, targets[rest], row_weights[rest], 0.2
    )
    np.testing.assert_allclose(
        result.hidden[-3:] * len(targets), last.hidden * 3, rtol=1e-4, atol=1e-6
    )


def test_equal_scores_have_the_log_of_the_items_as_loss_however_much_is_smoothed():
    flat = {"hidden": np.zeros((1, UNITS)), "table": np.zeros((ITEMS, UNITS)), "bias": np.ones(5)}
    for smoothing in (0.0, 0.3, 0.9):
        result = fused(flat, np.array([2]), np.ones(1), smoothing)
        assert float(result.loss) == pytest.approx(np.log(ITEMS), rel=1e-6)
        # p = 1/5 each; the target's aim is 1 - e + e / 5, the others' e / 5.
        expected = np.full(5, (1 - smoothing) / 5)
        expected[2] -= 1 - smoothing
        np.testing.assert_allclose(result.bias, expected, atol=1e-7)


def test_scores_of_ten_thousand_stay_finite():
    weights, targets, row_weights = some_chunk()
    weights["bias"] = np.array([1e4, -1e4, 1e4, -1e4, 0])
    result = fused(weights, targets, row_weights, 0.1)
    for part in result[:-1]:
        assert np.isfinite(part).all()


def test_the_option_reaches_the_loss_over_all_items():
    weights, targets, row_weights = some_chunk()
    hidden, table, bias = (tf.constant(part, tf.float32) for part in weights.values())
    outcome = Objective(TrainConfig(label_smoothing=0.3, n_sample=0), None).measure(
        hidden,
        table,
        bias,
        tf.constant(targets, tf.int32),
        tf.constant(row_weights, tf.float32),
        tf.constant([1, 1]),
    )
    expected = literal_sum(weights, targets, row_weights, 0.3)
    assert float(outcome.loss) == pytest.approx(expected, rel=1e-5)
