"""V-SKNN: as the paper says it, at every event, and by hand."""

import numpy as np
import pytest

from sbrcli.models import sparse_rows
from sbrcli.models.baselines.vsknn import VsknnConfig
from sbrcli.models.baselines.vsknn_scorer import fit
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.models.baselines.literal import vsknn_scores
from tests.models.baselines.logs import assert_scores_like, random_log, scores_by_position

WEIGHTINGS = ("same", "linear", "quadratic")
DECAYS = ("same", "linear", "div", "quadratic")


def scores_after(session: list[int], training: Sessions, num_items: int, **options) -> list[float]:
    scorer = fit(training, num_items, VsknnConfig(**options))
    return scorer.score_next(np.array(session)).tolist()


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("sample", [3, 12, 1000])
def test_scores_are_those_of_the_paper_at_every_event(sample, weighting, decay):
    training = random_log(1, sessions=60, num_items=15)
    options = {"k": 5, "sample": sample, "weighting": weighting, "decay": decay, "idf": 0.5}
    scorer = fit(make_sessions(*training), 15, VsknnConfig(**options))
    log = random_log(2, sessions=15, num_items=15, longest=12)
    assert_scores_like(scorer, log, lambda items: vsknn_scores(items, training, 15, **options))


@pytest.mark.parametrize("seed", range(5))
def test_long_sessions_full_of_repeats_and_ties_are_scored_as_in_the_paper(seed):
    training = random_log(seed, sessions=40, num_items=6)
    options = {"k": 4, "sample": 7, "weighting": "quadratic", "decay": "div", "idf": 0.0}
    scorer = fit(make_sessions(*training), 6, VsknnConfig(**options))
    log = random_log(seed + 100, sessions=3, num_items=6, longest=60)
    assert_scores_like(scorer, log, lambda items: vsknn_scores(items, training, 6, **options))


def test_the_last_event_counts_most_and_earlier_ones_by_their_position():
    training = make_sessions([0, 2], [1, 3])
    # Position 1 of 2 has the weight 1/2; its neighbour is one step further back: 1/2 again.
    found = scores_after([0, 1], training, 4, weighting="linear", decay="div")
    assert found == pytest.approx([1 / 4, 1, 1 / 4, 1])


def test_of_equally_similar_sessions_the_more_recent_is_the_neighbour():
    assert scores_after([0], make_sessions([0, 1], [0, 2]), 3, k=1) == [1, 0, 1]


def test_recent_is_who_ends_late_and_of_equal_ends_who_stands_later():
    sessions = make_sessions([0, 1], [0, 2], [0, 3])
    ends = np.array([0, 9, 0, 5, 0, 9])
    training = Sessions(sessions.item_indices, sessions.offsets, ends)
    assert scores_after([0], training, 4, sample=1) == [1, 0, 0, 1]
    assert scores_after([0], training, 4, sample=2) == [2, 1, 0, 1]


def test_only_the_most_recent_sessions_that_share_an_item_are_compared():
    # The first session is most similar, but two others are more recent.
    training = make_sessions([0, 1, 4], [0, 2], [1, 3])
    assert scores_after([0, 1], training, 5, sample=2, decay="same")[4] == 0
    assert scores_after([0, 1], training, 5, sample=3, decay="same")[4] == pytest.approx(3 / 2)


def test_an_empty_session_has_nothing_to_follow_wherever_it_stands():
    scorer = fit(make_sessions([0, 1]), 2, VsknnConfig())
    assert sorted(scores_by_position(scorer, make_sessions([], [0, 1, 0], []))) == [0, 1]


def test_idf_lifts_rare_items():
    training = make_sessions([0, 1], [0, 1], [0, 2], [3, 4])
    found = scores_after([0], training, 5, idf=2.0)
    assert found[1] == pytest.approx(2 * (1 + 2 * np.log(4 / 2)))
    assert found[2] == pytest.approx(1 + 2 * np.log(4 / 1))


def test_a_session_that_shares_nothing_scores_every_item_alike():
    assert scores_after([2], make_sessions([0, 1]), 3) == [0, 0, 0]


def test_scores_do_not_depend_on_the_sessions_beside_nor_on_what_lies_ahead():
    scorer = fit(
        make_sessions(*random_log(3, sessions=50, num_items=9)), 9, VsknnConfig(k=5, sample=9)
    )
    log = random_log(4, sessions=9, num_items=9)
    together = scores_by_position(scorer, make_sessions(*log))
    alone = scores_by_position(scorer, make_sessions(log[3][:3]))
    begin = sum(map(len, log[:3]))
    np.testing.assert_array_equal(together[begin], alone[0])
    np.testing.assert_array_equal(together[begin + 1], alone[1])


def test_blocks_end_where_they_are_full_and_none_is_lost(monkeypatch):
    scorer = fit(make_sessions([0, 1, 2], [2, 1]), 3, VsknnConfig())
    log = make_sessions([0, 1, 2, 0], [1], [2, 0], [], [1, 2, 1])
    whole = scores_by_position(scorer, log)
    assert sorted(whole) == [0, 1, 2, 5, 7, 8]
    monkeypatch.setattr(sparse_rows, "_BLOCK_ROWS", 2)
    assert [len(p) for p, _ in scorer.score_sessions(log)] == [2, 2, 2]
    cut = scores_by_position(scorer, log)
    assert all((cut[position] == row).all() for position, row in whole.items())


def test_similarities_are_whole_numbers_so_that_ties_are_ties():
    session = list(range(10))
    # Positions 1 and 2 of 10 against position 3: in floating point .1 + .2 is above .3.
    training = make_sessions([0, 1, 10], [2, 11])
    found = scores_after(session, training, 12, k=1, weighting="linear", decay="same")
    assert (found[10], found[11]) == (0, pytest.approx(0.3))
