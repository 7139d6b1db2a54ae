"""SASRec as a family: what `sbr` does with its runs, and what it refuses."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.artefacts.manifests import MANIFEST, read_json
from sbrcli.errors import ConfigError, OptionError
from sbrcli.models.configuration import config_class_of, configure_training
from sbrcli.models.loading import load_model, load_scorer
from sbrcli.models.registry import find_family
from sbrcli.models.sasrec.family import FAMILY
from sbrcli.models.sasrec.options import SasRecConfig
from sbrcli.models.sasrec.weights import SasRecShape
from sbrcli.models.training.events import StepsDone, TrainingEvent
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.weights_file import WEIGHTS_FILE
from tests.builders import make_sessions
from tests.chains import make_workspace
from tests.models.training.test_epochs import CrashError

RUNS = Path("sbr-work", "runs")
SIZES = ("--model", "sasrec", "--blocks", 1, "--hsz", 4, "--heads", 2, "--window", 4)
SMALL = (*SIZES, "--batch-size", 4, "--bptt", 4, "--epochs", 1, "--precision", "float32")


def test_a_sasrec_trains_evaluates_recommends_and_is_exported(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    trained = sbr("train", *SMALL, "--gates", "--json")
    assert trained.code == 0, trained.stderr
    run = RUNS / json.loads(trained.stdout)["run"]
    assert run.name == "user-sasrec1x4-window4-gates-batch4-bptt4-epochs1-float32"
    manifest = read_json(run / MANIFEST)
    assert manifest["model"] == "sasrec"
    sizes = {"num_items": 40, "hsz": 4, "blocks": 1, "heads": 2, "window": 4}
    assert manifest["network"] == sizes | {"feed_forward": 1, "gates": True}

    found = json.loads(sbr("evaluate", "--hybrid", "--json").stdout)
    assert {"sasrec", "hybrid"} < {row["model"] for row in found["leaderboard"]}
    said = sbr("recommend", "--items", "1,2,3,4,5", "-k", 3, "--why", "--json")
    best = json.loads(said.stdout)["items"][0]
    assert "why" in best
    model, items = load_model(run)
    session = np.array([items.index_of[item] for item in "12345"])
    scores = load_scorer(run).score_next(session)
    assert best["score"] == pytest.approx(np.delete(scores, session).max(), abs=1e-5)
    np.testing.assert_allclose(model(session[None])[0, -1], scores, atol=1e-5)
    assert len(json.loads(sbr("similar", "3", "-k", 2, "--json").stdout)["items"]) == 2
    exported = sbr("export", "--out", "shop", "--json")
    assert "model.onnx" in json.loads(exported.stdout)["files"]


def test_a_sasrec_with_drawn_negatives_is_refitted_and_learns_new_items(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    options = ("--loss", "bpr-max", "--n-sample", 8, "--repeats", "learned")
    options += ("--refit", "--name", "run")
    trained = sbr("train", *SMALL, *options)
    assert trained.code == 0, trained.stderr
    rows = [f"900::{item}::5::{101 * 86_400 + 60 * at}" for at, item in enumerate((1, 777, 2))]
    Path("newer.dat").write_text("\n".join(rows) + "\n")
    said = sbr("update", "newer.dat", "--name", "new", "--json")
    assert said.code == 0, said.stderr
    assert json.loads(said.stdout)["added"] == {"events": 3, "sessions": 1, "items": 1}
    assert read_json(RUNS / "new" / MANIFEST)["network"]["num_items"] == 41
    assert sbr("recommend", "--run", "new", "--items", "777", "-k", 3).code == 0


def test_a_training_that_crashes_within_a_session_resumes_to_the_same_weights(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 12)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    config_class: Any = config_class_of("sasrec")
    small = {"blocks": 1, "hsz": (4,), "heads": 2, "window": 4, "batch_size": 3, "bptt": 2}
    config = config_class(**small, epochs=2, dropout=0.3, repeats="off")
    sessions = make_sessions(*([(s * step) % 7 for step in range(2, 13)] for s in range(6)))
    heard = []

    def crash(event: TrainingEvent) -> None:
        heard.append(event)
        if sum(isinstance(one, StepsDone) for one in heard) == 3:
            raise CrashError

    def loop_in(name: str, **settings: Any) -> TrainingLoop:
        (tmp_path / name).mkdir(exist_ok=True)
        shape = FAMILY.shape_of(config, 7)
        network: Any = FAMILY.make_network(shape, config, FAMILY.initial_weights(shape, 1))
        plan = LoopSettings(
            folder=tmp_path / name,
            config=config,
            network=network,
            sessions=sessions,
            train_count=np.bincount(sessions.item_indices, minlength=7),
            validate=None,
            checkpoint_seconds=0.0,
            **settings,
        )
        return TrainingLoop(plan)

    loop_in("whole").run()
    with pytest.raises(CrashError):
        loop_in("crashed", on_event=crash).run()
    loop = loop_in("crashed")
    assert loop.is_resumed
    assert float(np.max(loop.restored_states[-1])) > 0  # in mid-session
    loop.run()
    weights = [(tmp_path / name / WEIGHTS_FILE).read_bytes() for name in ("whole", "crashed")]
    assert weights[0] == weights[1]


def test_the_defaults_for_short_sessions_have_a_smaller_window():
    for is_short, window in ((False, SasRecConfig().window), (True, 16)):
        config: Any = configure_training({}, None, short_sessions=is_short, model="sasrec")
        assert config.window == window


@pytest.mark.parametrize(
    ("given", "rate"),
    [({}, 0.02), ({"learning_rate": 0.05}, 0.05), ({"optimizer": "adam"}, 0.002)],
)
@pytest.mark.parametrize("is_short", [False, True])
def test_adagrad_has_a_learning_rate_of_its_own(given, rate, is_short):
    config = configure_training(given, None, short_sessions=is_short, model="sasrec")
    assert config.learning_rate == rate


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"hsz": (8, 4)}, OptionError, "hsz of --model sasrec must be one number. Received: 8,4"),
        (
            {"hsz": (9,), "heads": 2},
            ConfigError,
            "hsz must be a multiple of heads. Received: --hsz 9 --heads 2",
        ),
    ],
)
def test_sizes_that_make_no_network_are_refused(options, kind, message):
    with pytest.raises(kind) as caught:
        SasRecConfig(**options)
    assert str(caught.value) == message


def test_a_manifest_that_describes_no_network_is_refused():
    shape = SasRecShape(9, 4, 1, 2, 4, 1, has_gates=False)
    family, network = find_family("sasrec"), shape.to_manifest()
    assert family.read_shape(network) == shape
    for wrong in ({"hsz": 5}, {"window": 1}, {"blocks": "2"}, {"heads": 0}):
        with pytest.raises(ValueError, match="sizes"):
            family.read_shape(network | wrong)


def test_an_option_of_one_network_names_that_network(sbr):
    said = sbr("train", "--window", 8)
    assert (said.code, said.stderr.splitlines()[0]) == (
        2,
        "error: window is an option of --model sasrec, not of --model gru4rec",
    )
