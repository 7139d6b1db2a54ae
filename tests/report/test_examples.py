"""The example sessions: which are drawn, and what the run is asked."""

from dataclasses import replace

import numpy as np
import pytest

from sbrcli.artefacts.items import RunItems
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.loading import load_scorer
from sbrcli.report.examples import NamedItem, choose_sessions, find_examples
from sbrcli.sessions import Sessions
from tests.builders import make_run, make_sessions
from tests.cli.test_recommend import preferring


def test_sessions_of_all_lengths_are_drawn_the_shortest_first():
    lengths = np.random.default_rng(3).permutation(np.arange(2, 1002))
    chosen = choose_sessions(lengths)
    drawn = [int(lengths[at]) for at in chosen]
    assert len(drawn) == 20
    # One of each twentieth: of 2 to 51, of 52 to 101, and so on.
    assert [(length - 2) // 50 for length in drawn] == list(range(20))
    assert choose_sessions(lengths) == chosen
    assert choose_sessions(lengths, seed=2) != chosen


def test_few_sessions_are_all_taken_and_those_without_a_next_item_never():
    assert choose_sessions(np.array([3, 1, 2, 0])) == [2, 0]
    assert choose_sessions(np.array([1, 1])) == []


@pytest.fixture
def scorer(tmp_path):
    return load_scorer(make_run(tmp_path, ids="abcd", weights=preferring([4.0, 3.0, 2.0, 1.0])))


ITEMS = RunItems(list("abcd"), np.ones(4, np.int64), ["Ann", None, "Cid", "Dot"])


def only_last(*sessions: list[int]) -> Sessions:
    """Sessions that are asked for their last event alone."""
    made = make_sessions(*sessions)
    targets = np.zeros(len(made.item_indices), np.bool_)
    targets[made.offsets[1:] - 1] = True
    return replace(made, targets=targets)


def test_an_event_is_held_back_and_ranked_among_all_items(scorer):
    (example,) = find_examples(scorer, ITEMS, only_last([3, 0, 2]))
    assert example.before == 2
    assert example.latest == (NamedItem("d", "Dot"), NamedItem("a", "Ann"))
    assert example.held_back == NamedItem("c", "Cid")
    assert example.rank == 3
    assert [item.item_id for item in example.best] == list("abcd")


def test_any_target_may_be_held_back_the_same_one_each_time(scorer):
    sessions = make_sessions([3, 0, 2, 1])
    drawn = [find_examples(scorer, ITEMS, sessions, seed)[0].before for seed in range(30)]
    assert set(drawn) == {1, 2, 3}
    assert drawn == [find_examples(scorer, ITEMS, sessions, seed)[0].before for seed in range(30)]


def test_where_last_events_are_left_out_an_unknown_one_is_not_replaced_by_the_one_before(scorer):
    sessions = make_sessions([3, 0, 9], [9], [2, 1], [9, 3])
    targets = np.array([False, False, True, False, False, True, False, True])
    (example,) = find_examples(scorer, ITEMS, replace(sessions, targets=targets))
    assert (example.latest, example.held_back) == ((NamedItem("c", "Cid"),), NamedItem("b"))


def test_the_rank_is_that_of_an_evaluation(tmp_path):
    scorer = load_scorer(make_run(tmp_path))
    rng = np.random.default_rng(1)
    sessions = make_sessions(*(rng.integers(9, size=size).tolist() for size in range(2, 14)))
    items = RunItems(list("abcdefghi"), np.ones(9, np.int64))
    evaluated = rank_targets(scorer, sessions)
    rank_at = dict(zip(evaluated.positions.tolist(), evaluated.ranks.tolist(), strict=True))
    examples = find_examples(scorer, items, sessions)
    ranks = [example.rank for example in examples]
    starts = sessions.offsets[:-1].tolist()
    assert ranks == [
        rank_at[start + example.before] for start, example in zip(starts, examples, strict=True)
    ]
    assert len(set(ranks)) > 3


def test_ties_count_against_the_item_held_back(tmp_path):
    even = load_scorer(make_run(tmp_path, ids="abcd", weights=preferring([1.0, 1.0, 1.0, 1.0])))
    (example,) = find_examples(even, ITEMS, make_sessions([1, 0]))
    assert example.rank == 4


def test_unknown_events_are_left_out_and_sessions_with_nothing_else_too(scorer):
    examples = find_examples(scorer, ITEMS, make_sessions([9, 3], [0, 9, 1, 9], [8, 9]))
    assert [(example.before, example.held_back.item_id) for example in examples] == [(1, "b")]


def test_only_the_latest_items_of_a_long_session_are_shown(scorer):
    (example,) = find_examples(scorer, ITEMS, only_last([0] * 30 + [1, 2, 3]))
    assert example.before == 32
    assert [item.item_id for item in example.latest] == list("aaaaaabc")


def test_items_without_titles_have_their_ids(scorer):
    items = RunItems(list("abcd"), np.ones(4, np.int64))
    (example,) = find_examples(scorer, items, make_sessions([1, 0]))
    assert example.held_back == NamedItem("a", None)
