"""`sbr train` in several processes: they train as one, and are started again if one dies."""

import json
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.artefacts.tensor_file import read_shapes, read_tensor
from sbrcli.artefacts.workspace import Workspace
from sbrcli.models.configuration import configure_training
from sbrcli.workflow.begin_run import begin_run
from sbrcli.workflow.training_job import make_job
from tests.chains import make_workspace_with_new_item
from tests.cli.forked_workers import STARTS
from tests.conftest import Said
from tests.warm import WarmProcess

PLAIN = (
    *("--hsz", "4", "--batch-size", "4", "--bptt", "4", "--epochs", "2", "--threads", "1"),
    *("--precision", "float32", "--n-sample", "8", "--learning-rate", "0.05"),
)
OPTIONS = (*PLAIN, "--dropout", "0", "--embedding-dropout", "0")
RUNS = Path("sbr-work", "runs")
OFTEN = ("--checkpoint-minutes", "1e-9")


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
    for left in STARTS.glob("*"):
        left.unlink()


def run(*words: str, moments: str = "-") -> Said:
    process = WarmProcess("tests.cli.forked_workers", moments, *words)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode is not None
    require_no_worker_left()
    return Said(stdout, stderr, process.returncode)


def require_no_worker_left() -> None:
    for file in STARTS.glob("*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)


def weights_of(name: str) -> dict[str, np.ndarray]:
    path = RUNS / name / "weights.safetensors"
    return {tensor: read_tensor(path, tensor) for tensor in read_shapes(path)}


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
    for file in STARTS.glob("*"):
        file.unlink()
    # The chief is killed next, and all are started again from where the last checkpoint was saved.
    again = ("train", "--resume", "--name", "killed", "--workers", "2", *OFTEN)
    said = run(*again, "--max-restarts", "1", moments="0:2")
    assert said.code == 0, said.stderr
    assert (
        "warning: worker 1 of 2 was killed by signal 9; restarting all workers (0 more restarts)"
        in said.stderr.splitlines()
    )
    undisturbed = weights_of("whole")
    for name, tensor in weights_of("killed").items():
        np.testing.assert_array_equal(tensor, undisturbed[name], err_msg=name)


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


def kill_at_random(rng: random.Random, words: tuple[str, ...], *, is_launcher: bool) -> int:
    """Start some workers, kill one or the process that started them; return its exit code."""
    process = WarmProcess("tests.cli.forked_workers", "-", *words)
    deadline = time.monotonic() + 120
    while len(list(STARTS.glob("*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 4))
    pids = [int(file.read_text()) for file in STARTS.glob("*")]
    with suppress(ProcessLookupError):  # it was over before
        os.kill(process.pid if is_launcher else rng.choice(pids), signal.SIGKILL)
    _, stderr = process.communicate(timeout=120)
    assert "Traceback" not in stderr
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    require_no_worker_left()
    for file in STARTS.glob("*"):
        file.unlink()
    assert process.returncode is not None
    return process.returncode


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("is_launcher", [False, True], ids=["a worker", "what started them"])
def test_twenty_kills_at_random_change_no_weight(whole, is_launcher):
    rng, undisturbed = random.Random(7), weights_of("whole")
    start = ("train", *OPTIONS, "--refit", "--name", "random", "--workers", "2", *OFTEN)
    resume = ("train", "--resume", "--name", "random", "--workers", "2", *OFTEN)
    for _ in range(20):
        code = kill_at_random(rng, start, is_launcher=is_launcher)
        assert code in (0, -9 if is_launcher else 6)
        again = run(*(resume if (RUNS / "random").exists() else start))
        assert again.code == 0, again.stderr
        for name, tensor in weights_of("random").items():
            np.testing.assert_array_equal(tensor, undisturbed[name], err_msg=name)
        shutil.rmtree(RUNS / "random")


@pytest.fixture
def clusters() -> Iterator[list[str]]:
    """The TF_CONFIG of two workers, at ports that are free."""
    with ExitStack() as sockets:
        addresses = []
        for _ in range(2):
            reserved = sockets.enter_context(socket.socket())
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{reserved.getsockname()[1]}")
        kinds = {"chief": addresses[:1], "worker": addresses[1:]}
        yield [json.dumps({"cluster": kinds, "task": {"type": kind, "index": 0}}) for kind in kinds]


def test_under_tf_config_two_commands_train_one_run(whole, workdir, clusters):
    # A platform starts all processes again, with the same command, if one was killed.
    workspace = Workspace(Path("sbr-work"))
    plain = {"hsz": (4,), "batch_size": 4, "bptt": 4, "epochs": 2, "threads": 1, "refit": True}
    plain |= {"precision": "float32", "n_sample": 8, "learning_rate": 0.05}
    plain |= {"dropout": 0.0, "embedding_dropout": 0.0}
    config = configure_training(plain, None, short_sessions=True)
    begin_run(workspace, make_job(workspace, None, config, "cluster"))
    words = ("train", *OPTIONS, "--refit", "--name", "cluster")
    processes = [
        WarmProcess("tests.cli.forked_workers", "-", *words, env=os.environ | {"TF_CONFIG": text})
        for text in clusters
    ]
    (_, first), (stdout, second) = (process.communicate(timeout=300) for process in processes)
    assert [process.returncode for process in processes] == [0, 0], first + second
    assert stdout == ""
    assert "worker 2 of 2 has nothing left to train; the first one writes the run" in second
    undisturbed = weights_of("whole")
    for name, tensor in weights_of("cluster").items():
        np.testing.assert_array_equal(tensor, undisturbed[name], err_msg=name)


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
    sbr, clusters, monkeypatch, words, command
):
    monkeypatch.setenv("TF_CONFIG", clusters[0])
    said = sbr(*words)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.splitlines() == [
        f"error: TF_CONFIG names 2 workers; {command} runs in one process",
        "hint: run it once, with TF_CONFIG unset",
    ]


def test_workers_are_not_started_by_one_of_them(sbr, clusters, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", clusters[1])
    said = sbr("train", "--workers", "2")
    assert (said.code, said.stderr) == (
        2,
        "error: --workers starts processes on this machine, and TF_CONFIG names 2 that are started "
        "already\nhint: leave --workers out, or unset TF_CONFIG\n",
    )
