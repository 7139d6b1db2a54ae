"""Runs whose networks learn repeats, from the command line, of a family that does not know them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.artefacts.items import RunItems
from sbrcli.artefacts.manifests import MANIFEST, read_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.tensor_file import read_tensor
from sbrcli.models import registry
from sbrcli.models.loading import load_model, load_scorer
from sbrcli.models.network import OUTPUT_REPEATS
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow.run_settings import settings_of
from tests.builders import make_run
from tests.chains import make_workspace
from tests.models import toy_family
from tests.models.repeats.literal import with_terms

SMALL = ("--model", "toy", "--width", 8, "--batch-size", 4, "--bptt", 4, "--epochs", 2)
SMALL += ("--precision", "float32", "--repeats", "learned")
RUNS = Path("sbr-work", "runs")
NAME = "user-toy8-repeats-learned-batch4-bptt4-epochs2-float32"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    import sbrcli.cli.train_options  # noqa: F401  its help names the families once, without toy

    monkeypatch.setitem(registry.FAMILIES, "toy", "")  # undone after the test
    toy_family.register()


def terms_of(name: str) -> np.ndarray:
    return read_tensor(RUNS / name / WEIGHTS_FILE, OUTPUT_REPEATS)


def literal_scores(name: str, session: list[int]) -> np.ndarray:
    weights = RUNS / name / WEIGHTS_FILE
    names = ("embedding/table", "output/table", "output/bias")
    embedding, table, bias = (read_tensor(weights, one) for one in names)
    return with_terms(table @ embedding[session[-1]] + bias, session, terms_of(name))


def session_of(items: RunItems, ids: str) -> list[int]:
    return [items.index_of[item] for item in ids.split(",")]


def recommended(sbr: Any, name: str, ids: str) -> Mapping[str, float]:
    words = ("--run", name, "--items", ids, "-k", 40, "--include-seen", "--json")
    found = json.loads(sbr("recommend", *words).stdout)["items"]
    return {row["item"]: row["score"] for row in found}


def test_a_run_that_learns_repeats_is_evaluated_and_recommends_with_them(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    trained = json.loads(sbr("train", *SMALL, "--json").stdout)
    assert trained["run"] == NAME
    assert trained["parameters"] == 40 * (8 + 8 + 1) + 6
    manifest = read_json(RUNS / NAME / MANIFEST)
    assert manifest["network"] == {"num_items": 40, "units": 8, "repeats": True}
    assert manifest["config"]["repeats"] == "learned"
    assert terms_of(NAME)[0] < 0, "no item of the chain follows itself"
    found = json.loads(sbr("evaluate", "--run", NAME, "--split", "valid", "--json").stdout)
    best = manifest["epochs"][manifest["best_epoch"] - 1]
    assert found["metrics"]["mrr@20"] == pytest.approx(best["mrr@20"])

    model, items = load_model(RUNS / NAME)
    session = session_of(items, "1,2,1,5,1")
    wanted = literal_scores(NAME, session)
    np.testing.assert_allclose(load_scorer(RUNS / NAME).score_next(np.array(session)), wanted, 1e-5)
    np.testing.assert_allclose(model(np.array([session]))[0, -1], wanted, atol=1e-5)
    scores = recommended(sbr, NAME, "1,2,1,5,1")
    assert len(scores) == 40
    for item, score in scores.items():
        assert score == pytest.approx(wanted[items.index_of[item]], abs=1e-4)


def test_runs_that_go_on_from_one_with_repeats_have_them_too(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--refit", "--name", "run").code == 0
    assert read_json(RUNS / "run" / MANIFEST)["network"]["repeats"] is True
    rows = [f"900::{item}::5::{101 * 86_400 + 60 * at}" for at, item in enumerate((1, 777, 2))]
    Path("newer.dat").write_text("\n".join(rows) + "\n")
    assert sbr("update", "newer.dat", "--run", "run", "--name", "new").code == 0
    assert read_json(RUNS / "new" / MANIFEST)["network"]["repeats"] is True
    assert not np.array_equal(terms_of("new"), terms_of("run"))

    assert sbr("train", *SMALL, "--name", "first").code == 0
    assert sbr("train", "--from", "first", "--epochs", 1, "--name", "more").code == 0
    assert read_json(RUNS / "more" / MANIFEST)["config"]["repeats"] == "learned"
    refused = sbr("train", "--from", "first", "--repeats", "off")
    assert refused.code == 2
    assert refused.stderr.splitlines()[0] == (
        "error: a run that begins at the weights of run first has its network; --repeats would "
        "make another one"
    )


def test_a_run_from_before_there_were_repeats_has_none(tmp_path):
    run = Run.read(make_run(tmp_path))
    assert "repeats" not in run.config
    assert settings_of(run)["config"]["repeats"] == "off"
    assert OUTPUT_REPEATS not in registry.family_of(run).read_shape(run.network).weight_shapes()
