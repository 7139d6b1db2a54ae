"""A chunk divided among workers: together they compute what one computes."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import find_family
from sbrcli.models.training.lanes import Lanes, arrange_lanes
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.optimizers import Rows
from sbrcli.models.training.share import WHOLE, Share
from sbrcli.models.training.step import TrainingStep
from tests.builders import make_sessions

ITEMS, LANES, BPTT = 12, 4, 3
LONG = make_sessions([0, 1, 2, 3], [4, 5, 6, 5], [7, 8, 9, 2], [10, 11, 0, 0])
SHORT = make_sessions([0, 1, 2, 3], [4, 5, 6, 5])
"""The lanes of the second of two workers stay empty."""


def gradients_of(share: Share, lanes: Lanes, model: str, options: dict[str, Any]) -> Any:
    """Return what a worker computes of the first chunk: gradients, loss, and the own states."""
    plain = {"batch_size": LANES, "bptt": BPTT, "hsz": (4,), "precision": "float32"}
    plain |= {"dropout": 0.0, "embedding_dropout": 0.0, "repeats": "off"}
    config = configure_training(plain | options, None, model=model)
    family = find_family(model)
    shape = family.shape_of(config, ITEMS)
    network = family.make_network(shape, config, family.initial_weights(shape, 2))
    n_sample = config.negatives(ITEMS)
    sampler = n_sample and NegativeSampler(np.arange(ITEMS), n_sample, 0.5, num_lanes=LANES)
    seen: dict[str, Any] = {}

    def average(gradients: Any, loss: Any) -> Any:
        seen.update(gradients | {"loss": loss})
        return gradients, loss

    step = TrainingStep(network, config, sampler or None, 1, share, average)
    arrays = [
        tf.constant(a[:BPTT]) for a in (lanes.inputs, lanes.targets, lanes.starts, lanes.is_pair)
    ]
    _, states = step.train_chunk(0, arrays, step.zero_states())
    return seen, [state.numpy() for state in states]


def dense(gradient: Any) -> np.ndarray:
    if not isinstance(gradient, Rows):
        return np.asarray(gradient)
    whole = np.zeros((ITEMS, *gradient.values.shape[1:]))
    whole[gradient.indices.numpy()] = gradient.values.numpy()
    return whole


@pytest.mark.parametrize("sessions", [LONG, SHORT], ids=["all lanes", "a worker without sessions"])
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("gru4rec", {"n_sample": 5, "loss": "cross-entropy"}),
        ("gru4rec", {"n_sample": 5, "loss": "bpr-max", "embedding": "separate"}),
        ("gru4rec", {"n_sample": 5, "loss": "cross-entropy", "label_smoothing": 0.1}),
        ("gru4rec", {"n_sample": 0, "loss": "cross-entropy"}),
        ("gru4rec", {"n_sample": 0, "loss": "top1-max", "embedding": "none"}),
        ("sasrec", {"n_sample": 5, "loss": "cross-entropy"}),
    ],
    ids=str,
)
def test_the_mean_of_two_workers_gradients_is_that_of_the_whole(model, options, sessions):
    lanes = arrange_lanes(sessions, LANES).padded(BPTT)
    whole, ends = gradients_of(WHOLE, lanes, model, options)
    parts = [gradients_of(Share(rank, 2), lanes, model, options) for rank in range(2)]
    losses = [float(part.pop("loss")) for part, _ in parts]
    assert sum(losses) == pytest.approx(float(whole.pop("loss")), rel=1e-6)
    assert parts[0][0].keys() == parts[1][0].keys() == whole.keys()
    for name, gradient in whole.items():
        first, second = (part[name] for part, _ in parts)
        mean = (dense(first) + dense(second)) / 2
        np.testing.assert_allclose(mean, dense(gradient), atol=1e-7, err_msg=name)
        if isinstance(gradient, Rows):  # so that sums add up row by row
            np.testing.assert_array_equal(first.indices, second.indices)
            assert set(first.indices.numpy()) == set(gradient.indices.numpy())
    assert np.abs(dense(whole["output/table"])).max() > 0.01
    for number, end in enumerate(ends):
        np.testing.assert_allclose(
            np.concatenate([states[number] for _, states in parts]), end, atol=1e-6
        )


def test_each_worker_has_dropout_masks_of_its_own():
    same = make_sessions(*[[0, 1, 2, 3]] * LANES)
    lanes, half = arrange_lanes(same, LANES), {"dropout": 0.5, "n_sample": 0}
    first, second = (
        gradients_of(Share(rank, 2), lanes, "gru4rec", half)[0]["loss"] for rank in range(2)
    )
    assert float(first) != pytest.approx(float(second), rel=1e-3)


def test_rows_are_in_the_order_of_the_workers_and_step_by_step():
    share = Share(1, 2)
    chunk = tf.constant([[0, 1, 2, 3], [4, 5, 6, 7]])
    rows = share.in_order(chunk)
    assert rows.numpy().tolist() == [0, 1, 4, 5, 2, 3, 6, 7]
    assert share.own(rows).numpy().tolist() == [2, 3, 6, 7]
    assert share.own_lanes(chunk).numpy().tolist() == [[2, 3], [6, 7]]
    assert share.own_first(rows).numpy().tolist() == [2, 3, 6, 7, 0, 1, 4, 5]
    columns = tf.concat([share.own_first(rows), [9, 8]], axis=0)
    assert share.restored(columns, 8).numpy().tolist() == [*rows.numpy(), 9, 8]
    own = tf.constant([[1.0], [2.0]])
    assert share.among_all(own).numpy().tolist() == [[0], [0], [1], [2]]
