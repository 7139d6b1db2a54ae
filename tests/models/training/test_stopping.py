"""When training stops, which epoch is best, and in which order sessions are taken."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training.history import best_epoch
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.training.step import TrainingStep
from sbrcli.models.weights_file import load_weights
from tests.builders import TrainConfig, make_sessions

SESSIONS = [[0, 1, 2], [3, 4], [5, 6, 7, 8], [8, 0], [1, 3, 5, 7, 2], [4, 6]]
PAIRS = sorted(
    (session, place) for session, items in enumerate(SESSIONS) for place in range(len(items) - 1)
)
NUM_EVENTS = sum(map(len, SESSIONS))


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch):
    """No step is taken here, so none need be compiled."""
    monkeypatch.setattr(TrainingStep, "compile", lambda _step: None)


def make_runner(folder: Path, figures: list[dict] | None = None, **options) -> TrainingLoop:
    """Make a runner whose epochs have these figures on the valid split."""
    config = TrainConfig(
        **{"hsz": (2,), "batch_size": 2, "bptt": 1, "n_sample": 0, "epochs": 6} | options
    )
    script = iter(figures or [])
    # Every event is an item of its own, so that a pair shows where it comes from.
    events = iter(range(NUM_EVENTS))
    shape = GruShape(NUM_EVENTS, config.units, config.embedding)
    plan = LoopSettings(
        folder=folder,
        config=config,
        network=FAMILY.make_network(shape, config, FAMILY.initial_weights(shape, config.seed)),
        sessions=make_sessions(*[[next(events) for _ in items] for items in SESSIONS]),
        train_count=np.ones(NUM_EVENTS, int),
        validate=(lambda _scorer: next(script)) if figures is not None else None,
    )
    return TrainingLoop(plan)


def idle(runner: TrainingLoop) -> list[dict[str, np.ndarray]]:
    """Let a runner's steps do nothing but record what they are given, a call each."""
    calls = []

    def record(inputs, targets, starts, is_pair, states):
        calls.append({"inputs": inputs, "targets": targets, "is_pair": is_pair})
        return tf.constant(1.0), states

    runner.step.walk = record
    return calls


def figures_of(*mrr: float) -> list[dict]:
    """Give epochs these mrr@20, while recall@20 falls and ndcg@20 has its best in epoch 2."""
    return [
        {"mrr@20": value, "recall@20": 1 / (n + 1), "ndcg@20": float(n == 1)}
        for n, value in enumerate(mrr)
    ]


@pytest.mark.parametrize(
    ("patience", "mrr", "trained"),
    [
        (0, [0.3, 0.2, 0.1, 0.1, 0.1, 0.1], 6),  # Never stops.
        (1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6),  # Always better.
        (1, [0.3, 0.2], 2),  # Epoch 2 is no better.
        (2, [0.3, 0.2, 0.1], 3),
        (2, [0.1, 0.3, 0.2, 0.25], 4),  # Better than the last is not better than the best.
        (2, [0.1, 0.3, 0.2, 0.4, 0.1, 0.1], 6),  # Counted anew from each best.
        (2, [0.3, 0.3, 0.3], 3),  # As good is not better.
        (9, [0.3, 0.2, 0.1, 0.1, 0.1, 0.1], 6),
    ],
)
def test_training_stops_after_n_epochs_without_a_better(tmp_path, patience, mrr, trained):
    runner = make_runner(tmp_path, figures_of(*mrr), patience=patience)
    idle(runner)
    history = runner.run()
    assert [row["epoch"] for row in history] == list(range(1, trained + 1))


def test_without_a_valid_split_all_epochs_are_trained_and_the_last_is_best(tmp_path):
    runner = make_runner(tmp_path, None, patience=1)
    idle(runner)
    history = runner.run()
    assert len(history) == 6
    assert best_epoch(history, "mrr@20") == 6


