"""One training step against the slow one: loss, gradients, and where a session's state begins."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.errors import ConfigError
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.training.lanes import Lanes, arrange_lanes
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.step import _NEGATIVES, TrainingStep
from tests import traced_steps
from tests.builders import TrainConfig, make_sessions
from tests.models.gru4rec.literal import slow_gradients, slow_walk

ITEMS, LANES, BPTT = 6, 3, 4
# Lane 0: two sessions, the second starts in mid-chunk; lane 1: one over both chunks; lane 2: ends.
SESSIONS = make_sessions([0, 1, 2], [3, 4, 5, 0, 1, 2, 3, 4, 5], [5, 5], [1, 0], [2, 3, 4, 5, 0])
PLAIN = {"dropout": 0.0, "embedding_dropout": 0.0}
SHAPES = [
    GruShape(ITEMS, units, embedding)
    for embedding in ("none", "separate", "shared")
    for units in ((3,), (4, 3))
]
SHAPES += [GruShape(ITEMS, (3,), "shared", True), GruShape(ITEMS, (4, 3), "separate", True)]


class Recorder:
    """An optimizer that moves nothing and remembers the last gradients."""

    def __init__(self, variables: dict[str, tf.Variable]) -> None:
        self.slots = {}
        self.seen = {name: tf.Variable(tf.zeros_like(v)) for name, v in variables.items()}

    def apply(
        self, variables: dict[str, tf.Variable], gradients: dict[str, Any], rate: Any
    ) -> None:
        assert gradients.keys() == variables.keys()
        for name, gradient in gradients.items():
            self.seen[name].assign(gradient)

    def gradients(self) -> dict[str, np.ndarray]:
        return {name: gradient.numpy() for name, gradient in self.seen.items()}


def make_step(
    shape: GruShape, *, moves: bool = False, make: Any = TrainingStep, **options: Any
) -> Any:
    """Make a step with weights that have biases too; without `moves`, with a Recorder."""
    settings: dict[str, Any] = {"batch_size": LANES, "bptt": BPTT, **PLAIN}
    settings |= {"layers": len(shape.units), "hsz": shape.units, "embedding": shape.embedding}
    settings |= {"residual": shape.has_residual}
    config = TrainConfig(**settings | options)
    rng = np.random.default_rng(3)
    weights: dict[str, Any] = dict(initialise_weights(shape, seed=2))
    weights = {n: w + rng.normal(0, 0.2, w.shape) for n, w in weights.items()}
    step = make(FAMILY.make_network(shape, config, weights), config)
    if not moves:
        step.optimizer = Recorder(step.variables)
    return step


def walk(step: TrainingStep, lanes: Lanes, states: Any = None) -> tuple[float, list[np.ndarray]]:
    states = step.zero_states() if states is None else states
    arrays = (lanes.inputs, lanes.targets, lanes.starts, lanes.is_pair)
    loss, ends = step.walk(*arrays, [tf.constant(state, tf.float32) for state in states])
    return float(loss), [end.numpy() for end in ends]


def part(lanes: Lanes, first: int, last: int) -> Lanes:
    return lanes.part(slice(first, last))


def weights_of(step: TrainingStep) -> dict[str, np.ndarray]:
    return {name: v.numpy().astype(float) for name, v in step.variables.items()}


def two_chunks() -> Lanes:
    lanes = arrange_lanes(SESSIONS, LANES).padded(BPTT)
    assert len(lanes.inputs) == 2 * BPTT
    assert lanes.starts[1:BPTT].any(), "a session starts in mid-chunk"
    assert not lanes.starts[BPTT].all(), "a session runs over the border"
    assert not lanes.is_pair.all(), "there is padding"
    return lanes


@pytest.mark.usefixtures("with_xla")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_loss_gradients_and_states_are_those_of_the_slow_network(shape):
    step, lanes = make_step(shape), part(two_chunks(), 0, BPTT)
    rng = np.random.default_rng(4)
    before = [rng.normal(size=(LANES, units)) for units in shape.units]
    # As if the first lanes were in the middle of sessions.
    lanes.starts[0, :2] = False
    loss, ends = walk(step, lanes, before)

    weights = weights_of(step)
    slow_loss, slow_ends = slow_walk(lanes, weights, shape, before)
    assert loss == pytest.approx(slow_loss, rel=1e-5)
    for end, slow_end in zip(ends, slow_ends, strict=True):
        going_on = lanes.is_pair[-1]
        np.testing.assert_allclose(end[going_on], slow_end[going_on], atol=1e-5)
    rows = LANES * BPTT
    slopes = slow_gradients(lambda: slow_walk(lanes, weights, shape, before)[0] / rows, weights)
    for name, gradient in step.optimizer.gradients().items():
        np.testing.assert_allclose(gradient, slopes[name], atol=2e-6, err_msg=name)
        assert np.abs(slopes[name]).max() > 1e-4, name


def test_a_session_in_mid_lane_ends_in_the_state_that_it_has_alone():
    """Known errors 1, 2 and 4: no reset, one step late, or not in the update gate."""
    shape = GruShape(ITEMS, (4, 3), "shared")
    after_others = arrange_lanes(make_sessions([5, 4, 3], [0, 1, 2]), 1)
    alone = arrange_lanes(make_sessions([0, 1, 2]), 1)
    _, ends = walk(make_step(shape, batch_size=1, bptt=4), after_others)
    _, ends_alone = walk(make_step(shape, batch_size=1, bptt=2), alone)
    for end, end_alone in zip(ends, ends_alone, strict=True):
        np.testing.assert_allclose(end, end_alone, atol=1e-6)


def test_a_state_is_not_reset_again_at_each_step_after_its_sessions_start():
    """Known error 3: were it so, what comes before the last event would make no difference."""
    shape = GruShape(ITEMS, (3,), "shared")
    step = make_step(shape, batch_size=1, bptt=4)
    ends = [
        walk(step, arrange_lanes(make_sessions([5, 5], [first, 1, 2, 3]), 1))[1][0]
        for first in (0, 4)
    ]
    assert np.abs(ends[0] - ends[1]).max() > 1e-3


def test_the_state_goes_on_over_a_chunks_border_and_gradients_stop_there():
    shape = GruShape(ITEMS, (4, 3), "separate")
    lanes, step = two_chunks(), make_step(shape)
    loss, ends = walk(step, lanes)
    gradients = step.optimizer.gradients()  # of the second chunk

    weights = weights_of(step)
    zero = [np.zeros((LANES, units)) for units in shape.units]
    slow_loss, _ = slow_walk(lanes, weights, shape, zero)
    assert loss == pytest.approx(slow_loss, rel=1e-5)

    first_loss, border = walk(step, part(lanes, 0, BPTT))
    second_loss, ends_apart = walk(step, part(lanes, BPTT, 2 * BPTT), border)
    assert first_loss + second_loss == pytest.approx(loss, rel=1e-6)
    for one, other in zip(ends, ends_apart, strict=True):
        np.testing.assert_array_equal(one, other)
    for name, gradient in step.optimizer.gradients().items():
        np.testing.assert_array_equal(gradient, gradients[name], err_msg=name)


@pytest.mark.parametrize("embedding", ["none", "separate", "shared"])
def test_what_stands_in_the_padding_changes_no_weight(embedding):
    """Known error 26."""
    shape = GruShape(ITEMS, (3,), embedding)
    lanes, found = two_chunks(), []
    padding = ~lanes.is_pair
    for filling in (0, 1, 5):
        lanes.inputs[padding], lanes.targets[padding] = filling, 5 - filling
        step = make_step(shape, moves=True, make=traced_steps.make_step)
        found.append((walk(step, lanes)[0], weights_of(step)))
    for loss, weights in found[1:]:
        assert loss == found[0][0]
        for name, weight in weights.items():
            np.testing.assert_array_equal(weight, found[0][1][name], err_msg=name)


def test_each_chunk_moves_the_weights_once_and_the_next_begins_with_them():
    shape = GruShape(ITEMS, (3,), "shared")
    lanes, whole, parts = two_chunks(), make_step(shape, moves=True), make_step(shape, moves=True)
    before = weights_of(whole)
    loss, _ = walk(whole, lanes)
    first, border = walk(parts, part(lanes, 0, BPTT))
    between = weights_of(parts)
    second, _ = walk(parts, part(lanes, BPTT, 2 * BPTT), border)
    assert loss == pytest.approx(first + second, rel=1e-6)
    assert int(whole.chunks_done) == int(parts.chunks_done) == 2
    for name, weight in weights_of(whole).items():
        np.testing.assert_array_equal(weight, weights_of(parts)[name], err_msg=name)
        assert (before[name] != between[name]).any() and (between[name] != weight).any(), name


def test_walking_no_steps_changes_nothing():
    step = make_step(GruShape(ITEMS, (3,), "shared"), moves=True, optimizer="adam", momentum=0)
    before = weights_of(step)
    assert walk(step, part(two_chunks(), 0, 0))[0] == 0
    assert int(step.chunks_done) == 0
    for name, weight in weights_of(step).items():
        np.testing.assert_array_equal(weight, before[name])


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.3, "label_smoothing": 0.1},
        {"optimizer": "adam", "momentum": 0.0, "clip_norm": 1.0},
        {"loss": "bpr-max", "bpreg": 1.0, "n_sample": 4, "momentum": 0.3},
        {"n_sample": 4, "logq": 1.0, "optimizer": "adam", "momentum": 0.0},
    ],
    ids=str,
)
def test_compiling_moves_nothing_and_counts_no_step(options):
    shape = GruShape(ITEMS, (3,), "shared")
    config = TrainConfig(**{"hsz": (3,), "batch_size": LANES, "bptt": BPTT} | options)
    network = FAMILY.make_network(shape, config, initialise_weights(shape, seed=2))
    sampler = NegativeSampler(np.arange(1, ITEMS + 1), 4, 0.5) if config.n_sample == 4 else None
    step = TrainingStep(network, config, sampler)
    variables = [*step.variables.values(), *step.optimizer.slots.values(), step.chunks_done]
    before = [variable.numpy() for variable in variables]
    step.compile()
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.name)

    lanes = two_chunks()
    step.walk(lanes.inputs, lanes.targets, lanes.starts, lanes.is_pair, step.zero_states())
    assert int(step.chunks_done) == 2
    assert not np.array_equal(step.variables["output/table"].numpy(), before[-1])


def test_no_two_draws_share_a_seed_however_many_layers_there_are():
    with pytest.raises(ConfigError):  # so each of the most layers draws its dropout, and the input
        TrainConfig(layers=_NEGATIVES)
