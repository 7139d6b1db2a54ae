"""The negatives: how often an item is drawn, and which columns count."""

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training.negatives import NegativeSampler

TRAIN_COUNT = np.array([1, 4, 9, 16, 100, 400])


def draw(sampler: NegativeSampler, targets: list[int], row_counts: list[float], seed: int = 1):
    return sampler.draw(tf.constant(targets), tf.constant(row_counts), tf.constant([seed, 7]))


def drawn_items(sampler: NegativeSampler, seed: int = 1) -> np.ndarray:
    """Give what is drawn beside one target."""
    return draw(sampler, [0], [1.0], seed).items.numpy()[1:]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.75, 1.0])
def test_items_are_drawn_in_proportion_to_their_count_to_the_power_alpha(alpha):
    draws = 200_000
    found = np.bincount(drawn_items(NegativeSampler(TRAIN_COUNT, draws, alpha)), minlength=6)
    expected = draws * TRAIN_COUNT**alpha / (TRAIN_COUNT**alpha).sum()
    # Chi-square with 5 degrees of freedom is above 25.7 once in ten thousand trials.
    assert ((found - expected) ** 2 / expected).sum() < 25.7


def test_alpha_0_draws_all_items_alike_and_alpha_1_by_popularity():
    alike = (
        np.bincount(drawn_items(NegativeSampler(TRAIN_COUNT, 60_000, 0.0)), minlength=6) / 60_000
    )
    popular = (
        np.bincount(drawn_items(NegativeSampler(TRAIN_COUNT, 60_000, 1.0)), minlength=6) / 60_000
    )
    np.testing.assert_allclose(alike, np.full(6, 1 / 6), atol=0.01)
    np.testing.assert_allclose(popular, TRAIN_COUNT / 530, atol=0.01)


def test_every_item_can_be_drawn_the_first_and_the_last_too():
    assert set(drawn_items(NegativeSampler(np.ones(50, int), 2000, 0.5))) == set(range(50))


def test_of_a_million_items_the_rare_last_ones_are_drawn_as_often_as_they_should():
    # One item has nearly all events, so that the others lie within 1e-4 of the end.
    counts = np.ones(1_000_000, int)
    counts[0] = 10**9
    items = drawn_items(NegativeSampler(counts, 5_000_000, 1.0))
    # 5e6 * 1e6 / (1e9 + 1e6) = 4995 are expected, give or take sqrt(4995) = 71.
    rare = items[items > 0]
    assert abs(len(rare) - 4995) < 5 * 71
    # Hardly one is drawn twice, as happens where they are coarsely rounded: 4995^2 / 2e6 = 12.
    assert len(rare) - len(np.unique(rare)) < 40
    assert rare.max() < 1_000_000
    assert abs((rare >= 500_000).mean() - 1 / 2) < 0.05


def test_the_same_seed_draws_the_same_items_and_another_does_not():
    sampler = NegativeSampler(TRAIN_COUNT, 100, 0.5)
    np.testing.assert_array_equal(drawn_items(sampler, 3), drawn_items(sampler, 3))
    assert (drawn_items(sampler, 3) != drawn_items(sampler, 4)).any()


def test_the_columns_are_the_targets_and_then_the_drawn():
    items = draw(NegativeSampler(TRAIN_COUNT, 10, 0.5), [5, 2, 5], [1.0, 1.0, 1.0]).items.numpy()
    assert len(items) == 3 + 10
    assert items[:3].tolist() == [5, 2, 5]


def test_neither_the_own_item_nor_a_padding_row_is_a_negative():
    targets, row_counts = [5, 2, 5, 0], [1.0, 1.0, 1.0, 0.0]
    candidates = draw(NegativeSampler(TRAIN_COUNT, 40, 0.0), targets, row_counts)
    items = candidates.items.numpy()
    assert {0, 2, 5} <= set(items[4:])  # Accidental hits do occur here.
    for row, target in enumerate(targets):
        for column, item in enumerate(items):
            is_padding = column < 4 and row_counts[column] == 0
            expected = item != target and not is_padding
            assert bool(candidates.counts[row, column]) == expected


