"""Trainings that are interrupted, killed or lost: what is kept, what is said, how they go on."""

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from sbrcli import __version__
from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.models.loading import load_scorer
from sbrcli.models.training.checkpoint import load_checkpoint
from sbrcli.models.training.events import LibrariesLoading, StepsDone
from tests.chains import make_workspace
from tests.cli.small_run import NAME, RUN, SMALL, manifest, weights


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "sbr-work")


def test_the_replaced_run_is_kept_until_its_successor_is_whole(sbr, monkeypatch):
    sbr("train", *SMALL, *NAME)
    before = weights()
    kept = Path("sbr-work", ".replaced", "run-run", "weights.safetensors")
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        assert sbr("train", *SMALL, *NAME, "--seed", 2, "--overwrite").code == 130
        assert kept.read_bytes() == before
        assert sbr("train", *SMALL, *NAME, "--seed", 3, "--overwrite").code == 130
        assert kept.read_bytes() == before, "an unfinished run is nothing to keep"
    assert sbr("train", "--resume").code == 0
    assert not kept.exists()


def press_ctrl_c_at_the_first_events(
    monkeypatch: pytest.MonkeyPatch, kind: type = StepsDone
) -> None:
    def press(_bars: object, event: object) -> None:
        if isinstance(event, kind):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingProgress, "show", press)


def require_interrupted(said: Any, hint: str) -> None:
    """Check what a command says that Ctrl-C has ended."""
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr == f"error: interrupted\nhint: {hint}\n"


def test_ctrl_c_says_how_to_go_on_and_going_on_ends_as_if_nothing_had_been(sbr, monkeypatch):
    sbr("train", *SMALL, "--name", "whole")
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        said = sbr("train", *SMALL, *NAME)
    require_interrupted(said, "sbr train --resume --name run continues it")
    assert load_checkpoint(RUN) is not None
    assert manifest()["status"] == "training"

    refused = sbr("train", *SMALL, *NAME)
    assert (refused.code, refused.stdout) == (5, "")
    assert refused.stderr == (
        "error: run run was started and has not finished\n"
        "hint: sbr train --resume --name run continues it, --overwrite starts again\n"
    )
    assert sbr("evaluate", "--run", "run").code == 5

    assert sbr("train", "--resume", *NAME).code == 0
    assert weights() == Path("sbr-work/runs/whole/weights.safetensors").read_bytes()
    done = sbr("train", "--resume", *NAME)
    assert done.code == 0
    assert done.stderr == "run run is complete already\n"


def test_ctrl_c_before_the_first_checkpoint_says_what_is_left(sbr, monkeypatch):
    press_ctrl_c_at_the_first_events(monkeypatch, LibrariesLoading)
    require_interrupted(
        sbr("train", *SMALL, *NAME),
        "it had no checkpoint yet, and nothing is left of run run: run the same command again",
    )
    assert not RUN.exists()


def test_ctrl_c_before_the_first_checkpoint_restores_the_run_to_be_replaced(sbr, monkeypatch):
    sbr("train", *SMALL, *NAME)
    before = weights()
    press_ctrl_c_at_the_first_events(monkeypatch, LibrariesLoading)
    require_interrupted(
        sbr("train", *SMALL, *NAME, "--seed", 2, "--overwrite"),
        "it had no checkpoint yet, and run run is as it was before: run the same command again",
    )
    assert weights() == before
    assert manifest()["status"] == "complete"


@pytest.mark.parametrize("index", [0, 1])
def test_ctrl_c_in_one_of_several_workers_asks_for_all_of_them(sbr, monkeypatch, index):
    cluster = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
    task = {"type": "worker", "index": index}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    press_ctrl_c_at_the_first_events(monkeypatch, LibrariesLoading)
    require_interrupted(
        sbr("train", *SMALL, *NAME),
        "start all workers again; training continues from the last checkpoint, if any",
    )
    assert not RUN.exists()


def test_a_complete_run_is_resumed_to_nothing_even_where_its_dataset_is_gone(sbr):
    trained = json.loads(sbr("train", *SMALL, *NAME, "--json").stdout)
    shutil.rmtree("sbr-work/datasets")
    for more in (NAME, ()):
        said = sbr("train", "--resume", *more, "--json")
        assert (said.code, said.stderr) == (0, "run run is complete already\n")
        document = json.loads(said.stdout)
        assert document["already_there"]
        for key in trained.keys() - {"already_there", "plan"}:
            assert document[key] == trained[key], key


def test_an_unfinished_run_goes_before_a_complete_one(sbr, monkeypatch):
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        sbr("train", *SMALL, *NAME)
    sbr("train", *SMALL, "--name", "later")
    assert json.loads(sbr("train", "--resume", "--json").stdout)["run"] == "run"


def test_the_place_is_saved_as_often_as_requested_and_that_changes_no_run(sbr, monkeypatch):
    from sbrcli.models.training import loop as epochs

    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 64)
    saved = []
    save = epochs.TrainingLoop._save

    def note(runner: epochs.TrainingLoop) -> None:
        saved.append(runner.state.step)
        save(runner)

    monkeypatch.setattr(epochs.TrainingLoop, "_save", note)
    sbr("train", *SMALL, "--name", "seldom")
    assert saved == [0, 0], "at the end of each epoch, when the next one's place is its first step"
    saved.clear()
    sbr("train", *SMALL, *NAME, "--checkpoint-minutes", "1e-9")
    assert saved[:3] == [16, 32, 48]  # 64 pairs in 4 lanes are 16 steps
    assert weights() == (RUN.parent / "seldom" / "weights.safetensors").read_bytes()
    again = sbr("train", *SMALL, *NAME, "--checkpoint-minutes", 7)
    assert again.stderr == "run run already exists, trained with the same options\n"


