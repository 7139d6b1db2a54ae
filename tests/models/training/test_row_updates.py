"""Gradients of some rows: the optimizers move those rows, and a whole step no others."""

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.optimizers import Adagrad, Adam, Rows, clip_gradients
from sbrcli.models.training.step import TrainingStep
from tests.builders import TrainConfig

ROWS, WIDTH = 6, 3
NAMED = [4, 1, 4, 2, 4]  # Row 4 thrice; rows 0, 3 and 5 never.
TOUCHED, UNTOUCHED = [1, 2, 4], [0, 3, 5]

OPTIMIZERS = {
    "adagrad": lambda variables: Adagrad(variables, 0.05, 0.0),
    "adagrad with momentum": lambda variables: Adagrad(variables, 0.05, 0.3),
    "adam": lambda variables: Adam(variables, 0.002),
}
EVERY_OPTIMIZER = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def some_table() -> dict[str, tf.Variable]:
    values = np.random.default_rng(1).normal(size=(ROWS, WIDTH))
    return {"table": tf.Variable(values, dtype=tf.float32)}


def some_values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(NAMED), WIDTH)).astype(np.float32)


def as_rows(values: np.ndarray, named: list[int] = NAMED) -> dict[str, Rows]:
    return {"table": Rows.summed(tf.constant(named), tf.constant(values))}


def as_whole(values: np.ndarray) -> dict[str, tf.Tensor]:
    whole = np.zeros((ROWS, WIDTH), np.float32)
    for row, value in zip(NAMED, values, strict=True):
        whole[row] += value
    return {"table": tf.constant(whole)}


def contents(optimizer, table) -> dict[str, np.ndarray]:
    slots = {name: slot.numpy() for name, slot in optimizer.slots.items() if name != "step"}
    return slots | {"table": table["table"].numpy()}


