"""A network is trained in memory: without a folder, and only until an event's handler stops it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.config.training import training_config
from sbrcli.errors import TrainingError
from sbrcli.models.training.events import (
    EpochEnded,
    EpochStarted,
    StepsDone,
    StopTraining,
    TrainingEvent,
    ValidationStarted,
)
from sbrcli.models.training.fit import TrainingData, fit
from tests.builders import make_sessions
from tests.models.toy_family import FAMILY, ToyConfig

CYCLE = make_sessions(*([s % 5, (s + 1) % 5, (s + 2) % 5] for s in range(20)))
CONFIG = training_config(ToyConfig)(width=6, batch_size=2, bptt=2, epochs=5, learning_rate=0.3)


def make_network() -> Any:
    shape = FAMILY.shape_of(CONFIG, 5)
    return FAMILY.make_network(shape, CONFIG, FAMILY.initial_weights(shape, seed=1))


def test_a_network_learns_what_follows_and_writes_nothing(tmp_path):
    network = make_network()
    history = fit(network, TrainingData(CYCLE), CONFIG)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    scores = np.array([network.scorer().score_next(np.array([item])) for item in range(5)])
    assert scores.argmax(axis=1).tolist() == [1, 2, 3, 4, 0]
    assert list(Path.cwd().iterdir()) == []


def test_a_handler_stops_the_training_after_the_second_epoch():
    seen = []

    def stop_after_two(event: TrainingEvent) -> None:
        if isinstance(event, EpochEnded):
            seen.append(event.metrics["mrr@20"])
            if len(seen) == 2:
                raise StopTraining

    data = TrainingData(CYCLE, lambda _: {"mrr@20": 0.5, "recall@20": 1.0, "ndcg@20": 0.6}, 40)
    history = fit(make_network(), data, CONFIG, stop_after_two)
    assert (len(history), seen) == (2, [0.5, 0.5])


def test_the_events_of_an_epoch_come_in_order_and_add_up():
    seen: list[Any] = []
    data = TrainingData(CYCLE, lambda _: {"mrr@20": 0.5}, num_valid=40)
    (row,) = fit(make_network(), data, replace(CONFIG, epochs=1), seen.append)
    at = {"epoch": 1, "epochs": 1, "phase": "fit"}
    assert seen[:3] == [
        EpochStarted(**at, num_targets=40),
        StepsDone(num_targets=40, loss=row["loss"]),
        ValidationStarted(**at, num_targets=40),
    ]
    (ended,) = seen[3:]
    assert asdict(ended) == at | {
        "num_targets": 40,
        "loss": row["loss"],
        "seconds": row["seconds"],
        "events_per_second": pytest.approx(40 / row["seconds"]),
        "metrics": {"mrr@20": 0.5},
        "is_best": True,
        "seconds_left": 0.0,
    }


def test_a_handler_that_stops_within_an_epoch_leaves_the_complete_ones():
    def stop_in_the_third(event: TrainingEvent) -> None:
        if isinstance(event, EpochStarted) and event.epoch == 3:
            raise StopTraining

    history = fit(make_network(), TrainingData(CYCLE), CONFIG, stop_in_the_third)
    assert [row["epoch"] for row in history] == [1, 2]


def test_a_loss_that_diverges_ends_the_training():
    network = make_network()
    network.variables["output/bias"].assign([np.nan] * 5)
    with pytest.raises(TrainingError) as caught:
        fit(network, TrainingData(CYCLE), CONFIG)
    assert str(caught.value) == "the loss is nan after 0 events of epoch 1"
    assert caught.value.hint == "train again with a lower learning rate"


def test_weights_that_are_not_finite_end_the_training():
    network = make_network()

    def spoil(event: TrainingEvent) -> None:
        if isinstance(event, StepsDone):  # the only call of an epoch
            network.variables["output/bias"].assign([np.inf] * 5)

    with pytest.raises(TrainingError) as caught:
        fit(network, TrainingData(CYCLE), CONFIG, spoil)
    assert str(caught.value) == "the weights are not finite after 40 events of epoch 1"


def test_epochs_are_judged_with_averaged_weights_which_training_does_not_see():
    def trained(average_weights: float) -> tuple[list[float], list[dict[str, Any]], Any]:
        network, judged = make_network(), []

        def validate(_scorer: Any) -> dict[str, float]:
            judged.append({name: one.numpy() for name, one in network.variables.items()})
            return {"mrr@20": 0.5}

        config = replace(CONFIG, average_weights=average_weights)
        history = fit(network, TrainingData(CYCLE, validate, 40), config)
        return [row["loss"] for row in history], judged, network

    plain, last_weights, _ = trained(0.0)
    losses, averages, network = trained(1.0)
    assert losses == pytest.approx(plain, rel=1e-6)
    for last, average in zip(last_weights, averages, strict=True):
        assert any(not np.allclose(last[name], average[name], rtol=1e-3) for name in last)
    for name, variable in network.variables.items():  # also when training has ended
        np.testing.assert_array_equal(variable, averages[-1][name])
