"""SASRec in training: gradients, chunks, and dropout."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.config.training import training_config
from sbrcli.models.sasrec.family import FAMILY
from sbrcli.models.sasrec.options import SasRecConfig
from sbrcli.models.sasrec.trainable import SasRecNetwork
from sbrcli.models.sasrec.weights import SasRecShape
from sbrcli.models.training.lanes import Lanes
from sbrcli.models.training.step import TrainingStep
from tests.models.gru4rec.literal import slow_gradients
from tests.models.sasrec.literal import draw_weights, slow_scores
from tests.models.training.test_step import BPTT, ITEMS, LANES, Recorder, part, two_chunks, walk

TrainConfig: Any = training_config(SasRecConfig)
SHAPE = SasRecShape(ITEMS, 4, 2, 2, 3, 2, has_gates=True)


def make_network(**options: Any) -> SasRecNetwork:
    config = TrainConfig(**{"dropout": 0.0, "embedding_dropout": 0.0} | options)
    return FAMILY.make_network(SHAPE, config, draw_weights(SHAPE))


def run_forward(network: SasRecNetwork, lanes: Lanes, states: Any) -> tuple[Any, Any, Any]:
    table = network.variables["output/table"]
    entered = tf.gather(table, lanes.inputs.ravel())
    return network.forward(
        entered, tf.constant(lanes.starts), states, lambda n: tf.constant([n, 5], tf.int64)
    )


def slow_hidden_losses(lanes: Lanes, weights: dict[str, Any], stored: Any, age: Any) -> float:
    """Sum the cross-entropy of the pairs; lanes go on with stored inputs where no session starts.

    Args:
        lanes: the chunk.
        weights: float64.
        stored: (blocks, lanes, memory, units) inputs, the latest last.
        age: (lanes,) how many of them count.
    """
    loss = 0.0
    for lane in range(lanes.inputs.shape[1]):
        kept = int(age[lane])
        inputs = [list(block[lane, SHAPE.memory - kept :]) for block in stored]
        for step in np.flatnonzero(lanes.is_pair[:, lane]):
            if lanes.starts[step, lane]:
                inputs = [[] for _ in range(SHAPE.blocks)]
            [scores] = slow_scores(SHAPE, weights, [lanes.inputs[step, lane]], inputs)
            loss += np.log(np.exp(scores).sum()) - scores[lanes.targets[step, lane]]
    return loss


def test_loss_and_gradients_are_those_of_the_slow_network():
    config = TrainConfig(
        batch_size=LANES, bptt=BPTT, dropout=0.0, embedding_dropout=0.0, precision="float32"
    )
    network: Any = make_network()
    step = TrainingStep(network, config)
    recorder: Any = Recorder(step.variables)
    step.optimizer = recorder
    lanes = part(two_chunks(), 0, BPTT)
    # As if the first lanes were in the middle of sessions, the second only just so.
    lanes.starts[0, :2] = False
    rng = np.random.default_rng(4)
    stored = rng.normal(size=(SHAPE.blocks, LANES, SHAPE.memory, SHAPE.units))
    age = np.array([2.0, 1.0, 2.0])
    loss, _ = walk(step, lanes, [*stored, age])

    weights = {name: value.numpy().astype(float) for name, value in step.variables.items()}
    assert loss == pytest.approx(slow_hidden_losses(lanes, weights, stored, age), rel=1e-5)
    rows = LANES * BPTT
    slopes = slow_gradients(lambda: slow_hidden_losses(lanes, weights, stored, age) / rows, weights)
    for name, gradient in recorder.gradients().items():
        np.testing.assert_allclose(gradient, slopes[name], atol=5e-6, err_msg=name)
        assert np.abs(slopes[name]).max() > 1e-4, name


@pytest.mark.parametrize("length", [1, 2, 3])
def test_chunks_of_any_length_give_the_hidden_states_of_whole_lanes(length):
    network, lanes = make_network(), two_chunks()
    whole, ends, _ = run_forward(network, lanes, network.zero_states(LANES))
    states, parts = network.zero_states(LANES), []
    for first in range(0, len(lanes.inputs), length):
        hidden, states, _ = run_forward(network, part(lanes, first, first + length), states)
        parts.append(hidden)
    np.testing.assert_allclose(tf.concat(parts, 0), whole, atol=1e-5)
    for state, end in zip(states, ends, strict=True):
        np.testing.assert_allclose(state, end, atol=1e-5)


def test_the_training_scores_are_those_of_inference():
    network, lanes = make_network(), two_chunks()
    hidden, _, _ = run_forward(network, lanes, network.zero_states(LANES))
    table, bias = network.variables["output/table"], network.variables["output/bias"]
    scores = (tf.matmul(hidden, table, transpose_b=True) + bias).numpy()
    found = scores.reshape(len(lanes.inputs), LANES, ITEMS)
    scorer = network.scorer()
    for lane in range(LANES):
        begin = 0
        for step in np.flatnonzero(lanes.is_pair[:, lane]):
            begin = step if lanes.starts[step, lane] else begin
            session = lanes.inputs[begin : step + 1, lane]
            np.testing.assert_allclose(found[step, lane], scorer.score_next(session), atol=1e-5)


def test_no_gradient_leaves_a_chunk_through_the_stored_inputs():
    network, lanes = make_network(), two_chunks()
    _, states, _ = run_forward(network, part(lanes, 0, BPTT), network.zero_states(LANES))
    with tf.GradientTape() as tape:
        tape.watch(states)
        hidden, _, cache = run_forward(network, part(lanes, BPTT, 2 * BPTT), states)
        entered, gradients = network.backward(cache, tf.ones_like(hidden))
    assert entered.shape == (BPTT * LANES, SHAPE.units)
    own = {"output/table", "output/bias"}
    assert gradients.keys() == network.variables.keys() - own
    assert not any(name in gradients for name in own)
    del tape


def test_a_share_of_what_a_layer_adds_is_dropped_by_the_seed_of_the_step():
    network, lanes = make_network(dropout=0.5, embedding_dropout=0.5), two_chunks()
    first, _, _ = run_forward(network, lanes, network.zero_states(LANES))
    again, _, _ = run_forward(network, lanes, network.zero_states(LANES))
    np.testing.assert_array_equal(first, again)
    plain, _, _ = run_forward(make_network(), lanes, network.zero_states(LANES))
    assert np.abs(first - plain).max() > 0.1
