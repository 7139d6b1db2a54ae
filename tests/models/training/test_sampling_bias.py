"""What a sampled loss and its gradient are on average: those over all items.

The lane that is looked at holds a session of two rare items that occur together, and the other
lanes hold sessions drawn by popularity. If the second target of its own lane is a negative of the
first, the mean is off: it is always there, while a rare item is expected hardly ever.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training import ranking_losses
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.sampled_losses import drawn_cross_entropy
from tests.builders import TrainConfig

LANES, TRIALS = 16, 600
TARGET_COUNT = np.array([1, 1, 4, 10, 30, 60, 90, 120])
ITEMS = len(TARGET_COUNT)
POPULARITY = TARGET_COUNT / TARGET_COUNT.sum()
SCORES = np.array([1.5, 0.0, -0.5, 0.8, -1.0, 0.3, 0.0, 0.6])
"""Of all items after the event; items 0 and 1 are the session's targets."""


class Case(NamedTuple):
    """A loss, and how far its mean may lie from what it estimates."""

    config: TrainConfig
    partner: float
    """The score of item 1."""

    bias: float
    """That of a function of sampled sums, which falls with the number of columns."""


CASES = {
    "cross-entropy": Case(TrainConfig(n_sample=300), 0.5, 0.005),
    "label-smoothing": Case(TrainConfig(n_sample=300, label_smoothing=0.2), 0.5, 0.005),
    "bpr-max": Case(TrainConfig(n_sample=300, loss="bpr-max"), 2.5, 0.005),
    "top1-max": Case(TrainConfig(n_sample=300, loss="top1-max"), 2.5, 0.001),
    "bpr": Case(TrainConfig(n_sample=20, loss="bpr"), 2.5, 0.001),
    "top1": Case(TrainConfig(n_sample=20, loss="top1"), 2.5, 0.001),
}


@cache
def draws(n_sample: int, num_lanes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Draw the candidates of the session's first row in many chunks.

    Args:
        n_sample: how many items are sampled.
        num_lanes: what the sampler is told; None puts each row in a lane of its own.

    Returns:
        (TRIALS, ITEMS) how often each item is a negative, and (ITEMS,) how often it is expected.
    """
    sampler = NegativeSampler(
        TARGET_COUNT, n_sample, 0.75, target_count=TARGET_COUNT, num_lanes=num_lanes
    )
    draw = tf.function(sampler.draw, autograph=False)
    rng = np.random.default_rng(5)
    found, expected = np.zeros((TRIALS, ITEMS)), np.ones(ITEMS)
    for trial in range(TRIALS):
        targets = rng.choice(ITEMS, 2 * LANES, p=POPULARITY)
        targets[[0, LANES]] = 0, 1
        drawn = draw(tf.constant(targets, tf.int32), tf.ones(2 * LANES), tf.constant([trial, 1]))
        items = drawn.items.numpy()
        np.add.at(found[trial], items[drawn.counts.numpy()[0]], 1)
        expected[items] = np.exp(drawn.log_expected.numpy())
    return found, expected


def measure_ranking(case: Case, counts: np.ndarray) -> np.ndarray:
    """Return the row's ranking loss, and its gradient with respect to the score of each item.

    Args:
        case: with the loss.
        counts: (rows, ITEMS) how often each item counts as a negative.

    Returns:
        (rows, 1 + ITEMS)
    """
    scores = tf.constant(np.tile(scores_of(case), (len(counts), 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = getattr(ranking_losses, case.config.loss.replace("-", "_"))
        losses = loss(scores[:, 0], scores, tf.constant(counts, tf.float32))
    return np.column_stack([losses, tape.gradient(losses, scores)])  # pyright: ignore


def measure_cross_entropy(case: Case, counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return what `measure_ranking` does, of the cross-entropy corrected for the sampling.

    An item that counts n times is one column whose correction is smaller by log n.

    Args:
        case: with the loss.
        counts: (rows, ITEMS) how often each item counts as a negative.
        expected: (ITEMS,) how often it is expected.
    """
    scores = tf.constant(scores_of(case)[[0, *range(ITEMS)]], tf.float32)
    smoothing = case.config.label_smoothing

    @tf.function
    def measure(correction: tf.Tensor, is_negative: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = drawn_cross_entropy(
            tf.ones((1, 1)),
            scores[:, None],
            tf.zeros(1 + ITEMS),
            correction,
            is_negative,
            tf.ones(1),
            smoothing,
        )
        return found.loss, found.bias

    rows = []
    for number in counts[:, [0, *range(ITEMS)]]:
        correction = np.log(expected[[0, *range(ITEMS)]]) - np.log(np.maximum(number, 1e-9))
        is_negative = (number > 0) & (np.arange(1 + ITEMS) > 0)
        loss, slopes = measure(tf.constant(correction, tf.float32), tf.constant(is_negative[None]))
        own, *others = slopes.numpy()
        rows.append([float(loss), own + others[0], *others[1:]])
    return np.array(rows)


def scores_of(case: Case) -> np.ndarray:
    return np.where(np.arange(ITEMS) == 1, case.partner, SCORES)


def deviations(case: Case, num_lanes: int | None) -> np.ndarray:
    """Return how far the means lie from those over all items, as a share of what they may."""
    counts, expected = draws(case.config.negatives(ITEMS), num_lanes)
    is_other = 1.0 * (np.arange(ITEMS) != 0)[None]
    if case.config.loss == "cross-entropy":
        sampled = measure_cross_entropy(case, counts, expected)
        full = measure_cross_entropy(case, is_other, np.ones(ITEMS))
    else:
        sampled, full = measure_ranking(case, counts), measure_ranking(case, expected * is_other)
    error = sampled.std(axis=0) / np.sqrt(TRIALS)
    return np.abs(sampled.mean(axis=0) - full[0]) / (5 * error + case.bias)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_sampled_loss_and_its_gradient_are_on_average_those_over_all_items(case):
    assert deviations(case, LANES).max() < 1


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_with_the_own_lane_among_the_negatives_they_are_not(case):
    assert deviations(case, None).max() > 1.5
