"""Random subsamples of whole sessions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.sessions import Sessions, draw_sessions
from tests.random_sessions import BLOCKS


def sessions_of(lengths: list[int]) -> Sessions:
    """Make sessions of these lengths, in which no item occurs twice."""
    items = np.arange(sum(lengths), dtype=np.int32)
    return Sessions(items, np.cumsum([0, *lengths]), items.astype(np.int64))


def lengths_of(sessions: Sessions) -> list[int]:
    return np.diff(sessions.offsets).tolist()


@pytest.mark.parametrize("needed", [6, 7, 10_000])
def test_all_sessions_are_kept_if_they_hold_no_more_targets_than_needed(needed):
    sessions = sessions_of([2, 3, 1, 4])  # 1 + 2 + 0 + 3 next items
    assert sessions.subsample(needed) is sessions


def test_sessions_of_one_length_are_subsampled_to_exactly_the_number_needed():
    sample = sessions_of([3] * 1000).subsample(100)
    assert (sample.num_targets, lengths_of(sample)) == (100, [3] * 50)


def test_a_few_long_sessions_neither_exhaust_nor_overshoot_the_subsample():
    # Every n-th session, with n = 30,900 // 10,000, would have been as few as 300 targets.
    lengths = [2] * 900 + [10_001] * 3
    for at in range(3):
        order = [*np.roll(lengths, at)]
        sample = sessions_of(order).subsample(10_000)
        assert 10_000 <= sample.num_targets <= 10_000 + 900


def test_sessions_stay_whole_and_in_order_and_are_the_same_on_every_call():
    lengths = [1 + at % 7 for at in range(200)]
    sessions = sessions_of(lengths)
    whole = {int(begin): n for begin, n in zip(sessions.offsets, lengths, strict=False)}
    sample, again = sessions.subsample(100), sessions.subsample(100)
    cuts = np.split(sample.item_indices, sample.offsets[1:-1])
    for cut in cuts:
        assert cut.tolist() == list(range(cut[0], cut[0] + whole[int(cut[0])]))
    assert (np.diff([cut[0] for cut in cuts]) > 0).all()
    np.testing.assert_array_equal(sample.item_indices, again.item_indices)
    np.testing.assert_array_equal(sample.offsets, again.offsets)


def test_the_subsample_covers_all_parts_of_the_split():
    sample = sessions_of([2] * 10_000).subsample(1_000)
    by_tenth = np.histogram(sample.item_indices[::2] // 2, bins=10, range=(0, 10_000))[0]
    assert by_tenth.sum() == 1_000
    assert by_tenth.min() >= 60  # 100 each, with a deviation of 9.5


def test_events_that_are_no_targets_do_not_count():
    sessions = sessions_of([3] * 100)
    is_target = np.zeros(300, np.bool_)
    is_target[2::3] = True  # the last event of each session
    is_target[:150] = False  # and of the first half none
    sessions = Sessions(sessions.item_indices, sessions.offsets, sessions.timestamps, is_target)
    sample = sessions.subsample(20)
    assert (sample.num_targets, sample.num_sessions) == (20, 20)
    assert sample.item_indices.min() >= 150


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 400))
def test_a_subsample_suffices_and_no_session_of_it_is_superfluous(lengths, needed):
    sessions = sessions_of(lengths)
    sample = sessions.subsample(needed)
    if sessions.num_targets <= needed:
        assert sample is sessions
        return
    counts = [length - 1 for length in lengths_of(sample)]
    assert min(counts) >= 1
    assert needed <= sum(counts) < needed + max(counts)


def draw_at_once(counts: np.ndarray, num_targets: int, seed: int) -> np.ndarray:
    """Draw sessions with all sums in memory."""
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(counts))
    before = np.cumsum(counts[drawn]) - counts[drawn]
    enough = before + counts[drawn] >= num_targets
    last = int(np.flatnonzero(enough)[0])
    left = drawn[last:]
    suffices = left[before[last] + counts[left] >= num_targets]
    return np.sort([*drawn[:last], suffices[np.argmin(counts[suffices])]])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 99), BLOCKS)
def test_the_same_sessions_are_drawn_in_blocks(counts, num_targets, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        found = draw_sessions(np.array(counts), num_targets, 4)
    assert (found is None) == (sum(counts) <= num_targets)
    if found is not None:
        expected = draw_at_once(np.array(counts), num_targets, 4)
        assert np.flatnonzero(found).tolist() == expected.tolist()
