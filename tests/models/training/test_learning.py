"""A Markov chain that every loss must learn, over all items and over drawn ones."""

from pathlib import Path

import numpy as np
import pytest

from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.sessions import Sessions
from tests.builders import TrainConfig, make_sessions

ITEMS = 6
LIKELY = 0.7
SUCCESSOR = [3, 5, 1, 4, 2, 0]
"""0 → 3 → 4 → 2 → 1 → 5 → 0; the rest of the probability is spread over the other items."""


def transitions() -> np.ndarray:
    chances = np.full((ITEMS, ITEMS), (1 - LIKELY) / (ITEMS - 1))
    chances[np.arange(ITEMS), SUCCESSOR] = LIKELY
    return chances


def chain_sessions(number: int = 150, length: int = 21) -> Sessions:
    rng = np.random.default_rng(3)
    sessions = []
    for _ in range(number):
        items = [int(rng.integers(ITEMS))]
        while len(items) < length:
            items.append(int(rng.choice(ITEMS, p=transitions()[items[-1]])))
        sessions.append(items)
    return make_sessions(*sessions)


def learned_scores(folder: Path, **options: object) -> np.ndarray:
    """Train, and give (items, items) the scores of what follows a session of one event."""
    config = TrainConfig(
        **{"hsz": (8,), "dropout": 0.0, "embedding_dropout": 0.0, "batch_size": 10, "bptt": 4}
        | {"learning_rate": 0.1, "momentum": 0.0, "epochs": 4}
        | options
    )
    sessions = chain_sessions()
    shape = GruShape(ITEMS, config.units, config.embedding)
    plan = LoopSettings(
        folder=folder,
        config=config,
        network=FAMILY.make_network(shape, config, FAMILY.initial_weights(shape, config.seed)),
        sessions=sessions,
        train_count=np.bincount(sessions.item_indices, minlength=ITEMS),
        validate=None,
    )
    runner = TrainingLoop(plan)
    runner.run()
    weights = {name: variable.numpy() for name, variable in runner.network.variables.items()}
    model = FAMILY.make_keras_model(shape, weights)
    return model(np.arange(ITEMS)[:, None]).numpy()[:, 0]


@pytest.mark.parametrize("n_sample", [0, 8])
@pytest.mark.parametrize("loss", ["bpr-max", "top1-max", "bpr", "top1"])
def test_a_ranking_loss_learns_what_follows_each_item(tmp_path, loss, n_sample):
    scores = learned_scores(tmp_path, loss=loss, n_sample=n_sample)
    assert scores.argmax(axis=1).tolist() == SUCCESSOR


@pytest.mark.usefixtures("with_xla")
@pytest.mark.parametrize("options", [{"n_sample": 0}, {"n_sample": 16, "sample_alpha": 0.0}])
def test_the_cross_entropy_learns_the_chains_probabilities(tmp_path, options):
    scores = learned_scores(tmp_path, loss="cross-entropy", logq=1.0, **options)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert scores.argmax(axis=1).tolist() == SUCCESSOR
    # 500 events of each item give a share its standard error of sqrt(.7 * .3 / 500) = .02.
    assert np.abs(chances - transitions()).max() < 0.1


def test_smoothing_learns_the_chain_with_less_confidence(tmp_path):
    # Of the target, .4 is spread over six items: .6 * .7 + .4 / 6 = .49 is left for the likely.
    scores = learned_scores(tmp_path, n_sample=0, label_smoothing=0.4)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    likely = chances[np.arange(ITEMS), SUCCESSOR]
    assert np.abs(likely - (0.6 * LIKELY + 0.4 / ITEMS)).max() < 0.1