@pytest.mark.parametrize(
    ("monitor", "best", "trained"), [("mrr@20", 3, 4), ("recall@20", 1, 2), ("ndcg@20", 2, 3)]
)
def test_the_monitored_figure_chooses_the_best_epoch_and_when_to_stop(
    tmp_path, monitor, best, trained
):
    figures = figures_of(0.1, 0.2, 0.3, 0.2, 0.2, 0.2)
    runner = make_runner(tmp_path, figures, monitor=monitor, patience=1)
    idle(runner)
    history = runner.run()
    assert (best_epoch(history, monitor), len(history)) == (best, trained)


def test_the_best_epochs_weights_are_the_ones_kept(tmp_path):
    runner = make_runner(tmp_path, figures_of(0.1, 0.3, 0.2), epochs=3, average_weights=0.0)
    number = iter(range(1, 4))

    def mark(inputs, targets, starts, is_pair, states):
        runner.step.variables["output/bias"].assign(tf.fill((NUM_EVENTS,), float(next(number))))
        return tf.constant(1.0), states

    runner.step.walk = mark  # One call an epoch.
    runner.run()
    weights = load_weights(tmp_path / "weights.safetensors", runner.network.shape)
    assert set(weights["output/bias"]) == {2.0}


def test_a_resumed_run_that_had_stopped_trains_no_further(tmp_path):
    figures = figures_of(0.3, 0.2)
    first = make_runner(tmp_path, figures, patience=1)
    idle(first)
    first.run()
    again = make_runner(tmp_path, figures, patience=1)
    assert idle(again) == []
    assert len(again.run()) == 2


def walked_epochs(folder: Path, **options) -> list[list[tuple[int, int]]]:
    """Give each epoch's pairs of events, step by step and lane by lane."""
    folder.mkdir(exist_ok=True)
    runner = make_runner(folder, None, **options)
    calls = idle(runner)
    runner.run()
    return [
        [
            (int(call["inputs"][place]), int(call["targets"][place]))
            for place in np.ndindex(call["inputs"].shape)
            if call["is_pair"][place]
        ]
        for call in calls
    ]


def every_pair() -> list[tuple[int, int]]:
    offsets = np.cumsum([0, *map(len, SESSIONS)])
    return [(offsets[session] + n, offsets[session] + n + 1) for session, n in PAIRS]


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_epoch_walks_every_pair_exactly_once(tmp_path, shuffle):
    for epoch in walked_epochs(tmp_path, shuffle=shuffle, epochs=5):
        assert sorted(epoch) == every_pair()


def test_without_shuffling_every_epoch_takes_sessions_by_their_start(tmp_path):
    epochs = walked_epochs(tmp_path, epochs=3, batch_size=1)
    assert epochs == [every_pair()] * 3


def test_shuffling_permutes_sessions_again_each_epoch_and_leaves_them_whole(tmp_path):
    epochs = walked_epochs(tmp_path, shuffle=True, epochs=5, batch_size=1)
    assert len({tuple(epoch) for epoch in epochs}) == 5
    offsets = np.cumsum([0, *map(len, SESSIONS)]).tolist()
    for epoch in epochs:
        taken = [offsets.index(start) for start, _ in epoch if start in offsets]
        assert sorted(taken) == list(range(len(SESSIONS)))
        pairs = [
            (offsets[s] + n, offsets[s] + n + 1) for s in taken for n in range(len(SESSIONS[s]) - 1)
        ]
        assert epoch == pairs


def test_the_seed_decides_the_shuffles(tmp_path):
    one, same, other = (
        walked_epochs(tmp_path / name, shuffle=True, epochs=2, seed=seed)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    assert one != other


def test_a_resumed_run_shuffles_as_one_never_interrupted(tmp_path):
    whole = walked_epochs(tmp_path / "whole", shuffle=True, epochs=4)
    first = walked_epochs(tmp_path / "cut", shuffle=True, epochs=2)
    rest = walked_epochs(tmp_path / "cut", shuffle=True, epochs=4)
    assert first + rest == whole
