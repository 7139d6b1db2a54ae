"""Lanes: every pair once, every session's start once, on made-up sessions and on MovieLens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.build import build_dataset, to_sessions
from sbrcli.log.reading import read_log
from sbrcli.models.training.lanes import Lanes, arrange_lanes, most_steps, order_by_start
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.conftest import SHARED_DATA

EVENTS = st.lists(st.integers(0, 9), min_size=1, max_size=7)
SESSIONS = st.lists(EVENTS, min_size=1, max_size=12)


def make_distinct(lengths: list[int]) -> Sessions:
    """Make sessions in which no item occurs twice, so that each pair can be told from the rest."""
    ends = np.cumsum(lengths)
    return make_sessions(*(list(range(e - n, e)) for n, e in zip(lengths, ends, strict=True)))


def walk(lanes: Lanes) -> list[list[int]]:
    """Read the sessions back out of lanes, in the order in which they start, leftmost first."""
    found: list[tuple[int, int, list[int]]] = []
    for lane in range(lanes.inputs.shape[1]):
        for step in np.flatnonzero(lanes.is_pair[:, lane]):
            if lanes.starts[step, lane]:
                found.append((int(step), lane, [int(lanes.inputs[step, lane])]))
            assert found[-1][2][-1] == lanes.inputs[step, lane]
            found[-1][2].append(int(lanes.targets[step, lane]))
    return [session for _, _, session in sorted(found, key=lambda one: one[:2])]


def test_the_docstrings_example_is_what_comes_out():
    a, b, c, d, e, f, g, h, i = range(9)
    lanes = arrange_lanes(make_sessions([a, b, c], [d, e], [f, g, h, i]), 2)
    assert lanes.inputs.tolist() == [[a, d], [b, f], [0, g], [0, h]]
    assert lanes.targets.tolist() == [[b, e], [c, g], [0, h], [0, i]]
    assert lanes.starts.tolist() == [[1, 1], [0, 1], [0, 0], [0, 0]]
    assert lanes.is_pair.tolist() == [[1, 1], [1, 1], [0, 1], [0, 1]]
    assert lanes.num_pairs == 2 + 1 + 3


@given(SESSIONS, st.integers(1, 5))
def test_every_pair_comes_exactly_once_an_epoch(sessions, num_lanes):
    """Known errors 2, 5 and 6: a late start, a lost tail, fewer sessions than lanes."""
    lanes = arrange_lanes(make_sessions(*sessions), num_lanes)
    assert sorted(walk(lanes)) == sorted(session for session in sessions if len(session) > 1)
    assert lanes.num_pairs == make_sessions(*sessions).num_targets


@given(SESSIONS, st.integers(1, 5))
def test_each_session_starts_exactly_once_and_padding_never_does(sessions, num_lanes):
    lanes = arrange_lanes(make_sessions(*sessions), num_lanes)
    assert lanes.starts.sum() == sum(len(session) > 1 for session in sessions)
    assert not (lanes.starts & ~lanes.is_pair).any()


@given(SESSIONS, st.integers(1, 5), st.integers(1, 6))
def test_padding_comes_last_in_its_lane(sessions, num_lanes, multiple):
    """Known error 26: no state that counts ever passes through padding."""
    lanes = arrange_lanes(make_sessions(*sessions), num_lanes)
    padded = lanes.padded(multiple)
    assert len(padded.inputs) % multiple == 0
    assert len(padded.inputs) - len(lanes.inputs) < multiple
    assert (np.diff(padded.is_pair.astype(int), axis=0) <= 0).all()
    assert padded.num_pairs == lanes.num_pairs
    assert walk(padded) == walk(lanes)


@given(st.lists(st.integers(2, 7), min_size=1, max_size=12), st.integers(1, 5))
def test_a_session_goes_to_the_lane_that_is_free_first(lengths, num_lanes):
    lanes = arrange_lanes(make_distinct(lengths), num_lanes)
    free = [0] * num_lanes
    first = 0
    for length in lengths:
        lane = free.index(min(free))
        assert lanes.inputs[free[lane], lane] == first
        free[lane] += length - 1
        first += length
    assert len(lanes.inputs) == max(free)


def test_fewer_sessions_than_lanes_leave_lanes_empty():
    """Known error 6."""
    lanes = arrange_lanes(make_sessions([3, 4, 5]), 4)
    assert lanes.inputs.shape == (2, 4)
    assert lanes.is_pair.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_the_longest_session_is_walked_to_its_end():
    """Known error 5: loaders that stop when no new session is left lose the longest ones."""
    lanes = arrange_lanes(make_sessions([0, 1], list(range(9)), [1, 0]), 2)
    assert lanes.inputs[:, 1].tolist() == list(range(8))
    assert lanes.targets[:, 1].tolist() == list(range(1, 9))


def test_sessions_of_one_event_are_skipped():
    lanes = arrange_lanes(make_sessions([7], [0, 1], [8], [2, 3], [9]), 1)
    assert walk(lanes) == [[0, 1], [2, 3]]


def test_no_pairs_at_all_give_no_steps():
    lanes = arrange_lanes(make_sessions([7], [8]), 3)
    assert lanes.inputs.shape == lanes.padded(4).inputs.shape == (0, 3)


def test_sessions_are_taken_in_the_order_requested():
    sessions = make_sessions([0, 1], [2, 3], [4, 5])
    assert walk(arrange_lanes(sessions, 1, np.array([2, 0, 1]))) == [[4, 5], [0, 1], [2, 3]]


def test_sessions_are_ordered_by_their_first_event_ties_as_they_stood():
    """Known error 24: the order of the dataset is by user, not by time."""
    sessions = make_sessions([0, 1], [2, 3], [4, 5], [6, 7])
    times = np.array([50, 90, 20, 99, 50, 60, 10, 11])
    ordered = order_by_start(Sessions(sessions.item_indices, sessions.offsets, times))
    assert ordered.tolist() == [3, 1, 0, 2]


@pytest.fixture(scope="module")
def ml_1m_events():
    path = SHARED_DATA / "ml-1m" / "ratings.dat"
    if not path.exists():
        pytest.skip("MovieLens 1M is not beside the project")
    return read_log(path).events


@pytest.mark.parametrize(
    ("config", "pairs", "inputs", "targets"),
    [
        (PrepareConfig(session="user"), 919209 - 5858, [0, 53, 65, 54], [1, 54, 62, 24]),
        (
            PrepareConfig(session="gap:3600", across_users=True),
            988407 - 17353,
            [0, 40, 53, 65],
            [1, 41, 54, 62],
        ),
    ],
    ids=["user", "across users"],
)
def test_the_first_batch_is_the_notebooks_and_no_event_of_movielens_is_lost(
    ml_1m_events, config, pairs, inputs, targets
):
    built = build_dataset(ml_1m_events, config)
    lanes = arrange_lanes(to_sessions(built.splits.train, built.vocabulary), 4)
    assert lanes.inputs[0].tolist() == inputs
    assert lanes.targets[0].tolist() == targets
    assert lanes.num_pairs == pairs


@given(SESSIONS, st.integers(1, 5), st.randoms())
def test_lanes_never_have_more_steps_than_the_bound(sessions, num_lanes, random):
    made = make_sessions(*sessions)
    order = list(range(len(sessions)))
    random.shuffle(order)
    steps = len(arrange_lanes(made, num_lanes, np.array(order)).inputs)
    bound = most_steps(made, num_lanes)
    assert steps <= bound
    if len(sessions) <= num_lanes:
        assert steps == bound
