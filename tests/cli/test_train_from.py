"""`sbr train --from`: a new run that begins at a complete run's weights."""

import json
from pathlib import Path

import pytest

from sbrcli.models.training.events import EpochEnded, StepsDone
from tests.chains import make_workspace
from tests.cli.small_run import NAME, RUN, SMALL, manifest, weights
from tests.cli.test_train_finish import interrupt

RUNS = Path("sbr-work/runs")


@pytest.fixture
def parent(tmp_path, sbr) -> Path:
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--name", "parent").code == 0
    return RUNS / "parent"


def test_a_run_begins_at_another_ones_weights_and_says_so(sbr, parent):
    said = sbr("train", "--from", "parent", "--epochs", 1, "--json")
    assert said.code == 0
    document = json.loads(said.stdout)
    assert (document["run"], len(document["epochs"])) == ("parent-more1", 1)
    kept = json.loads((RUNS / "parent-more1/manifest.json").read_text())
    assert kept["parent"]["run"] == "parent"
    assert kept["config"]["hsz"] == [4]
    assert kept["config"]["batch_size"] == 4, "options that are not given are the parent's"
    first, last = (json.loads((parent / "manifest.json").read_text())["epochs"][n] for n in (0, -1))
    assert document["epochs"][0]["loss"] < last["loss"] < first["loss"]
    assert not (RUNS / "parent-more1/start.safetensors").exists()
    assert sbr("evaluate", "parent-more1").code == 0
    again = sbr("train", "--from", "parent", "--epochs", 1)
    assert again.stderr == "run parent-more1 already exists, trained with the same options\n"


def test_it_trains_as_many_epochs_as_the_parent_unless_told_otherwise(sbr, parent):
    plan = json.loads(sbr("train", "--from", "parent", "--dry-run", "--json").stdout)["plan"]
    assert (plan["from"], plan["epochs"], plan["name"]) == ("parent", 2, "parent-more2")
    said = sbr("train", "--from", "parent", "--seed", 5, "--learning-rate", 0.05, "--dry-run", "-q",
               "--json")  # fmt: skip
    assert json.loads(said.stdout)["plan"]["name"] == "parent-more2-lr0.05-seed5"


def test_an_interrupted_one_ends_as_if_nothing_had_been(sbr, parent, monkeypatch):
    assert sbr("train", "--from", "parent", "--name", "whole").code == 0
    interrupt(sbr, monkeypatch, EpochEnded, "--from", "parent", small=())
    assert (RUN / "start.safetensors").is_file()
    (RUN / "checkpoint/state.safetensors").unlink()  # from which it must do without
    (parent / "weights.safetensors").unlink()
    assert sbr("train", "--resume", *NAME).code == 0
    assert weights() == (RUNS / "whole/weights.safetensors").read_bytes()


def test_a_damaged_beginning_is_refused(sbr, parent, monkeypatch):
    interrupt(sbr, monkeypatch, StepsDone, "--from", "parent", small=())
    (RUN / "checkpoint/state.safetensors").unlink()
    (RUN / "start.safetensors").write_bytes(b"other")
    said = sbr("train", "--resume")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: sbr-work/runs/run/start.safetensors is not the weights of run parent that this run "
        "was started from",
        "hint: start again: sbr train --from parent --overwrite",
    ]
    assert manifest()["status"] == "training"


def test_another_network_is_refused(sbr, parent):
    for words in (["--hsz", 8], ["--embedding", "separate"], ["--layers", 2]):
        said = sbr("train", "--from", "parent", *words)
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            "error: a run that begins at the weights of run parent has its network; "
            f"{words[0]} would make another one\n"
            f"hint: leave {words[0]} out, or train from scratch without --from\n"
        )


def test_other_items_are_refused(sbr, parent, tmp_path):
    lines = [f"{user}::{item}::5::{user * 86400 * 4 + item}" for user in range(1, 30)
             for item in range(1, 5)]  # fmt: skip
    Path("log.dat").write_text("\n".join(lines) + "\n")
    words = ("--name", "other", "--valid-days", 20, "--test-days", 20)
    assert sbr("preprocess", "log.dat", "--session", "user", *words).code == 0
    said = sbr("train", "other", "--from", "parent")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: dataset other has other items in train than run parent was trained on\n"
        "hint: --from needs the same items in the same order; omit it to train from scratch\n"
    )


def test_valid_must_not_have_been_trained_on(sbr, parent):
    said = sbr("train", "--from", "parent", "--refit")
    assert (said.code, said.stderr) == (
        2,
        "error: refit trains from scratch and cannot be combined with --from\n"
        "hint: leave --refit out\n",
    )
    assert sbr("train", *SMALL, "--refit", "--name", "refitted").code == 0
    said = sbr("train", "--from", "refitted")
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: run refitted was trained on the valid split too (--refit), on which no further "
        "epoch could be judged\n"
        "hint: begin from a run that was trained without --refit\n"
    )


def test_a_preset_does_not_go_with_it(sbr, parent):
    said = sbr("train", "--from", "parent", "--preset", "best")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: --from takes the options of the run that it starts from, and no preset\n"
        "hint: leave --preset out, and pass the options to change\n"
    )
    assert sbr("train", "--from", "none").code == 5


def test_the_report_names_the_command_that_made_it(sbr, parent):
    from sbrcli.artefacts.workspace import Workspace
    from sbrcli.report.commands import train_command

    sbr("train", "--from", "parent", "--epochs", 1)
    work = Workspace(Path("sbr-work"))
    command = train_command(work.open("run", "parent-more1"), work.open("dataset", "user"))
    assert command == "sbr train --dataset user --from parent --epochs 1 --name parent-more1"
