"""The source notebook's loader, walked by hand and against a literal stepper."""

import numpy as np
import pytest

from sbrcli.errors import DataError
from sbrcli.evaluation.notebook_events import notebook_targets
from sbrcli.sessions import Sessions
from tests.builders import make_sessions


def literal_walk(sessions: Sessions, lanes: int) -> tuple[list[int], int]:
    """Step by step: (positions of the next items reached in order, steps)."""
    ends = [int(end) for end in sessions.offsets[1:]]
    at = [int(start) for start in sessions.offsets[:lanes]]
    session, begun, reached, steps = list(range(lanes)), lanes, [], 0
    while True:
        for lane in range(lanes):
            at[lane] += 1
            reached.append(at[lane])
        steps += 1
        for lane in range(lanes):
            if at[lane] == ends[session[lane]] - 1:
                if begun == sessions.num_sessions:
                    return sorted(reached), steps
                session[lane], at[lane] = begun, int(sessions.offsets[begun])
                begun += 1


def test_the_loader_stops_when_no_session_is_left_to_begin():
    # Lane 0: 0>1 1>2 of four events, lane 1: 4>5, then 6>7; then no session is left, and 3 is lost.
    covered, steps = notebook_targets(make_sessions([0] * 4, [0] * 2, [0] * 2), lanes=2)
    assert np.flatnonzero(covered).tolist() == [1, 2, 5, 7]
    assert steps == 2


def test_the_loader_reaches_everything_where_its_lanes_end_together():
    covered, steps = notebook_targets(make_sessions([0] * 4, [0] * 2, [0] * 3), lanes=2)
    assert np.flatnonzero(covered).tolist() == [1, 2, 3, 5, 7, 8]
    assert steps == 3


def test_the_loader_is_as_a_walk_of_one_step_at_a_time():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lengths = rng.integers(2, 12, rng.integers(4, 30))
        sessions = make_sessions(*([0] * length for length in lengths.tolist()))
        covered, steps = notebook_targets(sessions, lanes=4)
        assert (np.flatnonzero(covered).tolist(), steps) == literal_walk(sessions, 4)


def test_fewer_sessions_than_lanes_are_refused():
    with pytest.raises(DataError) as error:
        notebook_targets(make_sessions([0, 1], [0, 1]))
    assert str(error.value) == (
        "the source notebook's loader needs 64 sessions, and the split has 2"
    )
