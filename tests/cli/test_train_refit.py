"""`sbr train --refit` as its user meets it, from the plan to the recommendation."""

import json
import os
import signal
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from sbrcli.cli.output import Output
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.evaluation.validation import validate
from sbrcli.models.configuration import configure_training
from sbrcli.models.training.events import EpochStarted
from sbrcli.workflow.train import train
from sbrcli.workflow.training_job import make_job
from tests.chains import make_workspace, make_workspace_with_new_item
from tests.cli.small_run import NAME, RUN, SMALL, manifest
from tests.documents import code_lines
from tests.guide_reference import GUIDE

NEW = "777"
"""An item of valid and test that train lacks."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with a refitted run."""
    workspace = make_workspace_with_new_item(tmp_path_factory.mktemp("trained"))
    given = {"hsz": (4,), "batch_size": 4, "bptt": 4, "epochs": 2, "refit": True}
    config = configure_training(given, None, short_sessions=True)
    train(workspace, make_job(workspace, None, config, "run"), validate)
    return workspace.root


@pytest.fixture
def refitted(sbr, tmp_path: Path, trained: Path) -> dict:
    """The same here, and what `sbr train` says of it."""
    copytree(trained, tmp_path / "sbr-work")
    said = sbr("train", *SMALL, *NAME, "--refit", "--json")
    assert said.code == 0
    assert said.stderr == "run run already exists, trained with the same options\n"
    return json.loads(said.stdout)


def test_a_refitted_run_says_what_it_did_scores_test_and_recommends(sbr, refitted):
    assert [row["epoch"] for row in refitted["epochs"]] == [1, 2]
    rows = refitted["refit"]["epochs"]
    assert [row["epoch"] for row in rows] == list(range(1, refitted["best_epoch"] + 1))
    assert manifest()["refit"] == refitted["refit"]
    assert refitted["parameters"] == 41 * 4 + 41 + 2 * 4 * 12 + 2 * 12

    assert len((RUN / "history.csv").read_text().splitlines()) == 1 + 2
    again = (RUN / "refit" / "history.csv").read_text().splitlines()
    assert len(again) == 1 + refitted["best_epoch"]

    said = sbr("evaluate", "--json")
    protocol = json.loads(said.stdout)["protocol"]
    assert (said.code, protocol["unknown_events"], protocol["candidates"]) == (0, 0, 41)
    said = sbr("recommend", "--items", f"{NEW},1", "-k", 40, "--json")
    recommended = json.loads(said.stdout)
    assert recommended["unknown"] == []
    assert len(recommended["items"]) == 39
    assert NEW not in {row["item"] for row in recommended["items"]}, "it has been seen"
    said = sbr("recommend", "--items", "1", "-k", 41, "--json")
    assert NEW in {row["item"] for row in json.loads(said.stdout)["items"]}


def test_a_refitted_run_is_not_scored_on_what_it_was_trained_on(sbr, refitted):
    said = sbr("evaluate", "--split", "valid")
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: run run was trained on the valid split too (--refit)\n"
        "hint: evaluate it on test: leave --split out; or on a later log: sbr evaluate --log LOG\n"
    )


def test_a_refitted_run_is_a_keras_model_with_the_new_item(refitted):
    from sbrcli.models.gru4rec.network import load_model
    from sbrcli.models.loading import load_scorer

    model, items = load_model(RUN)
    session = [items.index_of[NEW], items.index_of["1"]]
    scores = np.asarray(model(np.array([session])))[0, -1]
    np.testing.assert_allclose(scores, load_scorer(RUN).score_next(np.array(session)), atol=1e-5)


