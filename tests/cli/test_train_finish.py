"""`sbr train --finish`, and what is said of a run that is not complete."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.manifests import write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.models.training.events import EpochEnded, StepsDone
from sbrcli.models.weights_file import WEIGHTS_FILE, epoch_of_weights
from sbrcli.workflow import finish
from tests.chains import make_workspace, make_workspace_with_new_item
from tests.cli.small_run import NAME, RUN, SMALL, manifest, weights

HINT = (
    "hint: sbr train --resume --name run continues it, sbr train --finish run keeps its best "
    "epoch\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "sbr-work")


def interrupt(sbr, monkeypatch, at, *words, times=1, small=SMALL):
    """Begin a run and press Ctrl-C at the n-th event of a type."""
    left = times

    def press(_bars, event) -> None:
        nonlocal left
        left -= isinstance(event, at)
        if isinstance(event, at) and left == 0:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "show", press)
        said = sbr("train", *small, *NAME, *words)
    assert said.code == 130
    return said


def test_the_best_epoch_of_an_interrupted_run_becomes_the_run(sbr, workspace, monkeypatch):
    sbr("train", *SMALL[:-1], 1, "--name", "one")
    interrupt(sbr, monkeypatch, EpochEnded, small=(*SMALL[:-1], 3))
    said = sbr("train", "--finish", "run", "--json")
    assert (said.code, said.stderr) == (0, "run run is complete with the weights of epoch 1\n")
    document = json.loads(said.stdout)
    assert (document["best_epoch"], len(document["epochs"])) == (1, 1)
    assert document["stopped"] == "finished by --finish in epoch 2 of 3"
    assert (manifest()["status"], manifest()["stopped"]) == ("complete", document["stopped"])
    assert manifest()["versions"].keys() == {"tensorflow", "keras", "numpy"}
    assert weights() == Path("sbr-work/runs/one/weights.safetensors").read_bytes()
    assert not (RUN / "checkpoint").exists()
    assert (RUN / "unfinished/checkpoint/state.safetensors").is_file()
    assert sbr("evaluate", "--run", "run").code == 0
    assert sbr("recommend", "--run", "run", "--items", "1").code == 0
    for words in (["--finish", "run"], ["--resume", "--name", "run"]):
        assert sbr("train", *words).stderr == "run run is complete already\n"


def test_where_the_checkpoint_is_damaged_the_history_says_what_is_done(sbr, workspace, monkeypatch):
    interrupt(sbr, monkeypatch, EpochEnded)
    kept = json.loads(sbr("train", "--dry-run", *SMALL, "--json").stdout)
    assert kept["epochs"] == []
    (RUN / "checkpoint/state.safetensors").write_bytes(b"nothing")
    document = json.loads(sbr("train", "--finish", "run", "--json").stdout)
    (row,) = document["epochs"]
    assert row["epoch"] == 1
    assert 0 < row["loss"] < 10
    assert 0 <= row["mrr@20"] <= 1
    assert sbr("evaluate").code == 0


def test_a_run_without_a_finished_epoch_cannot_be_finished(sbr, workspace, monkeypatch):
    interrupt(sbr, monkeypatch, StepsDone)
    said = sbr("train", "--finish", "run")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: no epoch of run run is done\nhint: sbr train --resume --name run continues it\n"
    )
    assert manifest()["status"] == "training"


def test_finish_takes_a_run_and_nothing_else(sbr, workspace):
    for words in (["--epochs", 2], ["--overwrite"], ["--name", "x"], ["--checkpoint-minutes", 1]):
        said = sbr("train", "--finish", "run", *words)
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            "error: --finish takes an interrupted run as it is, and no other option\n"
            "hint: sbr train --finish run\n"
        )
    said = sbr("train", "--finish", "run")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.startswith("error: no run named run in sbr-work\n")


def test_finishing_a_run_that_is_not_there_makes_no_work_directory(sbr):
    said = sbr("train", "--finish", "run")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == "error: no run named run in sbr-work\nhint: make one with: sbr train\n"
    assert not Path("sbr-work").exists()


def test_a_refit_that_is_finished_keeps_the_weights_from_before_it(sbr, tmp_path, monkeypatch):
    make_workspace_with_new_item(tmp_path)
    sbr("train", *SMALL, "--name", "alone")
    interrupt(sbr, monkeypatch, EpochEnded, "--refit", times=3)
    said = sbr("evaluate")
    assert sbr("evaluate", "--run", "run").stderr == (
        f"error: run run is in epoch {manifest()['best_epoch']} of {manifest()['best_epoch']} "
        f"of the refit (interrupted)\n{HINT}"
    )
    assert said.code == 0, "the other run is complete"
    assert sbr("train", "--finish", "run").code == 0
    assert weights() == Path("sbr-work/runs/alone/weights.safetensors").read_bytes()
    assert manifest().get("refit") is None
    assert sbr("evaluate", "--run", "run").code == 0


def test_weights_of_an_epoch_that_is_not_in_the_history_are_not_taken(sbr, workspace, monkeypatch):
    interrupt(sbr, monkeypatch, EpochEnded)
    assert epoch_of_weights(RUN / WEIGHTS_FILE) == 1
    monkeypatch.setattr(finish, "epoch_of_weights", lambda _path: 2)
    said = sbr("train", "--finish", "run")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: run run was killed while the weights of its best epoch were being written\n"
        "hint: sbr train --resume --name run continues it\n"
    )


def test_weights_of_a_refit_that_the_manifest_does_not_tell_of_are_not_taken(sbr, workspace):
    sbr("train", *SMALL, *NAME, "--refit")
    later = ("refit", "files", "completed_at", "stopped")
    killed = {name: value for name, value in manifest().items() if name not in later}
    write_json(RUN / "manifest.json", killed | {"status": "training"})
    said = sbr("train", "--finish", "run")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: run run was killed while the weights of its refit were being written\n"
        "hint: sbr train --resume --name run continues it\n"
    )
    assert sbr("train", "--resume", "--name", "run").code == 0
    assert manifest()["refit"]["epochs"]


def test_damaged_weights_are_not_finished(sbr, workspace, monkeypatch):
    interrupt(sbr, monkeypatch, EpochEnded)
    (RUN / ITEMS_FILE).write_bytes(b"")
    said = sbr("train", "--finish", "run")
    assert said.code == 5
    assert said.stderr.endswith("\nhint: sbr train --resume --name run continues it\n")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate"],
        ["report"],
        ["recommend", "--items", "1"],
        ["tune-baselines"],
        ["compare"],
        ["evaluate", "--run", "run"],
    ],
)
def test_an_interrupted_run_is_reported_even_if_it_is_the_only_one(
    sbr, workspace, monkeypatch, words
):
    interrupt(sbr, monkeypatch, EpochEnded)
    said = sbr(*words)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == f"error: run run is in epoch 2 of 2 (interrupted)\n{HINT}"


def test_a_run_that_is_being_trained_is_reported(sbr, workspace, monkeypatch):
    interrupt(sbr, monkeypatch, StepsDone)
    with workspace.locked("run", "run"):
        said = sbr("evaluate")
        assert (said.code, said.stdout) == (5, "")
        assert said.stderr == (
            "error: run run is in epoch 1 of 2 (training)\n"
            "hint: wait until it is complete, or name another run\n"
        )
        assert sbr("train", "--finish", "run").stderr == (
            "error: another sbr is writing run run in sbr-work\n"
            "hint: wait until it ends, or give another --name\n"
        )
    assert sbr("evaluate").stderr == (
        "error: run run is in epoch 1 of 2 (interrupted)\n"
        "hint: sbr train --resume --name run continues it\n"
    )


def test_finishing_loads_no_tensorflow():
    code = "import sys; import sbrcli.workflow.finish; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
