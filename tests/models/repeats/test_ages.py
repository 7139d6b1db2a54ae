"""Ages of items against a loop over the session: in sessions, and in the chunks of lanes."""

import numpy as np
import pytest

from sbrcli.models.repeats.ages import AGES, NOT_SEEN, SessionAges
from sbrcli.models.repeats.lanes import MAX_SEEN, LaneRepeats, limit_pairs, nothing_seen
from sbrcli.models.training.lanes import arrange_lanes
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.models.repeats.literal import age_of, ages_of

A, B, C, D = range(4)


def drawn_sessions(num_items: int, seed: int = 5) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(num_items, size=rng.integers(1, 14)).tolist() for _ in range(30)]


def seen_by_event(sessions: Sessions, events: np.ndarray) -> list[dict[int, int]]:
    seen = SessionAges(sessions).seen(events)
    found: list[dict[int, int]] = [{} for _ in events]
    for row, item, age in zip(seen.rows, seen.items, seen.ages, strict=True):
        assert item not in found[row], "an item stands once for an event"
        found[row][int(item)] = int(age)
    assert (np.diff(seen.rows) >= 0).all()
    return found


def test_the_ages_after_a_session_are_those_of_the_last_occurrences():
    found = seen_by_event(make_sessions([A, B, A, C, D]), np.array([3]))
    assert found == [{C: 0, A: 1, B: 2}]


def test_an_age_of_six_and_more_reaches_back_to_the_start_of_the_session():
    found = seen_by_event(make_sessions([C, C], [A, *[B] * 300]), np.array([302]))
    assert found == [{B: 0, A: AGES - 1}]


@pytest.mark.parametrize("num_items", [3, 12, 1000])
def test_ages_are_those_of_a_loop_over_each_session(num_items: int):
    lists = drawn_sessions(num_items)
    sessions = make_sessions(*lists)
    ends = np.setdiff1d(np.arange(len(sessions.item_indices)), sessions.offsets[1:] - 1)
    events = np.random.default_rng(1).permutation(ends)
    found = seen_by_event(sessions, events)
    targets = SessionAges(sessions).next_item(events)
    for event, seen, target in zip(events, found, targets, strict=True):
        number = int(np.searchsorted(sessions.offsets, event, side="right")) - 1
        session = lists[number][: event - sessions.offsets[number] + 1]
        assert seen == ages_of(session)
        age = age_of(session, int(sessions.item_indices[event + 1]))
        assert target == (NOT_SEEN if age is None else age)


def rows_of_lanes(sessions: Sessions, bptt: int) -> dict[int, tuple[dict[int, int], int]]:
    """Find for each event that is an input the items seen at it, and the age of the target."""
    lanes = arrange_lanes(sessions, 3).padded(bptt)
    repeats = LaneRepeats(sessions, bptt).of(lanes)
    assert {part.dtype for part in repeats} == {np.dtype(np.int32)}
    assert repeats.cuts[0] == 0
    assert repeats.cuts[-1] == len(repeats.places) == len(repeats.codes)
    assert repeats.base_cuts[-1] == len(repeats.base_places)
    found = {}
    for chunk in range(len(lanes.inputs) // bptt):
        part = slice(repeats.cuts[chunk], repeats.cuts[chunk + 1])
        based = repeats.base_places[repeats.base_cuts[chunk] : repeats.base_cuts[chunk + 1]]
        for row in range(bptt * 3):
            place = (chunk * bptt + row // 3, row % 3)
            is_row = repeats.places[part, 0] == row
            items, codes = repeats.places[part][is_row, 1], repeats.codes[part][is_row]
            base = based[based[:, 0] == row % 3, 1].tolist()
            assert len(set(base)) == len(base)
            if not lanes.is_pair[place]:
                assert not len(items)
                assert repeats.target_ages[place] == NOT_SEEN
                continue
            seen = dict.fromkeys(base, AGES - 1)
            for item, code in zip(items.tolist(), codes.tolist(), strict=True):
                assert (code >= AGES) == (item in base)
                seen[item] = code % AGES
            assert len(set(items.tolist())) == len(items)
            found[int(lanes.events[place])] = (seen, int(repeats.target_ages[place]))
    return found


@pytest.mark.parametrize("has_context", [False, True])
def test_the_borders_of_chunks_change_no_age(has_context: bool):
    lists = drawn_sessions(5)
    sessions = make_sessions(*lists)
    if has_context:
        is_target = np.random.default_rng(2).random(len(sessions.item_indices)) < 0.5
        sessions = Sessions(sessions.item_indices, sessions.offsets, sessions.timestamps, is_target)
    found = rows_of_lanes(sessions, 1)
    assert found == rows_of_lanes(sessions, 4) == rows_of_lanes(sessions, 30)
    assert found.keys() == set((np.flatnonzero(sessions.target_mask) - 1).tolist())
    for event, (seen, target) in found.items():
        number = int(np.searchsorted(sessions.offsets, event, side="right")) - 1
        session = lists[number][: event - sessions.offsets[number] + 1]
        assert seen == ages_of(session)
        age = age_of(session, int(sessions.item_indices[event + 1]))
        assert target == (NOT_SEEN if age is None else age)


def test_a_window_of_the_lanes_has_the_ages_of_the_whole():
    sessions = make_sessions(*drawn_sessions(5))
    lanes, repeats = arrange_lanes(sessions, 2).padded(3), LaneRepeats(sessions, 3)
    whole = repeats.of(lanes)
    part = repeats.of(lanes.part(slice(3, 9)))
    seen = slice(whole.cuts[1], whole.cuts[3])
    np.testing.assert_array_equal(part.places, whole.places[seen])
    np.testing.assert_array_equal(part.codes, whole.codes[seen])
    np.testing.assert_array_equal(part.cuts, whole.cuts[1:4] - whole.cuts[1])
    based = slice(whole.base_cuts[1], whole.base_cuts[3])
    np.testing.assert_array_equal(part.base_places, whole.base_places[based])
    np.testing.assert_array_equal(part.base_cuts, whole.base_cuts[1:4] - whole.base_cuts[1])
    np.testing.assert_array_equal(part.target_ages, whole.target_ages[3:9])


def test_long_sessions_make_calls_of_fewer_pairs():
    short, long = make_sessions(*[[1, 2]] * 100), make_sessions(*[list(range(5000))] * 2)
    assert limit_pairs(long) < limit_pairs(short)
    assert limit_pairs(long) * 2500 <= MAX_SEEN


def test_a_chunk_of_padding_has_seen_nothing():
    nothing = nothing_seen(2, 3)
    assert (nothing.target_ages == NOT_SEEN).all()
    assert nothing.places.shape == nothing.base_places.shape == (0, 2)
    assert nothing.cuts.tolist() == nothing.base_cuts.tolist() == [0, 0]


def test_a_long_session_has_few_places_of_its_own_beside_its_lanes_base():
    sessions = make_sessions(list(range(400)), list(range(400)))
    lanes, repeats = arrange_lanes(sessions, 2).padded(8), LaneRepeats(sessions, 8)
    found = repeats.of(lanes.part(slice(200, 208)))
    assert len(found.base_places) == 2 * 200
    # Each row has the items of the chunk so far, and of the four events before the row.
    assert len(found.places) == 2 * sum(max(step + 1, 5) for step in range(8))
