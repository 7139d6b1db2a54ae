"""`sbr tune` as a process with a child for its trials: Ctrl-C, `kill -9`, two at once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chains import make_workspace

WORDS = ("tune", "--trials", "3", "--epochs", "2", "--hsz", "4", "--search", "dropout=0:0.5")


def start() -> subprocess.Popen:
    """Start it at the head of a group of processes, as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "sbrcli", *WORDS, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def wait_for(process: subprocess.Popen, words: str) -> None:
    assert any(words in line for line in process.stderr)


@pytest.mark.slow
def test_a_study_survives_ctrl_c_and_kill_and_two_processes_share_what_is_left(tmp_path):
    make_workspace(tmp_path / "sbr-work")
    first = start()
    wait_for(first, "trial 1/3")
    os.killpg(first.pid, signal.SIGINT)
    assert first.communicate() == (
        "",
        "stopping (Ctrl-C again stops at once)\n"
        "error: interrupted\n"
        "hint: the trials are kept, and the same command continues\n",
    )
    assert first.returncode == 130

    second = start()
    wait_for(second, "loading TensorFlow")
    second.kill()
    second.communicate()

    pair = [start(), start()]
    documents = [json.loads(one.communicate()[0]) for one in pair]
    assert [one.returncode for one in pair] == [0, 0]
    for document in documents:
        assert [trial["number"] for trial in document["trials"]] == [1, 2, 3]
    states = {trial["state"] for document in documents for trial in document["trials"]}
    assert states <= {"complete", "running"}
    assert all(one["state"] == "complete" for one in max(documents, key=_num_complete)["trials"])


def _num_complete(document: dict) -> int:
    return sum(trial["state"] == "complete" for trial in document["trials"])
