"""Fewer sessions, where many settings are tried."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.evaluation.thinning import thin_out
from sbrcli.sessions import Sessions


def sessions_of(lengths: list[int]) -> Sessions:
    """Make sessions of so many events each; every event is an item of its own."""
    items = np.arange(sum(lengths), dtype=np.int32)
    return Sessions(items, np.cumsum([0, *lengths]), items.astype(np.int64))


def lengths_of(sessions: Sessions) -> list[int]:
    return np.diff(sessions.offsets).tolist()


@pytest.mark.parametrize("enough", [6, 7, 10_000])
def test_all_sessions_are_kept_where_they_hold_no_more_than_enough(enough):
    sessions = sessions_of([2, 3, 1, 4])  # 1 + 2 + 0 + 3 next items
    assert thin_out(sessions, enough) is sessions


def test_sessions_alike_are_thinned_to_exactly_enough():
    thin = thin_out(sessions_of([3] * 1000), 100)
    assert (thin.num_targets, lengths_of(thin)) == (100, [3] * 50)


def test_of_a_thousand_short_sessions_and_a_few_long_ones_enough_are_left():
    # Every n-th session, with n = 30,900 // 10,000, would have been as few as 300 next items.
    lengths = [2] * 900 + [10_001] * 3
    for at in range(3):
        order = [*np.roll(lengths, at)]
        thin = thin_out(sessions_of(order), 10_000)
        assert 10_000 <= thin.num_targets <= 10_000 + 900


def test_sessions_are_whole_in_their_order_and_the_same_each_time():
    lengths = [1 + at % 7 for at in range(200)]
    sessions = sessions_of(lengths)
    whole = {int(begin): n for begin, n in zip(sessions.offsets, lengths, strict=False)}
    thin, again = thin_out(sessions, 100), thin_out(sessions, 100)
    cuts = np.split(thin.item_indices, thin.offsets[1:-1])
    for cut in cuts:
        assert cut.tolist() == list(range(cut[0], cut[0] + whole[int(cut[0])]))
    assert (np.diff([cut[0] for cut in cuts]) > 0).all()
    np.testing.assert_array_equal(thin.item_indices, again.item_indices)
    np.testing.assert_array_equal(thin.offsets, again.offsets)


def test_kept_sessions_come_from_all_parts_of_the_split():
    thin = thin_out(sessions_of([2] * 10_000), 1_000)
    by_tenth = np.histogram(thin.item_indices[::2] // 2, bins=10, range=(0, 10_000))[0]
    assert by_tenth.sum() == 1_000
    assert by_tenth.min() >= 60  # 100 each, with a deviation of 9.5


def test_next_items_that_are_not_asked_for_do_not_count():
    sessions = sessions_of([3] * 100)
    asked = np.zeros(300, np.bool_)
    asked[2::3] = True  # the last event of each session
    asked[:150] = False  # and of the first half none
    sessions = Sessions(sessions.item_indices, sessions.offsets, sessions.timestamps, asked)
    thin = thin_out(sessions, 20)
    assert (thin.num_targets, thin.num_sessions) == (20, 20)
    assert thin.item_indices.min() >= 150


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 400))
def test_enough_is_left_and_no_session_could_be_spared(lengths, enough):
    sessions = sessions_of(lengths)
    thin = thin_out(sessions, enough)
    if sessions.num_targets <= enough:
        assert thin is sessions
        return
    counts = [length - 1 for length in lengths_of(thin)]
    assert min(counts) >= 1
    assert enough <= sum(counts) < enough + max(counts)
