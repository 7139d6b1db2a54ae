"""Popularity, everywhere and within the session."""

import numpy as np

from sbrcli.models import sparse_rows
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.models.baselines.logs import assert_scores_like, random_log, scores_by_position

TRAINING = make_sessions([0, 1, 1], [1, 2], [3, 2])


def popularity(training: Sessions, num_items: int) -> Scorer:
    return fit_baseline("popularity", training, num_items, default_options())


def session_popularity(training: Sessions, num_items: int) -> Scorer:
    return fit_baseline("session-popularity", training, num_items, default_options())


def test_popularity_counts_events_whatever_the_session():
    log = random_log(1, sessions=5, num_items=4)
    assert_scores_like(popularity(TRAINING, 5), log, lambda _items: [1, 3, 2, 1, 0])


def test_session_popularity_counts_the_session_first_and_training_among_equals():
    scores = session_popularity(TRAINING, 5).score_next(np.array([4, 0, 4]))
    assert np.argsort(-scores, kind="stable").tolist() == [4, 0, 1, 2, 3]


def test_session_popularity_is_the_same_at_every_event_of_every_session(monkeypatch):
    monkeypatch.setattr(sparse_rows, "_BLOCK_ROWS", 3)
    total = len(TRAINING.item_indices) + 1
    assert_scores_like(
        session_popularity(TRAINING, 5),
        random_log(2, sessions=6, num_items=4),
        lambda items: np.bincount(items, minlength=5) + np.array([1, 3, 2, 1, 0]) / total,
    )


def test_a_session_of_one_event_or_none_has_nothing_to_score():
    for scorer in (popularity(TRAINING, 4), session_popularity(TRAINING, 4)):
        found = scores_by_position(scorer, make_sessions([0], [], [1, 2], []))
        assert list(found) == [1]


def test_an_item_popular_in_training_alone_does_not_outweigh_one_event_in_the_session():
    training = make_sessions([1] * 1000)
    scores = session_popularity(training, 2).score_next(np.array([0]))
    assert scores[0] > scores[1]
