"""Ranks among all items: ties, NaN, seen and unknown items."""

from collections.abc import Iterator

import numpy as np
import pytest

from sbrcli.evaluation.ranks import (
    MISS,
    drop_unknown,
    is_repeat,
    only_known,
    rank_rows,
    rank_targets,
    target_ranks,
)
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.sessions import Sessions
from tests.builders import make_sessions

NAN = float("nan")


class LastItemScorer:
    """Scores by a table alone: row i holds the scores after item i. Answers in odd blocks."""

    def __init__(self, table: list[list[float]]) -> None:
        self.table = np.array(table, dtype=np.float32)
        self.asked: list[int] = []

    @property
    def num_items(self) -> int:
        return len(self.table)

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        last = sessions.offsets[1:] - 1
        positions = np.setdiff1d(np.arange(len(sessions.item_indices)), last)[::-1]
        self.asked = sessions.item_indices.tolist()
        for begin in range(0, len(positions), 3):
            block = positions[begin : begin + 3]
            yield block, self.table[sessions.item_indices[block]]

    def score_next(self, items: np.ndarray) -> np.ndarray:
        return self.table[items[-1]]


#         scores after item 0, 1 and 2: of items 0, 1, 2
TABLE = [[0.1, 0.9, 0.5], [0.3, 0.2, 0.8], [0.7, 0.6, 0.4]]


def literal_rank(scores: np.ndarray, target: int, excluded: np.ndarray) -> int:
    others = [s for i, s in enumerate(scores) if i != target and not excluded[i]]
    return 1 + sum(not s < scores[target] for s in others)


