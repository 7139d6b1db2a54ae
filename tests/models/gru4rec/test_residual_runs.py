"""Runs whose network has a residual, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.manifests import MANIFEST, read_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.tensor_file import read_tensor
from sbrcli.config.training import training_config
from sbrcli.models.configuration import configure_training
from sbrcli.models.gru4rec.options import Gru4RecConfig
from sbrcli.models.gru4rec.weights import RESIDUAL
from sbrcli.models.loading import load_model, load_scorer
from sbrcli.models.registry import family_of, find_family
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow.run_settings import settings_of
from tests.builders import make_run
from tests.chains import make_workspace

SMALL = ("--hsz", 8, "--batch-size", 4, "--bptt", 4, "--epochs", 2, "--precision", "float32")
RUNS = Path("sbr-work", "runs")


def matrix_of(name: str) -> np.ndarray:
    return read_tensor(RUNS / name / WEIGHTS_FILE, RESIDUAL)


@pytest.mark.parametrize("n_sample", [0, 5])
def test_a_residual_is_learned_stored_and_scored_with(sbr, tmp_path, n_sample):
    make_workspace(tmp_path / "sbr-work")
    words = ("train", *SMALL, "--residual", "--n-sample", n_sample)
    assert sbr(*words, "--name", "run").code == 0
    manifest = read_json(RUNS / "run" / MANIFEST)
    assert manifest["network"]["residual"] is True
    assert manifest["config"]["residual"] is True
    assert np.abs(matrix_of("run")).max() > 0
    found = json.loads(sbr("evaluate", "--run", "run", "--split", "valid", "--json").stdout)
    best = manifest["epochs"][manifest["best_epoch"] - 1]
    assert found["metrics"]["mrr@20"] == pytest.approx(best["mrr@20"])
    model, items = load_model(RUNS / "run")
    session = np.array([items.index_of[item] for item in "1215"])
    scores = load_scorer(RUNS / "run").score_next(session)
    np.testing.assert_allclose(model(session[None])[0, -1], scores, atol=1e-5)


def test_runs_that_begin_from_one_with_a_residual_have_it_too(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--residual", "--refit", "--name", "run").code == 0
    rows = [f"900::{item}::5::{101 * 86_400 + 60 * at}" for at, item in enumerate((1, 777, 2))]
    Path("newer.dat").write_text("\n".join(rows) + "\n")
    assert sbr("update", "newer.dat", "--run", "run", "--name", "new").code == 0
    assert read_json(RUNS / "new" / MANIFEST)["network"]["residual"] is True
    assert not np.array_equal(matrix_of("new"), matrix_of("run"))
    assert sbr("train", *SMALL, "--residual", "--name", "first").code == 0
    assert sbr("train", "--from", "first", "--epochs", 1, "--name", "more").code == 0
    assert read_json(RUNS / "more" / MANIFEST)["config"]["residual"] is True


def test_a_run_from_before_there_were_residuals_has_none(tmp_path):
    run = Run.read(make_run(tmp_path))
    assert "residual" not in run.config
    assert settings_of(run)["config"]["residual"] is False
    assert RESIDUAL not in family_of(run).read_shape(run.network).weight_shapes()


def test_a_residual_needs_an_embedding(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    said = sbr("train", *SMALL, "--residual", "--embedding", "none")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr.startswith(
        "error: residual needs an embedding of the items: separate or shared. "
        "Received: --residual --embedding none\n"
    )


@pytest.mark.parametrize(
    ("given", "preset", "short_sessions", "has_residual"),
    [
        ({}, None, False, True),
        ({}, None, True, False),
        ({"residual": True}, None, True, True),
        ({"residual": False}, None, False, False),
        ({"embedding": "none"}, None, False, False),
        ({}, "best", False, True),
        ({}, "best", True, False),
        ({}, "notebook", False, False),
        ({}, "rsc15", False, False),
        ({"embedding": "separate"}, "notebook", False, False),
    ],
)
def test_long_sessions_have_a_residual_by_default(given, preset, short_sessions, has_residual):
    config = configure_training(given, preset, short_sessions=short_sessions)
    assert config.residual is has_residual
    assert find_family("gru4rec").family.shape_of(config, 9).has_residual is has_residual


def test_a_configuration_without_an_embedding_has_no_residual_to_add():
    config = training_config(Gru4RecConfig)(embedding="none")
    assert not find_family("gru4rec").family.shape_of(config, 9).has_residual


def test_a_run_without_a_residual_is_called_so(sbr, tmp_path):
    rows = [
        f"{user}::{(user + event) % 7}::5::{86_400 * user + 60 * event}"
        for user in range(30)
        for event in range(25)
    ]
    Path("log.dat").write_text("\n".join(rows) + "\n")
    assert sbr("preprocess", "log.dat", "--valid-days", 5, "--test-days", 5).code == 0
    assert sbr("train", *SMALL, "--name", "usual").code == 0
    assert read_json(RUNS / "usual" / MANIFEST)["config"]["residual"] is True
    assert sbr("train", *SMALL, "--no-residual", "--name", "run").code == 0
    assert read_json(RUNS / "run" / MANIFEST)["config"]["residual"] is False
    said = sbr("train", *SMALL, "--no-residual", "--dry-run", "--json")
    assert "-no-residual-" in json.loads(said.stdout)["plan"]["name"]