def test_the_lines_of_python_in_the_guide_run(refitted):
    page = (GUIDE / "training.md").read_text(encoding="utf-8")
    code = "\n".join(code_lines(page, "python"))
    code = code.replace("sbr-work/runs/ratings-user-1x100", str(RUN)).replace(
        '"3186", "1270"', f'"1", "{NEW}"'
    )
    names: dict[str, Any] = {}
    exec(code, names)
    scores, items = names["scores"], names["items"]
    assert "items.ids[scores.numpy().argmax()]" in page
    assert items.ids[scores.numpy().argmax()] in items.index_of
    assert scores.shape == (len(items.ids),)


def test_a_person_gets_a_second_table_and_sees_the_phase(sbr, tmp_path, monkeypatch):
    make_workspace_with_new_item(tmp_path)
    titles = []
    progress = Output.progress

    def note(output: Output, count: int, unit: str, title: str):
        titles.append(title)
        return progress(output, count, unit, title)

    monkeypatch.setattr(Output, "progress", note)
    said = sbr("train", *SMALL, *NAME, "--refit")
    assert said.code == 0
    best = manifest()["best_epoch"]
    again = [f"refit epoch {n}/{best}" for n in range(1, best + 1)]
    fit = ["epoch 1/2", "validating epoch 1/2", "epoch 2/2", "validating epoch 2/2"]
    assert titles == [*fit, *again]
    first, second = said.stdout.strip("\n").split("\n\n")
    assert len(first.splitlines()) == 1 + 2
    header, *rows = second.splitlines()
    assert header == "epoch\tloss\tseconds\tevents_per_second"
    assert [row.split("\t")[:2] for row in rows] == [
        [str(row["epoch"]), str(row["loss"])] for row in manifest()["refit"]["epochs"]
    ]


def test_ctrl_c_in_the_refit_says_how_to_go_on(sbr, tmp_path, monkeypatch):
    make_workspace_with_new_item(tmp_path)

    def press(_bars: object, event: object) -> None:
        if isinstance(event, EpochStarted) and event.phase == "refit":
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "show", press)
        said = sbr("train", *SMALL, *NAME, "--refit")
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr == ("error: interrupted\nhint: sbr train --resume --name run continues it\n")
    assert (manifest()["status"], manifest()["phase"]) == ("training", "refit")
    assert sbr("evaluate", "--run", "run").code == 5, "no run for anyone before it is whole"
    resumed = json.loads(sbr("train", "--resume", "--json").stdout)
    assert len(resumed["epochs"]) == 2
    assert len(resumed["refit"]["epochs"]) == resumed["best_epoch"]


def test_the_plan_tells_what_a_refit_trains_on(sbr, tmp_path):
    make_workspace_with_new_item(tmp_path)
    plan, refit = (
        json.loads(sbr("train", *SMALL, "--dry-run", "--json", *more).stdout)
        for more in ([], ["--refit"])
    )
    assert "refit_events" not in plan["plan"]
    assert refit["plan"]["refit"] is True
    held = json.loads(Path("sbr-work/datasets/user/manifest.json").read_text())
    for what in ("events", "sessions", "items"):
        assert refit["plan"][f"refit_{what}"] == held["train_full"][what]
    # One item more has a row of 4 units and a bias.
    assert refit["parameters"] == plan["parameters"] + 4 + 1
    assert refit["plan"]["name"] != plan["plan"]["name"]


def test_a_run_without_refit_is_another_run(sbr, refitted):
    said = sbr("train", *SMALL, *NAME)
    assert (said.code, said.stderr) == (
        5,
        "error: run run already exists, trained with other options or on other data\n"
        "hint: --overwrite replaces it, --name gives this one another name\n",
    )


def test_a_refit_without_a_valid_split_is_a_wrong_option(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work", valid_days=0)
    for more in ([], ["--dry-run"]):
        said = sbr("train", "--refit", *more)
        assert (said.code, said.stdout) == (4, "")
        assert said.stderr == (
            "error: refit needs a valid split, on which the best number of epochs is found; "
            "dataset user has none\n"
            "hint: leave --refit out: all events before test are trained on as it is\n"
        )
