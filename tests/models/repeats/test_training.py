"""Networks that learn repeats: the step's gradients, what is learned, and a training that stops."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sbrcli.config.training import training_config
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.network import OUTPUT_REPEATS, Family
from sbrcli.models.registry import find_family
from sbrcli.models.repeats.family import RepeatsFamily
from sbrcli.models.repeats.lanes import LaneRepeats
from sbrcli.models.repeats.shape import RepeatsShape
from sbrcli.models.training.events import StepsDone, StopTraining
from sbrcli.models.training.fit import TrainingData, fit
from sbrcli.models.training.lanes import Lanes, arrange_lanes
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.training.step import TrainingStep
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.sessions import Sessions
from tests.builders import TrainConfig, make_sessions
from tests.models import toy_family
from tests.models.gru4rec.literal import slow_event, slow_gradients
from tests.models.repeats.literal import TERMS, ages_of
from tests.models.toy_family import ToyConfig
from tests.models.training.test_step import Recorder

ITEMS, LANES, BPTT = 6, 2, 4
# Both lanes run over the border of two chunks, and have items from before it again.
LISTS = [[0, 1, 0, 0, 2, 3, 1, 1, 4], [3, 4, 3], [5, 4, 4, 2, 5, 5]]
REPEATS_GRU = find_family("gru4rec")
REPEATS_TOY = RepeatsFamily(cast(Family, toy_family.FAMILY))
SHAPE = GruShape(ITEMS, (3,), "shared")
ToyTrainConfig = training_config(ToyConfig)


def literal_loss(
    lanes: Lanes, sessions: Sessions, weights: dict[str, np.ndarray], states: np.ndarray
) -> float:
    """Sum the losses of lanes from their states on, which are those after the lanes in the end."""
    loss = 0.0
    for lane in range(lanes.inputs.shape[1]):
        here: list[Any] = [states[lane]]
        for step in np.flatnonzero(lanes.is_pair[:, lane]):
            if lanes.starts[step, lane]:
                here = [np.zeros(3)]
            scores = slow_event(int(lanes.inputs[step, lane]), here, weights, SHAPE)
            event = lanes.events[step, lane]
            begin = sessions.offsets[np.searchsorted(sessions.offsets, event, side="right") - 1]
            for item, age in ages_of(sessions.item_indices[begin : event + 1].tolist()).items():
                scores[item] += weights[OUTPUT_REPEATS][age]
            loss += np.log(np.exp(scores).sum()) - scores[lanes.targets[step, lane]]
        states[lane] = here[0]
    return loss


def test_the_gradients_of_a_chunk_are_those_of_the_literal_loss_with_ages_from_before_it():
    config = TrainConfig(
        hsz=(3,), batch_size=LANES, bptt=BPTT, dropout=0, embedding_dropout=0, repeats="learned"
    )
    rng = np.random.default_rng(3)
    weights: dict[str, Any] = {
        name: weight + rng.normal(0, 0.2, weight.shape)
        for name, weight in FAMILY.initial_weights(SHAPE, 2).items()
    } | {OUTPUT_REPEATS: TERMS.astype(float)}
    network = REPEATS_GRU.make_network(RepeatsShape(SHAPE), config, weights)
    step: Any = TrainingStep(network, config)
    step.optimizer = Recorder(step.variables)
    sessions = make_sessions(*LISTS)
    lanes, repeats = arrange_lanes(sessions, LANES).padded(BPTT), LaneRepeats(sessions, BPTT)
    assert len(lanes.inputs) >= 2 * BPTT
    assert not lanes.starts[BPTT].any()
    two = lanes.part(slice(2 * BPTT))
    arrays = (two.inputs, two.targets, two.starts, two.is_pair)
    loss, _ = step.walk(*arrays, step.zero_states(), repeats.of(two))

    weights = {name: v.numpy().astype(float) for name, v in step.variables.items()}
    border = np.zeros((LANES, 3))
    first = literal_loss(lanes.part(slice(BPTT)), sessions, weights, border)
    second = lanes.part(slice(BPTT, 2 * BPTT))
    total = first + literal_loss(second, sessions, weights, border.copy())
    assert float(loss) == pytest.approx(total, rel=1e-5)
    rows = LANES * BPTT
    slopes = slow_gradients(
        lambda: literal_loss(second, sessions, weights, border.copy()) / rows, weights
    )
    for name, gradient in step.optimizer.gradients().items():
        np.testing.assert_allclose(gradient, slopes[name], atol=2e-6, err_msg=name)
    assert (np.abs(slopes[OUTPUT_REPEATS]) > 1e-3).sum() > 3


def learned_terms(lists: list[list[int]], **options: Any) -> np.ndarray:
    config = {"repeats": "learned", "batch_size": 4, "bptt": 4, "epochs": 8, "n_sample": 0}
    configuration = ToyTrainConfig(**config | options)
    shape = REPEATS_TOY.shape_of(configuration, 12)
    network = REPEATS_TOY.make_network(shape, configuration, REPEATS_TOY.initial_weights(shape, 1))
    fit(network, TrainingData(make_sessions(*lists)), configuration)
    return network.variables[OUTPUT_REPEATS].numpy()


@pytest.mark.parametrize("options", [{}, {"n_sample": 6}, {"loss": "bpr-max", "n_sample": 6}])
def test_that_no_item_comes_twice_is_learned(options):
    rng = np.random.default_rng(4)
    terms = learned_terms([rng.permutation(12).tolist() for _ in range(40)], **options)
    assert (terms < -0.2).all()


def test_that_the_item_before_the_last_one_comes_again_is_learned():
    rng = np.random.default_rng(4)
    pairs = [rng.permutation(12)[:2].tolist() for _ in range(60)]
    terms = learned_terms([pair * 4 for pair in pairs])
    assert terms[1] > terms[0] + 1
    assert np.abs(terms[2:]).max() < 1e-3, "no item is older than that"


def make_loop(folder: Path, **settings: Any) -> TrainingLoop:
    options = {"batch_size": 2, "bptt": 2, "epochs": 2, "n_sample": 4, "shuffle": True}
    config = ToyTrainConfig(**options, repeats="learned")
    folder.mkdir(exist_ok=True)
    shape = REPEATS_TOY.shape_of(config, ITEMS)
    network = REPEATS_TOY.make_network(shape, config, REPEATS_TOY.initial_weights(shape, 1))
    sessions = make_sessions(*LISTS, *LISTS)
    counts = np.bincount(sessions.item_indices, minlength=ITEMS)
    plan = {"folder": folder, "config": config, "network": network, "sessions": sessions}
    return TrainingLoop(LoopSettings(**plan, train_count=counts, validate=None, **settings))


def test_a_training_in_windows_that_stops_within_an_epoch_goes_on_to_the_same_terms(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 4)
    make_loop(tmp_path / "whole").run()
    monkeypatch.setattr("sbrcli.models.training.arrangement.WINDOW_PAIRS", 1)  # a call each
    calls = 0

    def stop(event: object) -> None:
        nonlocal calls
        calls += isinstance(event, StepsDone)
        if calls == 3:
            raise StopTraining

    with pytest.raises(StopTraining):
        make_loop(tmp_path / "run", on_event=stop).run()
    assert not (tmp_path / "run" / WEIGHTS_FILE).exists(), "it stopped within the first epoch"
    make_loop(tmp_path / "run").run()
    weights = [(tmp_path / name / WEIGHTS_FILE).read_bytes() for name in ("run", "whole")]
    assert weights[0] == weights[1]
