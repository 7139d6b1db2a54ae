"""Sparse rows are ranked, and their top lists counted, as the same rows written out."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.evaluation.ranks import rank_rows, rank_targets
from sbrcli.evaluation.sparse_ranks import rank_sparse_rows
from sbrcli.evaluation.top_lists import TopLists
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import BASELINES, fit_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.models.sparse_rows import CommonScores, SparseRows, SparseScorer
from tests.builders import make_sessions
from tests.models.baselines.logs import random_log


def random_rows(
    rng: np.random.Generator, num_items: int, *, values: int
) -> tuple[SparseRows, npt.NDArray[np.float32]]:
    """Make 30 sparse rows of few distinct scores, from 0, and the same written out."""
    common = CommonScores(rng.integers(0, values, num_items).astype(np.float32))
    held = [rng.permutation(num_items)[: rng.integers(0, num_items + 1)] for _ in range(30)]
    items = np.concatenate(held)
    scores = rng.integers(0, values, len(items)).astype(np.float32)
    rows = SparseRows(common, np.cumsum([0, *map(len, held)]), items, scores)
    dense = np.empty((30, num_items), np.float32)
    rows.write(dense)
    return rows, dense


@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_ranks_ties_and_scores_are_those_of_the_rows_written_out(num_items, values, seed):
    rng = np.random.default_rng(seed)
    rows, dense = random_rows(rng, num_items, values=values)
    targets = rng.integers(0, num_items, 30)
    ranks, tied, own = rank_sparse_rows(rows, targets)
    expected_ranks, expected_tied = rank_rows(dense, targets)
    assert ranks.tolist() == expected_ranks.tolist()
    assert tied.tolist() == expected_tied.tolist()
    assert own.tolist() == dense[np.arange(30), targets].tolist()


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_top_lists_are_those_of_the_rows_written_out(num_items, values, k, seed):
    rows, dense = random_rows(np.random.default_rng(seed), num_items, values=values)
    sparse_lists, lists = TopLists(num_items, k), TopLists(num_items, k)
    sparse_lists.add_block(rows, None)
    lists.add_block(dense, None)
    assert sparse_lists.counts.tolist() == lists.counts.tolist()


def test_a_target_that_no_row_holds_ties_with_its_equals_in_common():
    rows = SparseRows(
        CommonScores(np.zeros(5)), np.array([0, 2]), np.array([4, 2]), np.array([1.0, 3.0])
    )
    ranks, tied, own = rank_sparse_rows(rows, np.array([0]))
    assert (ranks.tolist(), tied.tolist(), own.tolist()) == ([5], [True], [0.0])


class WrittenOut:
    """A scorer of which nobody can tell that its rows are sparse."""

    def __init__(self, scorer: Scorer) -> None:
        self.num_items = scorer.num_items
        self.score_sessions = scorer.score_sessions
        self.score_next = scorer.score_next


@pytest.mark.parametrize("exclude_seen", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_ranked_and_listed_as_its_scores_written_out(name, exclude_seen):
    training = make_sessions(*random_log(1, sessions=40, num_items=30))
    sessions = make_sessions(*random_log(2, sessions=30, num_items=30))
    scorer = fit_baseline(name, training, 30, default_options())
    assert isinstance(scorer, SparseScorer)
    found, lists = [], [TopLists(30, 4), TopLists(30, 4)]
    for one, counted in zip((scorer, WrittenOut(scorer)), lists, strict=True):
        found.append(
            rank_targets(one, sessions, exclude_seen=exclude_seen, on_block=counted.add_block)
        )
    sparse, dense = found
    assert sparse.ranks.tolist() == dense.ranks.tolist()
    assert sparse.tied.tolist() == dense.tied.tolist()
    assert sparse.scores.tolist() == dense.scores.tolist()
    assert lists[0].counts.tolist() == lists[1].counts.tolist()


def test_sparse_rows_are_used_where_every_item_is_a_candidate(monkeypatch):
    scorer = fit_baseline("markov", make_sessions([0, 1, 2]), 3, default_options())
    monkeypatch.setattr(scorer, "score_sessions", None)
    assert rank_targets(scorer, make_sessions([0, 1, 2])).ranks.tolist() == [1, 1]
