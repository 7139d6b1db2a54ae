"""By which number the scores of a ranking loss become logarithms of probabilities."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.run import Run
from sbrcli.config.loss import Loss
from sbrcli.evaluation import calibration
from sbrcli.evaluation.calibration import find_scale, gives_log_probabilities, mean_loss
from sbrcli.sessions import Sessions
from tests.builders import make_sessions, run_manifest

NUM_ITEMS = 5
RNG = np.random.default_rng(3)
LOG_PROBABILITIES = np.log(RNG.dirichlet(np.full(NUM_ITEMS, 0.7), size=NUM_ITEMS))
"""Of what follows each item."""


class LastItemNetwork:
    """Scores by the last item alone, a row of `scores` for each."""

    num_items = NUM_ITEMS

    def __init__(self, scores: np.ndarray) -> None:
        self._scores = scores.astype(np.float32)

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        is_last = np.zeros(len(sessions.item_indices), np.bool_)
        is_last[sessions.offsets[1:] - 1] = True
        positions = np.flatnonzero(~is_last)
        for part in np.array_split(positions, 3):
            yield part, self._scores[sessions.item_indices[part]]

    def score_next(self, items: np.ndarray) -> np.ndarray:
        return self._scores[items[-1]]


def drawn_sessions(count: int) -> Sessions:
    """Draw sessions of which the logarithms above are the truth."""
    sessions = []
    for _ in range(count):
        session = [int(RNG.integers(NUM_ITEMS))]
        for _ in range(4):
            session.append(int(RNG.choice(NUM_ITEMS, p=np.exp(LOG_PROBABILITIES[session[-1]]))))
        sessions.append(session)
    return make_sessions(*sessions)


@pytest.mark.parametrize("doublings", [-9, -1, 0, 1, 6])
def test_scores_that_were_divided_are_multiplied_again(doublings):
    shifts = RNG.normal(size=(NUM_ITEMS, 1))  # a row's scores are known up to a number
    network = LastItemNetwork(LOG_PROBABILITIES / 2.0**doublings + shifts)
    assert find_scale(network, drawn_sessions(400)) == 2.0**doublings


def test_scores_that_mislead_count_as_little_as_can_be():
    network = LastItemNetwork(-LOG_PROBABILITIES)
    assert find_scale(network, drawn_sessions(100)) == 2.0**-20


def test_the_loss_is_the_mean_over_next_items_of_what_the_softmax_misses():
    scores = np.zeros((NUM_ITEMS, NUM_ITEMS))
    scores[0] = np.log([1, 2, 3, 4, 6])
    network = LastItemNetwork(scores)
    sessions = make_sessions([0, 4], [0, 1], [3], [2, 2])
    expected = -(np.log(6 / 16) + np.log(2 / 16) + np.log(1 / 5)) / 3
    assert mean_loss(network, sessions, 1.0) == pytest.approx(expected, rel=1e-6)
    squares = np.array([1, 4, 9, 16, 36]) / 66
    expected = -(np.log(squares[4]) + np.log(squares[1]) + np.log(1 / 5)) / 3
    assert mean_loss(network, sessions, 2.0) == pytest.approx(expected, rel=1e-6)


def test_great_scores_do_not_overflow():
    network = LastItemNetwork(1e30 * LOG_PROBABILITIES)
    assert np.isfinite(mean_loss(network, drawn_sessions(3), 1.0))


def test_of_many_sessions_some_are_enough(monkeypatch):
    monkeypatch.setattr(calibration, "SUBSAMPLE_TARGETS", 40)
    asked = []

    class Counting(LastItemNetwork):
        def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            asked.append(sessions.num_targets)
            return super().score_sessions(sessions)

    find_scale(Counting(LOG_PROBABILITIES), drawn_sessions(100))
    assert set(asked) == {40}


def make_run(**entries: object) -> Run:
    return Run.from_document(Path("run"), run_manifest(**entries))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("cross-entropy", True), ("bpr", False), ("top1", False), ("bpr-max", False)],
)
def test_cross_entropy_alone_gives_logarithms_of_probabilities(loss: Loss, expected: bool):
    assert gives_log_probabilities(make_run(config={"loss": loss})) is expected


def test_a_run_of_before_there_were_losses_to_choose_from_is_of_cross_entropy():
    assert gives_log_probabilities(make_run())
