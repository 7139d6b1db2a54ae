"""The ranking losses against the papers' formulas, their gradients, and their extremes."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training import ranking_losses as ours
from tests.models.training import literal_ranking as literal
from tests.models.training.literal_ranking import finite_difference

# Four rows, five columns: all negatives, some, one, none.
COUNTS = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], float)

LOSSES = {
    "bpr-max": (ours.bpr_max, literal.bpr_max),
    "bpr-max, regularised": (
        partial(ours.bpr_max, bpreg=1.85),
        partial(literal.bpr_max, bpreg=1.85),
    ),
    "top1-max": (ours.top1_max, literal.top1_max),
    "bpr": (ours.bpr, literal.bpr),
    "top1": (ours.top1, literal.top1),
}
EVERY_LOSS = pytest.mark.parametrize(("loss", "literal_loss"), LOSSES.values(), ids=LOSSES.keys())


def some_scores(scale: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(0, scale, 4), rng.normal(0, scale, (4, 5))


def literal_rows(literal_loss, positive, scores, counts=COUNTS):
    return [
        literal_loss(positive[row], [scores[row, j] for j in range(5) if counts[row, j]])
        for row in range(len(positive))
    ]


def with_gradients(loss, positive, scores, counts=COUNTS, dtype=tf.float64):
    positive, scores = tf.constant(positive, dtype), tf.constant(scores, dtype)
    with tf.GradientTape() as tape:
        tape.watch([positive, scores])
        losses = loss(positive, scores, tf.constant(counts, dtype))
    return [part.numpy() for part in (losses, *tape.gradient(losses, [positive, scores]))]


@EVERY_LOSS
def test_a_rows_loss_is_the_papers_formula_over_its_negatives(loss, literal_loss):
    positive, scores = some_scores()
    losses = loss(tf.constant(positive), tf.constant(scores), tf.constant(COUNTS))
    np.testing.assert_allclose(losses, literal_rows(literal_loss, positive, scores), atol=1e-12)


@EVERY_LOSS
def test_the_gradients_are_the_formulas_finite_differences(loss, literal_loss):
    positive, scores = some_scores()
    _, of_positive, of_scores = with_gradients(loss, positive, scores)
    expected_positive = finite_difference(
        lambda at: sum(literal_rows(literal_loss, at, scores)), positive
    )
    expected_scores = finite_difference(
        lambda at: sum(literal_rows(literal_loss, positive, at)), scores
    )
    np.testing.assert_allclose(of_positive, expected_positive, atol=1e-7)
    np.testing.assert_allclose(of_scores, expected_scores, atol=1e-7)


@EVERY_LOSS
def test_a_row_without_negatives_has_no_loss_and_no_gradient(loss, literal_loss):
    positive, scores = some_scores(scale=50.0)
    parts = with_gradients(loss, positive, scores, np.zeros((4, 5)), tf.float32)
    for part in parts:
        np.testing.assert_array_equal(part, np.zeros_like(part))


@EVERY_LOSS
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_scores_of_ten_thousand_give_finite_losses_and_gradients(loss, literal_loss, scale):
    scores = np.outer([1, 1, -1, -1], [1, -1, 1, -1, 1]) * scale
    parts = with_gradients(loss, np.array([1, -1, 1, -1]) * scale, scores, dtype=tf.float32)
    for part in parts:
        assert np.isfinite(part).all()


@EVERY_LOSS
def test_a_column_that_is_no_negative_has_no_say_however_high_its_score(loss, literal_loss):
    positive, scores = some_scores()
    raised = np.where(COUNTS > 0, scores, 1e4)
    plain = with_gradients(loss, positive, scores)
    for part, other in zip(plain, with_gradients(loss, positive, raised), strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-12)


@EVERY_LOSS
def test_a_rows_loss_does_not_depend_on_the_other_rows(loss, literal_loss):
    positive, scores = some_scores()
    together = loss(tf.constant(positive), tf.constant(scores), tf.constant(COUNTS))
    for row in range(4):
        one = slice(row, row + 1)
        alone = loss(*map(tf.constant, (positive[one], scores[one], COUNTS[one])))
        assert float(alone[0]) == pytest.approx(float(together[row]), rel=1e-12)


def one_row(loss, positive: float, negatives: list[float], **options: float) -> float:
    scores = tf.constant([negatives], tf.float64)
    positive_scores = tf.constant([positive], tf.float64)
    return float(loss(positive_scores, scores, tf.ones_like(scores), **options)[0])


def test_bpr_max_weighs_by_the_softmax_of_the_negatives_without_the_next_item():
    # Negatives log 1 and log 3 weigh 1/4 and 3/4 whatever the next item's score, here log 3.
    expected = -np.log(1 / 4 * 3 / (3 + 1) + 3 / 4 * 1 / 2)
    assert one_row(ours.bpr_max, np.log(3), [0, np.log(3)]) == pytest.approx(expected)


def test_bpr_max_has_one_log_a_row():
    # Two equal rows have twice the loss of one: no log is taken over the whole matrix.
    positive, scores = tf.zeros(2), tf.zeros((2, 3))
    losses = ours.bpr_max(positive, scores, tf.ones((2, 3)))
    assert float(tf.reduce_sum(losses)) == pytest.approx(2 * -np.log(1 / 2))


@pytest.mark.parametrize("bpreg", [0.0, 0.9, 1.95])
def test_bpreg_weighs_the_negatives_squared_scores(bpreg):
    # Both negatives score 2, so their weighted square is 4.
    without = one_row(ours.bpr_max, 1.0, [2.0, 2.0])
    assert one_row(ours.bpr_max, 1.0, [2.0, 2.0], bpreg=bpreg) == pytest.approx(without + 4 * bpreg)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_elu_bends_scores_below_0(alpha):
    scores = np.array([-1e4, -3.0, -0.5, 0.7, 2.0, 1e4])
    expected = [literal.elu(score, alpha) for score in scores]
    np.testing.assert_allclose(ours.elu(tf.constant(scores), alpha), expected, rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_gradient_of_elu_is_1_above_0_and_alpha_exp_below(alpha):
    scores = tf.constant([-1e4, -2.0, 3.0, 1e4])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        bent = ours.elu(scores, alpha)
    expected = [0, alpha * np.exp(-2), 1, 1]
    np.testing.assert_allclose(tape.gradient(bent, scores), expected, rtol=1e-6)