def test_an_items_expected_number_counts_the_rows_and_the_draws():
    # Three rows of four count, and two of them are elsewhere. Item 3 has 16 of 530 events.
    candidates = draw(NegativeSampler(TRAIN_COUNT, 20, 0.5), [3, 2, 5, 0], [1.0, 1.0, 1.0, 0.0])
    roots = 1 + 2 + 3 + 4 + 10 + 20
    assert float(candidates.log_expected[0]) == pytest.approx(
        np.log(2 * 16 / 530 + 20 * 4 / roots), rel=1e-6
    )
    expected = [
        np.log(2 * TRAIN_COUNT[item] / 530 + 20 * TRAIN_COUNT[item] ** 0.5 / roots)
        for item in candidates.items.numpy()
    ]
    np.testing.assert_allclose(candidates.log_expected, expected, rtol=1e-5)


def test_a_target_of_the_rows_own_lane_is_no_negative():
    # Two lanes: rows 0 and 2 are one's, rows 1 and 3 the other's.
    sampler = NegativeSampler(TRAIN_COUNT, 40, 0.0, num_lanes=2)
    candidates = draw(sampler, [5, 2, 3, 4], [1.0] * 4)
    counts, items = candidates.counts.numpy(), candidates.items.numpy()
    assert counts[:, :4].tolist() == [
        [False, True, False, True],
        [True, False, True, False],
        [False, True, False, True],
        [True, False, True, False],
    ]
    for row, target in enumerate([5, 2, 3, 4]):  # what is sampled counts, also an item of the lane
        assert (counts[row, 4:] == (items[4:] != target)).all()


def test_only_targets_of_other_lanes_are_expected_and_as_often_as_an_item_is_a_target():
    target_count = np.array([0, 1, 0, 1, 1, 1])
    sampler = NegativeSampler(np.ones(6, int), 12, 0.5, target_count=target_count, num_lanes=2)
    whole = draw(sampler, [1, 3, 4, 5], [1.0] * 4)
    drawn = 12 / 6
    expected = [np.log(2 * target_count[item] / 4 + drawn) for item in whole.items.numpy()]
    np.testing.assert_allclose(whole.log_expected, expected, rtol=1e-6)
    # The second lane has ended: of three rows two see one target elsewhere, and one sees two.
    ended = draw(sampler, [1, 3, 4, 5], [1.0, 1.0, 1.0, 0.0])
    assert float(ended.log_expected[0]) == pytest.approx(np.log(4 / 3 / 4 + drawn))


def test_a_row_finds_an_item_as_often_as_expected():
    # Three lanes of two steps. The second target of a lane is the first one again or item 0, so
    # that it depends on the row beside it; rows of other lanes know nothing of that.
    rng, n_sample, trials = np.random.default_rng(1), 6, 400
    target_count = np.array([530 + 1, 4, 9, 16, 100, 400])
    sampler = NegativeSampler(TRAIN_COUNT, n_sample, 0.5, target_count=target_count, num_lanes=3)
    found = np.zeros(6)
    for trial in range(trials):
        firsts = rng.choice(6, 3, p=TRAIN_COUNT / 530)
        targets = [*firsts.tolist(), 0, 0, 0]
        drawn = draw(sampler, targets, [1.0] * 6, trial)
        for row in range(3):
            counts = drawn.counts.numpy()[row] | (drawn.items.numpy() == targets[row])
            counts[[row, row + 3]] = False
            found += np.bincount(drawn.items.numpy()[counts], minlength=6)
    share = target_count / target_count.sum()
    expected = 3 * trials * (4 * share + n_sample * TRAIN_COUNT**0.5 / (TRAIN_COUNT**0.5).sum())
    # Three rows share the draws of a chunk, so that the variance is at most 9 / 3 of a Poisson's.
    assert (np.abs(found - expected) < 5 * np.sqrt(3 * expected)).all()


def test_padding_alone_has_a_finite_expectation():
    candidates = draw(NegativeSampler(TRAIN_COUNT, 20, 0.5), [0, 0], [0.0, 0.0])
    assert np.isfinite(candidates.log_expected).all()
    assert not candidates.counts[:, :2].numpy().any()
