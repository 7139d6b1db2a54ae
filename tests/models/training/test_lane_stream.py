"""Lanes in windows: equal, array by array, to the lanes of all sessions at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.models.training import lane_stream
from sbrcli.models.training.lane_stream import LaneStream, Window, count_steps
from sbrcli.models.training.lanes import Lanes, arrange_lanes, order_by_start
from sbrcli.sessions import Sessions
from tests.builders import make_sessions


@st.composite
def distinct_sessions(draw: st.DrawFn) -> Sessions:
    """Draw sessions whose every event has its own item, so that inputs identify events."""
    lengths = draw(st.lists(st.integers(1, 30), min_size=1, max_size=40))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    events = int(offsets[-1])
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    times = rng.integers(0, 9, events)
    targets = rng.random(events) < 0.7 if draw(st.booleans()) else None
    if targets is not None:
        targets[offsets[:-1]] = False
    return Sessions(rng.permutation(events).astype(np.int32), offsets, times, targets)


def windows_of(stream: LaneStream) -> list[Window]:
    found, step = [], 0
    while step < stream.num_steps:
        found.append(stream.window_at(step))
        step = found[-1].end
    return found


def joined(windows: list[Window], name: str) -> np.ndarray:
    return np.concatenate([getattr(window.lanes, name) for window in windows])


@given(
    distinct_sessions(),
    st.integers(1, 7),
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(1, 50),
    st.sampled_from(["dataset", "start", "random"]),
)
def test_windows_equal_the_lanes_of_all_sessions_at_once(
    sessions, num_lanes, bptt, chunks, block, how
):
    orders = {
        "dataset": None,
        "start": order_by_start(sessions),
        "random": np.random.default_rng(1).permutation(sessions.num_sessions),
    }
    order = orders[how]
    whole = arrange_lanes(sessions, num_lanes, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane_stream, "_BLOCK", block)
        stream = LaneStream(sessions, num_lanes, order, bptt, chunks * bptt)
        windows = windows_of(stream)
        assert count_steps(sessions, num_lanes, order) == len(whole.inputs)
        pairs = [stream.count_pairs(step) for step in (0, stream.num_steps // 2, stream.num_steps)]
    padded = whole.padded(bptt)
    assert stream.num_steps == len(padded.inputs)
    if not windows:
        return
    for name in ("inputs", "targets", "starts", "is_pair"):
        expected, found = getattr(padded, name), joined(windows, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert_events_are_those_of(windows, padded, sessions)
    firsts = (0, stream.num_steps // 2, stream.num_steps)
    assert pairs == [padded.part(slice(0, first)).num_pairs for first in firsts]


def assert_events_are_those_of(windows: list[Window], padded: Lanes, sessions: Sessions) -> None:
    for window in windows:
        part = padded.part(slice(window.first_step, window.end))
        is_walked = part.is_pair | (part.inputs < 0)
        own = window.sessions.item_indices[window.lanes.events]
        np.testing.assert_array_equal(own[is_walked], sessions.item_indices[part.events][is_walked])
        assert not window.lanes.events[~is_walked].any()


@given(distinct_sessions(), st.integers(1, 4), st.integers(1, 9))
def test_a_window_holds_no_more_than_the_sessions_that_run_through_it(
    sessions, num_lanes, window_steps
):
    stream = LaneStream(sessions, num_lanes, None, 1, window_steps)
    longest = int(np.diff(sessions.offsets).max())
    for window in windows_of(stream):
        assert window.lanes.inputs.shape[0] <= window_steps
        # At most the window's pairs, an event more for each session, and what lies outside of it.
        most = num_lanes * (2 * window_steps + 2 * longest)
        assert len(window.sessions.item_indices) <= most


def test_going_back_begins_the_epoch_again():
    sessions = make_sessions([0, 1, 2], [3, 4, 5, 6, 7], [8, 9])
    stream = LaneStream(sessions, 1, None, 1, 2)
    first = stream.window_at(0)
    assert stream.window_at(5).first_step == 4
    again = stream.window_at(1)
    assert again is not first
    np.testing.assert_array_equal(again.lanes.inputs, first.lanes.inputs)


def test_what_fits_in_a_window_is_arranged_once():
    stream = LaneStream(make_sessions([0, 1, 2], [3, 4, 5]), 2, None, 1, 100)
    assert stream.window_at(0) is stream.window_at(1) is stream.window_at(0)


@given(distinct_sessions(), st.integers(1, 50))
def test_counts_of_items_are_those_of_all_events_at_once(sessions, block):
    items = sessions.item_indices % 5
    some = Sessions(items, sessions.offsets, sessions.timestamps, sessions.targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        assert some.count_items(9).tolist() == np.bincount(items, minlength=9).tolist()
        targets = np.bincount(items[some.target_mask], minlength=9)
        assert some.count_items(9, only_targets=True).tolist() == targets.tolist()
