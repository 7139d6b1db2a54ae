"""Products in bfloat16: where they are taken, and that they are near enough to float32's."""

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training import backend
from sbrcli.models.training.backend import multiplies_in_bfloat16
from sbrcli.models.training.loss_blocks import ROWS_PER_BLOCK, LossGradients
from sbrcli.models.training.losses import softmax_cross_entropy
from sbrcli.models.training.objective import Objective
from sbrcli.models.training.sampled_losses import drawn_cross_entropy
from tests.builders import TrainConfig

ROWS, COLUMNS, UNITS = ROWS_PER_BLOCK + 8, 400, 20


@pytest.mark.parametrize(
    ("precision", "has_it", "gpus", "expected"),
    [
        ("auto", True, [], True),
        ("auto", False, [], False),
        ("auto", True, ["GPU"], False),
        ("float32", True, [], False),
        ("bfloat16", False, [], True),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    monkeypatch, precision, has_it, gpus, expected
):
    monkeypatch.setattr(backend, "has_bfloat16", lambda: has_it)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _kind: gpus)
    assert multiplies_in_bfloat16(precision) is expected
    objective = Objective(TrainConfig(precision=precision), None)
    assert objective.dtype == (tf.bfloat16 if expected else tf.float32)


def full(dtype) -> LossGradients:
    hidden, table, bias, targets, weights = _inputs()
    return softmax_cross_entropy(hidden, table, bias, targets, weights, dtype=dtype)


def drawn(dtype) -> LossGradients:
    hidden, table, bias, targets, weights = _inputs()
    part = tf.concat([tf.gather(table, targets), table], axis=0)
    own = tf.concat([tf.gather(bias, targets), bias], axis=0)
    correction = tf.ones_like(own)
    items = tf.concat([targets, tf.range(COLUMNS)], axis=0)
    counts = items[None, :] != targets[:, None]
    return drawn_cross_entropy(hidden, part, own, correction, counts, weights, dtype=dtype)


def _inputs() -> list[tf.Tensor]:
    rng = np.random.default_rng(6)
    shapes = ((ROWS, UNITS), (COLUMNS, UNITS), (COLUMNS,))
    floats = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
    targets = tf.constant(rng.integers(COLUMNS, size=ROWS), tf.int32)
    return [*floats, targets, tf.ones((ROWS,))]


@pytest.mark.parametrize("loss", [full, drawn])
def test_the_loss_and_its_gradients_are_within_bfloat16s_rounding(loss):
    exact, rounded = loss(tf.float32), loss(tf.bfloat16)
    # Eight bits of a number are kept. A processor that has such products adds them up in float32;
    # one that emulates them rounds each score to eight bits once more.
    assert float(rounded.loss) == pytest.approx(float(exact.loss), rel=2**-8)
    for name in ("hidden", "table", "bias"):
        one, other = getattr(exact, name).numpy(), getattr(rounded, name).numpy()
        assert one.dtype == other.dtype == np.float32
        # A part in 256, in scores of some tens.
        assert np.abs(one - other).max() < 0.05 * np.abs(one).max(), name
        assert np.abs(one - other).max() > 0, name