def test_the_rank_is_one_more_than_how_many_are_not_beaten():
    scores = np.array([[0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [0.1, 0.9, 0.5]])
    assert target_ranks(scores, np.array([0, 1, 2])).tolist() == [3, 1, 2]


def test_error_22_a_model_that_scores_every_item_alike_has_the_worst_rank():
    ranks, tied = rank_rows(np.zeros((2, 5)), np.array([0, 4]))
    assert ranks.tolist() == [5, 5]
    assert tied.tolist() == [True, True]


def test_a_tie_counts_against_the_target_and_is_marked():
    ranks, tied = rank_rows(np.array([[1, 2, 2, 3], [1, 2, 2, 3]]), np.array([1, 3]))
    assert ranks.tolist() == [3, 1]
    assert tied.tolist() == [True, False]


def test_error_30_a_tie_does_not_depend_on_where_the_item_stands():
    scores = np.array([[5, 7, 7, 1]] * 2)
    assert target_ranks(scores, np.array([1, 2])).tolist() == [2, 2]


def test_a_nan_never_wins_and_is_never_beaten():
    scores = np.array([[NAN, 1, 2], [NAN, 1, 2], [NAN, NAN, NAN]])
    ranks, tied = rank_rows(scores, np.array([0, 2, 1]))
    assert ranks.tolist() == [3, 2, 3]
    assert tied.tolist() == [False, False, False]


def test_infinite_scores_are_ranked_as_any_other():
    scores = np.array([[np.inf, 1, -np.inf], [np.inf, np.inf, -np.inf]])
    ranks, tied = rank_rows(scores, np.array([2, 0]))
    assert ranks.tolist() == [3, 2]
    assert tied.tolist() == [False, True]


def test_excluded_items_are_no_candidates_and_no_ties():
    scores = np.array([[9, 2, 2, 3], [9, 2, 2, 3]])
    excluded = np.array([[True, False, True, False], [True, False, False, True]])
    ranks, tied = rank_rows(scores, np.array([1, 1]), excluded)
    assert ranks.tolist() == [2, 2]
    assert tied.tolist() == [False, True]


@pytest.mark.parametrize("num_items", [1, 2, 7, 3000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_are_those_of_a_loop_over_items(num_items, dtype):
    rng = np.random.default_rng(num_items)
    scores = rng.integers(0, 50, (300, num_items)).astype(dtype)
    scores[rng.random(scores.shape) < 0.02] = NAN
    targets = rng.integers(0, num_items, 300)
    excluded = rng.random(scores.shape) < 0.2
    excluded[np.arange(300), targets] = False
    nobody = np.zeros(num_items, bool)
    rows = list(zip(scores, targets, excluded, strict=True))
    assert target_ranks(scores, targets).tolist() == [
        literal_rank(s, t, nobody) for s, t, _ in rows
    ]
    found = rank_rows(scores, targets, excluded)[0]
    assert found.tolist() == [literal_rank(s, t, e) for s, t, e in rows]


def test_every_next_item_of_every_session_is_ranked_in_the_order_of_the_split():
    ranks = rank_targets(LastItemScorer(TABLE), make_sessions([0, 1, 0], [2], [2, 2, 1, 2]))
    assert ranks.positions.tolist() == [1, 2, 5, 6, 7]
    #                           0>1 1>0 2>2 2>1 1>2
    assert ranks.ranks.tolist() == [1, 2, 3, 2, 1]
    assert not ranks.tied.any()
    assert ranks.seen.tolist() == [False, True, True, False, True]


def test_error_19_unknown_items_are_skipped_and_the_state_carries_over():
    scorer = LastItemScorer(TABLE)
    ranks = rank_targets(scorer, make_sessions([0, 3, 1, -1, 99], [7, 8], [5, 2, 0]))
    assert scorer.asked == [0, 1, 2, 0]
    assert ranks.positions.tolist() == [2, 9]  # 0>1 and 2>0
    assert ranks.ranks.tolist() == [1, 1]


def test_unknown_items_leave_empty_sessions_in_their_place():
    known, places = drop_unknown(make_sessions([9, 9], [1, 9, 0], [9]), num_items=2)
    assert known.item_indices.tolist() == [1, 0]
    assert known.offsets.tolist() == [0, 0, 2, 2]
    assert places.tolist() == [2, 4]


@pytest.mark.parametrize("block", [1, 2, 100])
def test_sessions_of_known_items_alone_are_not_copied(monkeypatch, block):
    monkeypatch.setattr("sbrcli.sessions._BLOCK", block)
    known = make_sessions([1, 0], [1], [0, 1, 1])
    assert only_known(known, num_items=2) is known
    for unknown in (-1, 2):
        sessions = make_sessions([1, 0], [1], [0, unknown, 1])
        found = only_known(sessions, num_items=2)
        assert found.item_indices.tolist() == [1, 0, 1, 0, 1]
        assert found.offsets.tolist() == [0, 2, 3, 5]


def test_seen_items_are_no_candidates_and_a_seen_next_item_is_a_miss():
    sessions = make_sessions([0, 2, 1, 0])
    #  after 0: of 1, 2 alone, 2 is second; after 2: 1 alone; after 1: 0 was seen
    ranks = rank_targets(LastItemScorer(TABLE), sessions, exclude_seen=True)
    assert ranks.ranks.tolist() == [2, 1, MISS]
    assert ranks.seen.tolist() == [False, False, True]


def test_the_current_item_is_no_candidate_either_when_seen_ones_are_left_out():
    stays = [[9.0, 1.0, 0.0], [0.0, 9.0, 1.0], [1.0, 0.0, 9.0]]  # each item foretells itself
    sessions = make_sessions([0, 1, 2])
    assert rank_targets(LastItemScorer(stays), sessions).ranks.tolist() == [2, 2]
    excluding = rank_targets(LastItemScorer(stays), sessions, exclude_seen=True)
    assert excluding.ranks.tolist() == [1, 1]


def test_a_repeat_is_marked_within_its_session_alone():
    sessions = make_sessions([1, 2, 1, 1], [2, 1, 2], [], [3])
    repeats = [False, False, True, True, False, False, True, False]
    assert is_repeat(sessions).tolist() == repeats


def test_progress_reports_every_target_once():
    told: list[int] = []
    rank_targets(LastItemScorer(TABLE), make_sessions([0] * 8, [1, 2]), advance=told.append)
    assert sum(told) == 7 + 1


@pytest.fixture(scope="module")
def chance() -> tuple[GruShape, dict[str, np.ndarray], list[list[int]], dict]:
    """A network and sessions made by chance, and how many items score as each next one does."""
    rng = np.random.default_rng(0)
    shape = GruShape(900, (50,), "shared")
    weights = {
        name: rng.normal(0, 1, size).astype(np.float32)
        for name, size in shape.weight_shapes().items()
    }
    weights["gru_0/recurrent_kernel"] /= np.sqrt(np.float32(50))  # a state forgets its rounding
    lists = [rng.integers(0, 900, length).tolist() for length in rng.integers(2, 50, 120)]

    near = {}  # how many items score as the next one does, to rounding
    one_by_one = GruScorer(shape, weights)
    for at, items in enumerate(lists):
        for place in range(1, len(items)):
            scores = one_by_one.score_next(np.array(items[:place]))
            apart = np.abs(scores - scores[items[place]])
            near[at, place] = int((apart < 1e-4 * np.abs(scores).max()).sum()) - 1
    return shape, weights, lists, near


@pytest.mark.parametrize("exclude_seen", [False, True])
def test_batch_size_and_session_order_move_a_rank_past_items_alone_that_score_alike(
    chance, exclude_seen
):
    shape, weights, lists, near = chance

    def ranked(batch_size: int, order: list[int]) -> dict[tuple[int, int], int]:
        """Rank the next items of sessions in some order, by session and place."""
        sessions = make_sessions(*(lists[at] for at in order))
        scorer = GruScorer(shape, weights, batch_size)
        ranks = rank_targets(scorer, sessions, exclude_seen=exclude_seen)
        places = [(at, place) for at in order for place in range(len(lists[at]))]
        found = zip(ranks.positions.tolist(), ranks.ranks.tolist(), strict=True)
        return {places[position]: rank for position, rank in found}

    in_order = list(range(len(lists)))
    expected = ranked(128, in_order)
    assert sum(count == 0 for count in near.values()) > 0.8 * len(near)
    shuffled = np.random.default_rng(1).permutation(len(lists)).tolist()
    for batch_size, order in ((1, in_order), (33, in_order), (1000, in_order), (128, shuffled)):
        found = ranked(batch_size, order)
        assert found.keys() == expected.keys() == near.keys()
        assert all(abs(found[key] - expected[key]) <= near[key] for key in expected)
    assert ranked(128, in_order) == expected


def test_the_score_of_each_target_is_returned_in_the_order_of_the_events():
    #                                                       0>1  1>0          2>1
    ranks = rank_targets(LastItemScorer(TABLE), make_sessions([0, 1, 0], [9], [2, 1]))
    np.testing.assert_allclose(ranks.scores, [0.9, 0.3, 0.6], rtol=1e-6)


def test_who_watches_is_shown_every_block_and_who_is_no_candidate():
    shown = []
    rank_targets(
        LastItemScorer(TABLE),
        make_sessions([0, 1, 0], [2, 1, 1]),
        exclude_seen=True,
        on_block=lambda scores, excluded: shown.append((scores.shape, excluded.sum())),
    )
    # Blocks of three from the end: 2 1 | 2, 0 1, then 0.
    assert shown == [((3, 3), 2 + 1 + 2), ((1, 3), 1)]
