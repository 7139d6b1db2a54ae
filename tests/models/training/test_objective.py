"""A chunk's loss over all items or drawn ones, and which rows of the output layer it moves."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.repeats.ages import AGES, NOT_SEEN
from sbrcli.models.repeats.chunk import ChunkRepeats
from sbrcli.models.training import loss_blocks
from sbrcli.models.training.negatives import Candidates, NegativeSampler
from sbrcli.models.training.objective import Objective
from tests.builders import TrainConfig
from tests.models.training import literal_ranking as literal
from tests.models.training.literal_ranking import finite_difference

ITEMS, UNITS = 7, 3
TARGETS = [2, 5, 2, 0]
ROW_COUNTS = [1.0, 1.0, 1.0, 0.0]
DRAWN = [5, 1, 1, 2]  # Of row 1, of nobody, the same again, of rows 0 and 2.
COLUMNS = TARGETS + DRAWN
LOG_EXPECTED = np.log([0.5, 2.0, 0.5, 0.1, 2.0, 3.0, 3.0, 0.5])
# The ages of the items that the session of each row has had: row 0's target, others' targets, a
# drawn item twice among the columns, and an item that is no column.
SEEN = [{2: 3, 1: 0, 6: 5}, {1: 1, 2: 5, 0: 5}, {5: 2, 3: 0, 2: 4}, {}]
NOTHING_SEEN = [{}] * 4
WEIGHTS = ("hidden", "table", "bias")

ROW_LOSSES = {
    "cross-entropy": literal.cross_entropy,
    "bpr-max": lambda own, negatives: literal.bpr_max(own, negatives, bpreg=0.9),
    "top1-max": literal.top1_max,
    "bpr": literal.bpr,
    "top1": literal.top1,
}
RANKING = [name for name in ROW_LOSSES if name != "cross-entropy"]


def some_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    shapes = {"hidden": (4, UNITS), "table": (ITEMS, UNITS), "bias": (ITEMS,), "repeats": (AGES,)}
    return {name: rng.normal(0, 1, shape) for name, shape in shapes.items()}


def fixed_sampler() -> SimpleNamespace:
    """Draws DRAWN whatever the seed."""
    columns = np.array(COLUMNS)
    is_other = columns[None, :] != np.array(TARGETS)[:, None]
    is_row = np.array([True, True, True, False] + 4 * [True])
    drawn = Candidates(
        tf.constant(columns), tf.constant(is_other & is_row), tf.constant(LOG_EXPECTED, tf.float32)
    )
    return SimpleNamespace(draw=lambda *_: drawn)


def measure(config: TrainConfig, sampler, weights: dict[str, np.ndarray], seen=None):
    parts: list[Any] = [tf.constant(weights[name], tf.float32) for name in WEIGHTS]
    parts += [tf.constant(TARGETS), tf.constant(ROW_COUNTS), tf.constant([1, 1])]
    repeats = None if seen is None else repeats_of(weights["repeats"], seen)
    return Objective(config, sampler).measure(*parts, repeats=repeats)


def repeats_of(terms: np.ndarray, seen: list[dict[int, int]]) -> ChunkRepeats:
    entries = [(row, item, age) for row, ages in enumerate(seen) for item, age in ages.items()]
    table = np.array(entries, np.int32).reshape(-1, 3)
    targets = [ages.get(target, NOT_SEEN) for ages, target in zip(seen, TARGETS, strict=True)]
    # The lane of row 0 and row 2 has item 2 in its base, the other one none.
    codes = [age + AGES * (row % 2 == 0 and item == 2) for row, item, age in entries]
    return ChunkRepeats(
        tf.constant(terms, tf.float32),
        tf.constant(targets),
        tf.constant(table[:, :2]),
        tf.constant(np.array(codes, np.int32)),
        tf.constant(np.array([[0, 2]] if entries else [], np.int32).reshape(-1, 2)),
        num_lanes=2,
    )


def literal_mean(
    config: TrainConfig,
    weights: dict[str, np.ndarray],
    columns: list[int] | None,
    seen: list[dict[int, int]] = NOTHING_SEEN,
):
    """Give the loss's mean over all rows, padding as 0: over all items where columns is None."""
    total = 0.0
    for row, target in enumerate(TARGETS):
        if not ROW_COUNTS[row]:
            continue

        def score(item: int, row: int = row) -> float:
            plain = sum(weights["hidden"][row] * weights["table"][item]) + weights["bias"][item]
            plain += weights["repeats"][seen[row][item]] if item in seen[row] else 0
            return literal.elu(plain, config.elu)

        negatives, weights_of = [], []
        for place in range(ITEMS if columns is None else len(columns)):
            item = place if columns is None else columns[place]
            is_padding = columns is not None and place < 4 and not ROW_COUNTS[place]
            if item != target and not is_padding:
                corrected = columns is not None and config.loss == "cross-entropy"
                correction = corrected * config.logq * LOG_EXPECTED[place]
                negatives.append(score(item) - correction)
                weights_of.append(np.exp(-correction))
        row_loss = ROW_LOSSES[config.loss]
        if config.label_smoothing:
            row_loss = partial(row_loss, smoothing=config.label_smoothing, weights=weights_of)
        total += row_loss(score(target), negatives)
    return total / len(TARGETS)


