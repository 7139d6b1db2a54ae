"""Ranks for any terms of the session's items are those of the scores with the terms added."""

import numpy as np
import pytest

from sbrcli.evaluation.ranks import MISS, rank_rows
from sbrcli.evaluation.repeat_ranks import DEPTH, RepeatRanks, SeenItems
from sbrcli.models.blend.repeats import NO_TERMS, RepeatTerms, events_up_to
from sbrcli.sessions import Sessions
from tests.builders import make_sessions


def gathered(scores: np.ndarray, sessions: Sessions, positions: np.ndarray) -> RepeatRanks:
    seen = SeenItems.before(sessions, positions, scores.shape[1])
    return RepeatRanks.gather(scores.copy(), seen)


def ranks_by_hand(
    scores: np.ndarray, sessions: Sessions, positions: np.ndarray, terms: RepeatTerms
) -> np.ndarray:
    """Add the terms row by row, then rank."""
    changed = scores.copy()
    starts = np.searchsorted(sessions.offsets, positions, side="right") - 1
    for row, (position, start) in enumerate(zip(positions, starts, strict=True)):
        session = sessions.item_indices[sessions.offsets[start] : position + 1]
        for item in set(session.tolist()) - {int(session[-1])}:
            changed[row, item] += np.float32(terms.earlier)
        changed[row, session[-1]] += np.float32(terms.last)
    ranks = rank_rows(changed, sessions.item_indices[positions + 1])[0]
    return np.where(ranks <= DEPTH, ranks, MISS)


def test_terms_move_the_last_item_and_each_earlier_one_once():
    sessions = make_sessions([0, 1, 1, 0, 2, 3])
    scores = np.zeros((1, 5), np.float32)
    row, items = events_up_to(sessions, np.array([4]))
    RepeatTerms(last=-8, earlier=3).add_to(scores, row, items, np.array([2]))
    assert scores.tolist() == [[3, 3, -8, 0, 0]]


@pytest.mark.parametrize(
    ("target", "terms", "rank"),
    [
        # The session 0, 1, 2 is followed by a target; the scores of items 0 to 4 are 5, 4, 3, 2, 1.
        (3, NO_TERMS, 4),
        (3, RepeatTerms(last=-2), 3),
        (3, RepeatTerms(last=-1), 4),  # the tie with item 2 counts against it
        (3, RepeatTerms(earlier=-4), 2),
        (3, RepeatTerms(-30, -30), 1),
        (2, RepeatTerms(last=1), 2 + 1),
        (2, RepeatTerms(last=2.5), 1),
        (1, RepeatTerms(earlier=-3.5), 5),
        (0, RepeatTerms(earlier=-3.5), 3),
    ],
)
def test_the_rank_of_a_target_after_the_session_0_1_2(target, terms, rank):
    scores = np.array([[5, 4, 3, 2, 1]], np.float32)
    found = gathered(scores, make_sessions([0, 1, 2, target]), np.array([2]))
    assert found.ranks(terms).tolist() == [rank]


def test_of_many_items_ranks_up_to_20_are_exact_and_greater_ones_are_misses():
    rng = np.random.default_rng(5)
    lengths = (2, 40, 9, 3, 25, 70)
    sessions = make_sessions(*[rng.integers(0, 60, length).tolist() for length in lengths])
    mask = sessions.target_mask
    positions = np.flatnonzero(mask) - 1
    # Whole numbers, so that there are ties.
    scores = rng.integers(0, 30, (len(positions), 60)).astype(np.float32)
    parts = [slice(40, None), slice(0, 17), slice(17, 40)]  # blocks come in any order
    found = RepeatRanks.join([gathered(scores[p], sessions, positions[p]) for p in parts])
    assert found.positions.tolist() == positions.tolist()
    for last in (-30, -1.5, 0, 2):
        for earlier in (-30, -4, 0, 0.5, 6):
            terms = RepeatTerms(last, earlier)
            expected = ranks_by_hand(scores, sessions, positions, terms)
            assert found.ranks(terms).tolist() == expected.tolist()
            assert len(set(expected.tolist())) > 10


def test_a_target_without_a_number_for_a_score_is_a_miss():
    scores = np.array([[1, np.nan, 0]], np.float32)
    assert gathered(scores, make_sessions([0, 1]), np.array([0])).ranks(NO_TERMS).tolist() == [MISS]