def test_how_often_the_place_is_saved_can_be_said_again_on_resuming(sbr, monkeypatch):
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        sbr("train", *SMALL, *NAME)
    refused = sbr("train", "--resume", "--seed", 2)
    assert refused.code == 2
    assert refused.stderr == (
        "error: --resume takes the interrupted run's own options and no others but --name, "
        "--checkpoint-minutes, --workers and --max-restarts\n"
        "hint: leave the other options out, or train under another --name\n"
    )
    assert sbr("train", "--resume", "--checkpoint-minutes", "0.5").code == 0


def test_nothing_to_resume_is_reported(sbr):
    said = sbr("train", "--resume")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == ("error: no run to resume in sbr-work\nhint: begin one with: sbr train\n")
    assert sbr("train", "--resume", "--name", "x").stderr == (
        "error: no run named x in sbr-work\nhint: begin one with: sbr train\n"
    )


def test_a_run_is_not_resumed_on_another_dataset(sbr, monkeypatch):
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        sbr("train", *SMALL, *NAME)
    path = Path("sbr-work/datasets/user/manifest.json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"fingerprint": "another"}))
    said = sbr("train", "--resume")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: dataset user is not the one that run run was started on\n"
        "hint: prepare that dataset again, or train again with --overwrite\n"
    )


def test_the_hint_names_a_work_directory_that_is_not_the_default(sbr, tmp_path, monkeypatch):
    make_workspace(tmp_path / "other one")
    press_ctrl_c_at_the_first_events(monkeypatch)
    said = sbr("-w", "other one", "train", *SMALL, *NAME)
    assert (said.code, said.stderr) == (
        130,
        "error: interrupted\n"
        "hint: sbr train --resume --name run --workdir 'other one' continues it\n",
    )


def test_a_loss_that_is_lost_ends_with_6_and_a_hint(sbr):
    said = sbr("train", *SMALL, *NAME, "--learning-rate", "1e38")
    assert (said.code, said.stdout) == (6, "")
    assert re.fullmatch(
        "run run on dataset user\nloading TensorFlow\n"
        r"error: the loss is (nan|inf|\d\S+) after 0 events of epoch 1; no weights are kept\n"
        "hint: train again with --overwrite and a lower --learning-rate\n",
        said.stderr,
    )
    assert not RUN.exists()  # nothing of it could be resumed


def test_a_loss_that_is_lost_later_keeps_what_was_good(sbr, monkeypatch):
    from sbrcli.models.training import loop as epochs

    finish = epochs.TrainingLoop._finish_epoch

    def finish_and_spoil(runner: epochs.TrainingLoop) -> None:
        finish(runner)
        bias = runner.step.variables["output/bias"]
        bias.assign(bias * float("nan"))

    monkeypatch.setattr(epochs.TrainingLoop, "_finish_epoch", finish_and_spoil)
    said = sbr("train", *SMALL, *NAME)
    assert (said.code, said.stdout) == (6, "")
    assert said.stderr.endswith(
        "error: the loss is nan after 0 events of epoch 2; epoch 1's weights are kept\n"
        "hint: train again with --overwrite and a lower --learning-rate\n"
    )
    found = load_checkpoint(RUN)
    assert found is not None and found.state.epoch == 2
    assert (manifest()["status"], manifest()["best_epoch"]) == ("complete", 1)
    assert manifest()["stopped"].startswith("the loss is nan after 0 events of epoch 2")
    load_scorer(RUN)
    assert sbr("evaluate").code == 0


def test_a_loss_lost_in_the_first_epoch_puts_the_replaced_run_back(sbr, monkeypatch):
    from sbrcli.models.training import loop as epochs

    assert sbr("train", *SMALL, *NAME).code == 0
    before = (RUN / "weights.safetensors").read_bytes()
    walk = epochs.TrainingLoop._train_steps

    def save_and_lose(runner: epochs.TrainingLoop, walked: int) -> int:
        runner._save()  # as after five minutes
        runner.state.loss = float("nan")
        return walk(runner, walked)

    monkeypatch.setattr(epochs.TrainingLoop, "_train_steps", save_and_lose)
    assert sbr("train", *SMALL, *NAME, "--seed", "9", "--overwrite").code == 6
    assert (RUN / "weights.safetensors").read_bytes() == before
    assert manifest()["status"] == "complete"
    assert sbr("train", "--resume").stderr == "run run is complete already\n"


def test_a_damaged_run_is_replaced_by_overwrite(sbr):
    RUN.mkdir(parents=True)
    (RUN / "manifest.json").write_text("{")
    refused = sbr("train", *SMALL, *NAME)
    assert refused.code == 5
    assert refused.stderr.endswith("hint: make the folder again; --overwrite replaces it\n")
    assert sbr("train", *SMALL, *NAME, "--overwrite").code == 0
    assert manifest()["status"] == "complete"


def test_a_manifest_of_no_configuration_is_one_line(sbr, monkeypatch):
    with monkeypatch.context() as patch:
        press_ctrl_c_at_the_first_events(patch)
        sbr("train", *SMALL, *NAME)
    (RUN / "manifest.json").write_text(
        json.dumps(manifest() | {"config": manifest()["config"] | {"unheard_of": 1}})
    )
    said = sbr("train", "--resume")
    assert said.code == 5
    assert said.stderr == (
        f"error: the manifest of run run holds no configuration of sbr {__version__}: "
        "TrainConfig.__init__() got an unexpected keyword argument 'unheard_of'\n"
        "hint: train the run again with --overwrite\n"
    )