def check(config: TrainConfig, sampler, columns: list[int] | None, seen=None) -> None:
    weights, ages = some_weights(), NOTHING_SEEN if seen is None else seen
    outcome = measure(config, sampler, weights, seen)
    assert float(outcome.loss) / 4 == pytest.approx(
        literal_mean(config, weights, columns, ages), rel=1e-5
    )
    found = {"hidden": outcome.hidden, "table": outcome.table, "bias": outcome.bias}
    found |= {} if seen is None else {"repeats": outcome.repeats}
    for name, gradient in found.items():
        expected = finite_difference(
            lambda at, name=name: literal_mean(config, weights | {name: at}, columns, ages),
            weights[name],
        )
        if name in ("table", "bias") and outcome.items is not None:
            placed = tf.math.unsorted_segment_sum(gradient, outcome.items, ITEMS)
        else:
            placed = gradient
        np.testing.assert_allclose(placed, expected, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("elu", [0.0, 1.0])
@pytest.mark.parametrize("loss", RANKING)
def test_a_ranking_loss_over_all_items_is_the_formula(loss, elu):
    check(TrainConfig(loss=loss, bpreg=0.9, elu=elu, n_sample=0), None, None)


def test_a_cross_entropy_over_all_items_is_the_formula():
    check(TrainConfig(n_sample=0), None, None)


@pytest.mark.parametrize("elu", [0.0, 1.0])
@pytest.mark.parametrize("loss", RANKING)
def test_a_ranking_loss_over_drawn_items_is_the_formula_over_raw_scores(loss, elu):
    check(TrainConfig(loss=loss, bpreg=0.9, elu=elu, n_sample=4), fixed_sampler(), COLUMNS)


@pytest.mark.parametrize("logq", [0.0, 0.5, 1.0])
def test_a_cross_entropy_over_drawn_items_takes_one_softmax_of_their_raw_scores(logq):
    # Neither is the softmax taken twice, nor over all items and the drawn picked from it.
    check(TrainConfig(logq=logq, n_sample=4), fixed_sampler(), COLUMNS)


@pytest.mark.parametrize("logq", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("smoothing", [0.1, 0.5, 0.9])
def test_smoothed_labels_are_spread_over_drawn_items_as_over_what_they_stand_for(smoothing, logq):
    check(TrainConfig(logq=logq, n_sample=4, label_smoothing=smoothing), fixed_sampler(), COLUMNS)


@pytest.mark.parametrize("rows_per_block", [256, 3])
@pytest.mark.parametrize("n_sample", [0, 4])
@pytest.mark.parametrize(
    "options",
    [{}, {"label_smoothing": 0.2}, *({"loss": loss, "elu": 0.5} for loss in RANKING)],
    ids=str,
)
def test_the_terms_of_repeats_are_a_part_of_the_scores(
    options, n_sample, rows_per_block, monkeypatch
):
    monkeypatch.setattr(loss_blocks, "ROWS_PER_BLOCK", rows_per_block)
    config = TrainConfig(**{"n_sample": n_sample, "bpreg": 0.9} | options)
    if n_sample:
        check(config, fixed_sampler(), COLUMNS, SEEN)
    else:
        check(config, None, None, SEEN)


@pytest.mark.parametrize("n_sample", [0, 4])
@pytest.mark.parametrize("loss", ROW_LOSSES)
def test_with_nothing_seen_the_loss_is_that_without_repeats(loss, n_sample):
    config, sampler = TrainConfig(loss=loss, n_sample=n_sample), fixed_sampler()
    sampler = sampler if n_sample else None
    plain = measure(config, sampler, some_weights())
    found = measure(config, sampler, some_weights(), NOTHING_SEEN)
    assert plain.repeats is None
    assert not found.repeats.numpy().any()
    for part, other in zip(plain[:-1], found[:-1], strict=True):
        if part is not None:
            np.testing.assert_allclose(part, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", ROW_LOSSES)
def test_drawn_losses_see_and_move_the_rows_named_and_no_other(loss):
    weights = some_weights()
    config = TrainConfig(loss=loss, n_sample=4)
    outcome = measure(config, fixed_sampler(), weights)
    assert outcome.items.numpy().tolist() == COLUMNS
    assert outcome.table.shape == (len(COLUMNS), UNITS)
    unnamed = sorted(set(range(ITEMS)) - set(COLUMNS))
    assert unnamed == [3, 4, 6]
    weights["table"][unnamed] = np.nan
    weights["bias"][unnamed] = np.nan
    again = measure(config, fixed_sampler(), weights)
    for part, other in zip(outcome[:-1], again[:-1], strict=True):
        np.testing.assert_array_equal(part, other)


@pytest.mark.parametrize("loss", ROW_LOSSES)
def test_only_without_drawing_is_a_row_scored_against_all_items(loss):
    """Known error 9: all items scored, and then some of them chosen."""
    rows, num_items = len(TARGETS), 53  # 53 is no number of rows, columns or units

    def sizes(n_sample: int) -> set[int | None]:
        config = TrainConfig(loss=loss, n_sample=n_sample)
        sampler = NegativeSampler(np.ones(num_items, np.int64), n_sample, 0.5) if n_sample else None
        objective = Objective(config, sampler)
        graph = tf.function(
            lambda hidden, table, bias, targets: objective.measure(
                hidden, table, bias, targets, tf.constant(ROW_COUNTS), tf.constant([1, 1])
            )
        ).get_concrete_function(
            tf.TensorSpec((rows, UNITS)),
            tf.TensorSpec((num_items, UNITS)),
            tf.TensorSpec((num_items,)),
            tf.TensorSpec((rows,), tf.int32),
        )
        shapes = [
            out.shape for operation in graph.graph.get_operations() for out in operation.outputs
        ]
        return {shape[1] for shape in shapes if shape.rank == 2 and shape[0] == rows}

    assert num_items not in sizes(4)
    assert num_items in sizes(0)


@pytest.mark.parametrize("n_sample", [0, 4])
@pytest.mark.parametrize("loss", ROW_LOSSES)
def test_a_padding_row_adds_nothing(loss, n_sample):
    sampler = fixed_sampler() if n_sample else None
    config = TrainConfig(loss=loss, n_sample=n_sample)
    weights = some_weights()
    plain = measure(config, sampler, weights)
    assert not plain.hidden[3].numpy().any()
    weights["hidden"][3] += 5
    for part, other in zip(plain, measure(config, sampler, weights), strict=True):
        if part is not None:
            np.testing.assert_array_equal(part, other)


TRAIN_COUNT = np.array([5, 10, 20, 40, 25, 60, 40])


def gradients_of_hidden(config: TrainConfig, weights: dict[str, np.ndarray], trials: int):
    """Give (trials, units), the gradient of row 0 with other rows drawn by popularity."""
    rows = 8
    rng = np.random.default_rng(2)
    sampler = NegativeSampler(TRAIN_COUNT, 200, config.sample_alpha)
    measure = tf.function(Objective(config, sampler).measure, autograph=False)
    parts = [tf.constant(weights[name], tf.float32) for name in ("table", "bias")]
    hidden = tf.constant(np.tile(weights["hidden"][:1], (rows, 1)), tf.float32)
    gradients = []
    for trial in range(trials):
        targets = rng.choice(ITEMS, rows, p=TRAIN_COUNT / TRAIN_COUNT.sum())
        targets[0] = TARGETS[0]
        rest = (tf.constant(targets, tf.int32), tf.ones(rows), tf.constant([trial, 1]))
        gradients.append(measure(hidden, *parts, *rest).hidden[0] * rows)
    return np.array(gradients)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_logq_1_gives_the_gradient_of_the_softmax_over_all_items(alpha):
    weights = some_weights()
    found = gradients_of_hidden(TrainConfig(sample_alpha=alpha, n_sample=200), weights, 150)
    scores = weights["table"] @ weights["hidden"][0] + weights["bias"]
    full = np.array(literal.softmax(scores)) @ weights["table"] - weights["table"][TARGETS[0]]
    error = found.std(axis=0) / np.sqrt(len(found))
    # Five standard errors, and 1 / n_sample for the bias of a ratio of two sums.
    assert (np.abs(found.mean(axis=0) - full) < 5 * error + 1 / 200).all()
    assert (5 * error < 0.05).all()  # The comparison can tell.


def test_logq_0_does_not_where_items_are_drawn_unevenly():
    weights = some_weights()
    found = gradients_of_hidden(TrainConfig(logq=0.0, n_sample=200), weights, 50)
    scores = weights["table"] @ weights["hidden"][0] + weights["bias"]
    full = np.array(literal.softmax(scores)) @ weights["table"] - weights["table"][TARGETS[0]]
    assert np.abs(found.mean(axis=0) - full).max() > 0.1
