"""Real processes, stopped at random moments: each folder is whole or absent, and work goes on."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sbrcli.artefacts.manifests import read_manifest
from sbrcli.artefacts.workspace import Workspace
from tests.accidents.processes import ROOT
from tests.chains import write_chain_log
from tests.conftest import LONG
from tests.warm import WarmProcess

COMMANDS = {
    "preprocess": "preprocess log --name user --test-days 10 --valid-days 20 --overwrite",
    "train": "train --name run --hsz 4 --batch-size 4 --bptt 4 --epochs 2 --overwrite",
    "evaluate": "evaluate --run whole --baselines all",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


Start = Callable[[str], "subprocess.Popen[str] | WarmProcess"]


def start_warm(words: str) -> WarmProcess:
    """Run it with TensorFlow loaded, so that a kill seldom meets nothing but that."""
    return WarmProcess("sbrcli", *words.split(), "--quiet")


def start(words: str) -> subprocess.Popen[str]:
    """Run what the installed `sbr` runs.

    After `python -m`, CPython ends by SIGINT, not with the code given, where a Ctrl-C that was
    answered had met code being made by `exec`, as a dataclass's is.
    """
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from sbrcli.__main__ import main; main()",
            *words.split(),
            "--quiet",
        ],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def require_whole_folders() -> None:
    workspace = Workspace(Path("sbr-work"))
    for kind in ("dataset", "run"):
        for path in Path("sbr-work", f"{kind}s").iterdir():
            read_manifest(path, kind)
        assert workspace.open(kind, "user" if kind == "dataset" else "whole")


def kill_at_random(rng: random.Random, seconds: dict[str, float], start: Start) -> None:
    command, sign = rng.choice(list(COMMANDS)), rng.choice(SIGNALS)
    process = start(COMMANDS[command])
    # Until the interpreter stands and Ctrl-C is listened to, nothing is written.
    time.sleep(rng.uniform(0.3, max(0.4, seconds[command])))
    process.send_signal(sign)
    _, stderr = process.communicate(timeout=120)
    assert "Traceback" not in stderr, f"{command}, {sign.name}: {stderr}"
    assert process.returncode in (0, 130, -sign), f"{command}, {sign.name}: {stderr}"
    require_whole_folders()


def kill_many_times(times: int, seed: int, start: Start) -> None:
    rng, seconds = random.Random(seed), {}
    write_chain_log(Path("log"), users=60, first_day=18_000)
    whole = COMMANDS["train"].replace("--name run", "--name whole")
    for command, words in (COMMANDS | {"train": whole}).items():
        begin = time.monotonic()
        process = start(words)
        assert process.communicate(timeout=120)[1] == ""
        seconds[command] = time.monotonic() - begin
    for _ in range(times):
        kill_at_random(rng, seconds, start)
    for words in COMMANDS.values():
        process = start(words)
        assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)


def test_five_kills_at_random_leave_whole_folders():
    kill_many_times(5, seed=4, start=start_warm)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 204))
def test_many_kills_at_random_leave_whole_folders(seed: int):
    kill_many_times(10 * LONG, seed=seed, start=start)


def test_of_two_processes_that_write_one_folder_the_second_is_refused(tmp_path):
    write_chain_log(tmp_path / "log", users=60, first_day=18_000)
    with Workspace(Path("sbr-work")).locked("dataset", "user"):
        process = start(COMMANDS["preprocess"])
        stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 5
    assert stderr == (
        "error: another sbr is writing dataset user in sbr-work\n"
        "hint: wait until it ends, or give another --name\n"
    )
