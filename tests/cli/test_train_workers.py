"""`sbr train` in several processes: they train as one, and are started again if one dies."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.models.configuration import configure_training
from sbrcli.workflow.begin_run import begin_run
from sbrcli.workflow.training_job import make_job
from tests.chains import make_workspace_with_new_item
from tests.cli.worker_runs import (
    OFTEN,
    OPTIONS,
    RUNS,
    forget_starts,
    require_same_weights,
    run,
    start_under,
    two_tf_configs,
    weights_of,
)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_workspace_with_new_item(folder)
    return folder


@pytest.fixture(autouse=True)
def there(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workdir)
    forget_starts()


@pytest.fixture(scope="module")
def whole(workdir: Path) -> dict[str, Any]:
    """A run of two workers that nothing disturbs, with a refit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workdir)
        words = ("train", *OPTIONS, "--refit", "--name", "whole", "--workers", "2", "--json")
        said = run(*words)
    assert said.code == 0, said.stderr
    return json.loads(said.stdout)


def test_two_workers_train_what_one_process_trains(whole, sbr):
    said = sbr("train", *OPTIONS, "--refit", "--name", "alone", "--json")
    alone = json.loads(said.stdout)
    for one, other in zip(whole["epochs"], alone["epochs"], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert one["mrr@20"] == pytest.approx(other["mrr@20"], abs=1e-3)
    own = weights_of("alone")
    for name, tensor in weights_of("whole").items():
        np.testing.assert_allclose(tensor, own[name], atol=1e-4, err_msg=name)


def test_a_worker_that_is_killed_ends_the_others_and_the_run_goes_on(whole):
    words = ("train", *OPTIONS, "--refit", "--name", "killed", "--workers", "2", *OFTEN)
    said = run(*words, moments="1:3")
    assert (said.code, said.stdout) == (6, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: worker 2 of 2 was killed by signal 9",
        "hint: sbr train --resume --name killed --workers 2 continues the run; "
        "--max-restarts N restarts the workers by itself",
    ]
    assert json.loads((RUNS / "killed/manifest.json").read_text())["status"] == "training"
    forget_starts()
    # The chief is killed next, and all are started again from where the last checkpoint was saved.
    again = ("train", "--resume", "--name", "killed", "--workers", "2", *OFTEN)
    said = run(*again, "--max-restarts", "1", moments="0:2")
    assert said.code == 0, said.stderr
    assert (
        "warning: worker 1 of 2 was killed by signal 9; restarting all workers (0 more restarts)"
        in said.stderr.splitlines()
    )
    require_same_weights("killed", "whole")


def test_ctrl_c_saves_the_state_and_one_process_continues(whole, sbr):
    words = ("train", *OPTIONS, "--name", "pressed", "--workers", "2")
    said = run(*words, moments="c:2")
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr.splitlines()[-3:] == [
        "stopping after a checkpoint (Ctrl-C again stops at once)",
        "error: interrupted",
        "hint: sbr train --resume --name pressed --workers 2 continues it",
    ]
    resumed = sbr("train", "--resume", "--name", "pressed", "--json")
    assert resumed.code == 0, resumed.stderr
    losses = [epoch["loss"] for epoch in json.loads(resumed.stdout)["epochs"]]
    assert losses == pytest.approx([epoch["loss"] for epoch in whole["epochs"]], rel=1e-5)


@pytest.fixture
def tf_configs() -> Iterator[list[str]]:
    with two_tf_configs() as texts:
        yield texts


def test_under_tf_config_two_commands_train_one_run(whole, tf_configs):
    # A platform starts all processes again, with the same command, if one was killed.
    workspace = Workspace(Path("sbr-work"))
    plain = {"hsz": (4,), "batch_size": 4, "bptt": 4, "epochs": 2, "threads": 1, "refit": True}
    plain |= {"precision": "float32", "n_sample": 8, "learning_rate": 0.05}
    plain |= {"dropout": 0.0, "embedding_dropout": 0.0}
    config = configure_training(plain, None, short_sessions=True)
    begin_run(workspace, make_job(workspace, None, config, "cluster"))
    processes = start_under(tf_configs, "train", *OPTIONS, "--refit", "--name", "cluster")
    (_, first), (stdout, second) = (process.communicate(timeout=300) for process in processes)
    assert [process.returncode for process in processes] == [0, 0], first + second
    assert stdout == ""
    assert "worker 2 of 2 has nothing left to train; the first one writes the run" in second
    require_same_weights("cluster", "whole")


def test_ctrl_c_ends_a_command_that_waits_for_the_other_workers(whole, tf_configs):
    [process] = start_under(tf_configs[:1], "train", *OPTIONS, "--name", "waiting")
    host, _, port = json.loads(tf_configs[0])["cluster"]["chief"][0].partition(":")
    is_waiting, deadline = False, time.monotonic() + 120
    while not is_waiting:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        with suppress(ConnectionRefusedError):
            socket.create_connection((host, int(port))).close()
            is_waiting = True
    os.kill(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-2:] == [
        "error: interrupted",
        "hint: start all workers again; training continues from the last checkpoint, if any",
    ]
    assert not (RUNS / "waiting").exists()


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        (
            ("--workers", "3", "--batch-size", "32"),
            4,
            "3 workers cannot divide 32 parallel sessions evenly",
            "--batch-size 33, or another number of workers",
        ),
        (("--workers", "0"), 4, "workers must be at least 1. Received: 0", None),
        (
            ("--max-restarts", "2"),
            2,
            "--max-restarts goes with --workers",
            "sbr train --workers 2 --max-restarts 3",
        ),
        (
            ("--workers", "2", "--dry-run", "--measure"),
            2,
            "--measure times the steps of one process",
            "leave --workers or --measure out",
        ),
    ],
)
def test_what_several_workers_cannot_do_is_refused(sbr, words, code, error, hint):
    said = sbr("train", "--name", "refused", *words)
    assert (said.code, said.stdout) == (code, "")
    lines = [f"error: {error}", *([] if hint is None else [f"hint: {hint}"])]
    assert said.stderr.splitlines() == lines
    assert not (RUNS / "refused").exists()


def test_a_plan_states_the_workers_and_the_memory_of_all(sbr):
    one, two = (
        json.loads(sbr("train", *OPTIONS, "--dry-run", "--json", *words).stdout)
        for words in ((), ("--workers", "2"))
    )
    assert two["plan"] == one["plan"] | {"workers": 2}
    ratio = two["estimate"]["memory_bytes"] / one["estimate"]["memory_bytes"]
    assert ratio == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("update", "log"), "sbr update"),
        (("tune", "--trials", "1"), "sbr tune"),
        (("train", "--model", "popularity"), "sbr train --model popularity"),
        (("train", "--finish", "x"), "sbr train --finish"),
    ],
)
def test_a_command_of_one_process_is_refused_under_tf_config(
    sbr, tf_configs, monkeypatch, words, command
):
    monkeypatch.setenv("TF_CONFIG", tf_configs[0])
    said = sbr(*words)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.splitlines() == [
        f"error: TF_CONFIG names 2 workers; {command} runs in one process",
        "hint: run it once, with TF_CONFIG unset",
    ]


def test_workers_are_not_started_by_one_of_them(sbr, tf_configs, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", tf_configs[1])
    said = sbr("train", "--workers", "2")
    assert (said.code, said.stderr) == (
        2,
        "error: --workers starts processes on this machine, and TF_CONFIG names 2 that are started "
        "already\nhint: leave --workers out, or unset TF_CONFIG\n",
    )