def test_a_row_named_twice_has_the_sum_of_its_gradients():
    rows = Rows.summed(tf.constant([4, 1, 4]), tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert rows.indices.numpy().tolist() == [4, 1]
    assert rows.values.numpy().tolist() == [[1 + 5, 2 + 6], [3, 4]]


def test_gradients_of_a_bias_are_summed_as_those_of_a_table():
    rows = Rows.summed(tf.constant([3, 3, 0]), tf.constant([1.0, 2.0, 4.0]))
    assert rows.indices.numpy().tolist() == [3, 0]
    assert rows.values.numpy().tolist() == [1 + 2, 4]


def test_duplicates_are_summed_before_they_are_squared():
    table = {"table": tf.Variable(tf.zeros((2, 1)))}
    optimizer = Adagrad(table, 0.1, 0.0)
    optimizer.apply(table, as_rows(np.array([[1.0], [2.0]], np.float32), [1, 1]), 1.0)
    accumulated = (1 + 2) ** 2  # not 1^2 + 2^2
    assert optimizer.slots["table/accumulator"].numpy().tolist() == [[0], [accumulated]]
    assert float(table["table"][1, 0]) == pytest.approx(-0.1 * 3 / np.sqrt(9 + 1e-6))


@EVERY_OPTIMIZER
def test_touched_rows_move_as_with_the_gradient_of_the_whole_table(make):
    some, whole = some_table(), some_table()
    by_rows, by_whole = make(some), make(whole)
    for step in range(4):
        by_rows.apply(some, as_rows(some_values(step)), 1.0)
        by_whole.apply(whole, as_whole(some_values(step)), 1.0)
    expected = contents(by_whole, whole)
    for name, found in contents(by_rows, some).items():
        np.testing.assert_allclose(found[TOUCHED], expected[name][TOUCHED], rtol=1e-5, atol=1e-7)


@EVERY_OPTIMIZER
def test_rows_and_slots_that_are_not_touched_stay_bit_for_bit(make):
    table = some_table()
    optimizer = make(table)
    everywhere = np.random.default_rng(9).normal(size=(ROWS, WIDTH)).astype(np.float32)
    optimizer.apply(table, {"table": tf.constant(everywhere)}, 1.0)
    before = contents(optimizer, table)
    optimizer.apply(table, as_rows(some_values(2)), 1.0)
    for name, after in contents(optimizer, table).items():
        np.testing.assert_array_equal(after[UNTOUCHED], before[name][UNTOUCHED], err_msg=name)
        assert (after[TOUCHED] != before[name][TOUCHED]).all(), name


def test_momentum_waits_for_the_rows_next_touch():
    table = {"table": tf.Variable(tf.zeros((2, 1)))}
    optimizer = Adagrad(table, 0.1, 0.5)
    for named in ([0], [1], [0]):
        optimizer.apply(table, as_rows(np.array([[2.0]], np.float32), named), 1.0)
    first = -0.1 * 2 / np.sqrt(4 + 1e-6)
    second = 0.5 * first - 0.1 * 2 / np.sqrt(8 + 1e-6)
    np.testing.assert_allclose(table["table"][:, 0], [first + second, first], rtol=1e-6)


def test_adagrad_with_momentum_and_duplicates_is_a_loop_over_rows():
    """Known error 17: momentum missing, or duplicates squared before they are summed."""
    table = some_table()
    weights = table["table"].numpy().astype(float)
    accumulators, updates = np.zeros_like(weights), np.zeros_like(weights)
    optimizer = Adagrad(table, 0.05, 0.3)
    rng = np.random.default_rng(4)
    for step in range(5):
        named = rng.integers(ROWS, size=len(NAMED)).tolist()
        values = some_values(step)
        optimizer.apply(table, as_rows(values, named), 1.0)
        for row in set(named):
            summed = sum(value for name, value in zip(named, values, strict=True) if name == row)
            accumulators[row] += summed**2
            moved = 0.05 * summed / np.sqrt(accumulators[row] + 1e-6)
            updates[row] = 0.3 * updates[row] - moved
            weights[row] += updates[row]
    np.testing.assert_allclose(table["table"].numpy(), weights, rtol=1e-5, atol=1e-6)


def test_adam_on_rows_is_algorithm_1_for_each_row_with_the_step_counted_for_all():
    table = {"table": tf.Variable(tf.zeros((2, 1)))}
    optimizer = Adam(table, 0.002)
    weight, mean, square = np.zeros(2), np.zeros(2), np.zeros(2)
    for step, (row, gradient) in enumerate([(0, 2.0), (1, -1.0), (0, 0.5), (0, -3.0)], start=1):
        optimizer.apply(table, as_rows(np.array([[gradient]], np.float32), [row]), 1.0)
        mean[row] = 0.9 * mean[row] + 0.1 * gradient
        square[row] = 0.999 * square[row] + 0.001 * gradient**2
        corrected = mean[row] / (1 - 0.9**step), square[row] / (1 - 0.999**step)
        weight[row] -= 0.002 * corrected[0] / (np.sqrt(corrected[1]) + 1e-7)
    np.testing.assert_allclose(table["table"][:, 0], weight, rtol=1e-4)


@EVERY_OPTIMIZER
def test_the_rate_of_a_schedule_scales_the_move(make):
    full, half = some_table(), some_table()
    before = full["table"].numpy()
    make(full).apply(full, as_rows(some_values(1)), 1.0)
    make(half).apply(half, as_rows(some_values(1)), 0.5)
    moved = full["table"].numpy() - before
    np.testing.assert_allclose(half["table"].numpy() - before, moved / 2, atol=1e-7)


@pytest.mark.parametrize("norm", [0.5, 100.0])
def test_clipping_scales_all_gradients_by_their_common_norm(norm):
    rows = np.array([[3.0, 0.0], [1.0, 2.0], [1.0, 0.0]], np.float32)
    gradients = {
        "table": Rows.summed(tf.constant([5, 2, 5]), tf.constant(rows)),
        "kernel": tf.constant([[1.0, -2.0]]),
        "bias": tf.constant([4.0]),
    }
    # Row 5 has (3 + 1, 0) and row 2 (1, 2): duplicates are one gradient.
    total = np.sqrt(4**2 + 1**2 + 2**2 + 1**2 + 2**2 + 4**2)
    scale = min(1, norm / total)
    clipped = clip_gradients(gradients, norm)
    assert clipped["table"].indices.numpy().tolist() == [5, 2]
    np.testing.assert_allclose(clipped["table"].values, np.array([[4, 0], [1, 2]]) * scale)
    np.testing.assert_allclose(clipped["kernel"], np.array([[1, -2]]) * scale, rtol=1e-6)
    np.testing.assert_allclose(clipped["bias"], np.array([4]) * scale, rtol=1e-6)


def test_clipping_leaves_gradients_of_zero_at_zero():
    clipped = clip_gradients({"bias": tf.zeros(3)}, 1.0)
    np.testing.assert_array_equal(clipped["bias"], np.zeros(3))


ITEMS, LANES, BPTT = 40, 2, 3
INPUTS = np.array([[7, 9], [8, 9], [10, 0]], np.int32)
NEXT = np.array([[8, 11], [10, 12], [13, 0]], np.int32)
IS_PAIR = np.array([[1, 1], [1, 1], [1, 0]], bool)
STARTS = np.array([[1, 1], [0, 1], [0, 0]], bool)


def make_step(embedding: str, **options) -> TrainingStep:
    config = TrainConfig(
        **{"hsz": (4,), "batch_size": LANES, "bptt": BPTT, "n_sample": 5}
        | {"sample_alpha": 0.0, "embedding": embedding}
        | options
    )
    shape = GruShape(ITEMS, config.units, config.embedding)
    network = FAMILY.make_network(shape, config, initialise_weights(shape, seed=1))
    sampler = NegativeSampler(np.ones(ITEMS, int), config.n_sample, config.sample_alpha)
    return TrainingStep(network, config, sampler, total_chunks=10)


def fill_slots(step: TrainingStep) -> None:
    """Leave an update behind in every row, so that momentum on a row would show."""
    for slot in step.optimizer.slots.values():
        slot.assign(tf.ones_like(slot))


def moved_rows(step: TrainingStep) -> tuple[dict[str, set[int]], set[int]]:
    """Walk one chunk; name the rows of each weight and slot that changed, and the items drawn."""
    drawn = []
    draw = step.objective.sampler.draw

    def watch(*arguments):
        candidates = draw(*arguments)
        drawn.append(candidates.items[LANES * BPTT :])
        return candidates

    step.objective.sampler.draw = watch
    tracked = {**step.variables, **step.optimizer.slots}
    before = {name: variable.numpy() for name, variable in tracked.items()}
    step._train_chunk(INPUTS, NEXT, tf.constant(STARTS), IS_PAIR, step.zero_states())
    changed = {
        name: {row for row in range(len(value)) if (value[row] != variable.numpy()[row]).any()}
        for name, value in before.items()
        if (variable := tracked[name]).shape.rank > 0
    }
    return changed, set(drawn[0].numpy().tolist())


INPUT_ITEMS, NEXT_ITEMS = {7, 8, 9, 10}, {8, 10, 11, 12, 13}
TABLES = {"none": "gru_0/kernel", "separate": "embedding/table", "shared": "output/table"}


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "adam", "momentum": 0.0}, {"clip_norm": 0.1}]
)
@pytest.mark.parametrize("embedding", TABLES)
def test_a_step_moves_the_rows_of_inputs_next_items_and_drawn_items_alone(embedding, options):
    step = make_step(embedding, **options)
    fill_slots(step)
    changed, drawn = moved_rows(step)
    compared = NEXT_ITEMS | drawn
    table = TABLES[embedding]
    expected = {"output/table": compared, "output/bias": compared}
    expected[table] = expected.get(table, set()) | INPUT_ITEMS
    for name, rows in changed.items():
        weight = name if name in step.variables else name.rpartition("/")[0]
        assert rows <= expected.get(weight, rows), f"{name}: padding or unnamed rows"
        if name == weight:
            assert rows == expected.get(weight, rows), name


@pytest.mark.parametrize("embedding", TABLES)
def test_the_recurrent_weights_move_as_well(embedding):
    step = make_step(embedding, layers=2)
    changed, _ = moved_rows(step)
    assert changed["gru_0/recurrent_kernel"] == changed["gru_1/kernel"] == {0, 1, 2, 3}


@pytest.mark.parametrize("embedding", TABLES)
def test_padding_moves_no_item_not_even_by_momentum(embedding):
    # Padding is written as item 0, which nothing else names here.
    step = make_step(embedding)
    fill_slots(step)
    step.objective.sampler = NegativeSampler(np.where(np.arange(ITEMS) == 20, 10**12, 1), 5, 1.0)
    changed, _ = moved_rows(step)
    for name in (TABLES[embedding], "output/table", "output/bias"):
        assert 0 not in changed[name]
        assert 0 not in changed[f"{name}/update"]
