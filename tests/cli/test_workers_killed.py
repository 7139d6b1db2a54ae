"""Two processes that train together, one killed with SIGKILL at moments drawn from a seed.

`pytest -m slow -s` prints how long the other process ran on.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chains import make_workspace_with_new_item
from tests.cli.worker_runs import (
    OFTEN,
    OPTIONS,
    RUNS,
    forget_starts,
    require_no_worker_left,
    require_same_weights,
    run,
    start_under,
    two_tf_configs,
    worker_pids,
)
from tests.warm import WarmProcess
from tests.warm_server import is_running

pytestmark = pytest.mark.slow

KILLS = 20
TRAIN = ("train", *OPTIONS, "--refit", *OFTEN, "--name")
RESUME = ("train", "--resume", *OFTEN, "--name")
TWO = ("--workers", "2")
PATIENCE = 40.0
"""Seconds after which a process that has lost another one is taken to wait for its start."""

LOST = "start all workers again; training continues from the last checkpoint"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with the run `whole`, which nothing has disturbed."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_workspace_with_new_item(folder)
        assert run(*TRAIN, "whole", *TWO).code == 0
    return folder


@pytest.fixture(autouse=True)
def there(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workdir)
    forget_starts()


def moments(seed: int) -> Iterator[tuple[random.Random, float]]:
    """Give a generator, and the seconds after the start at which to kill, `KILLS` times.

    They cover the whole life of two workers, of which one that nothing disturbs is timed first.
    """
    rng = random.Random(seed)
    process = WarmProcess("tests.cli.forked_workers", "-", *TRAIN, "timed", *TWO)
    began = wait_for_workers()
    assert process.communicate(timeout=300) and process.returncode == 0
    seconds = time.monotonic() - began
    shutil.rmtree(RUNS / "timed")
    forget_starts()
    for _ in range(KILLS):
        yield rng, rng.uniform(0, seconds)


def wait_for_workers() -> float:
    """Wait until two workers have started; return the time."""
    while len(worker_pids()) < 2:
        time.sleep(0.01)
    return time.monotonic()


def kill_after(seconds: float, pid: int) -> None:
    time.sleep(seconds)
    with suppress(ProcessLookupError):  # it was over before
        os.kill(pid, signal.SIGKILL)


def report(number: int, seconds: float, what: str, began: float) -> None:
    after = time.monotonic() - began
    line = f"kill {number}: {what} at {seconds:.1f} s; the other ended {after:.1f} s later\n"
    sys.stdout.write(line)


@pytest.mark.parametrize("is_launcher", [False, True], ids=["a worker", "what started them"])
def test_twenty_kills_at_random_change_no_weight(is_launcher):
    for number, (rng, seconds) in enumerate(moments(7), 1):
        process = WarmProcess("tests.cli.forked_workers", "-", *TRAIN, "random", *TWO)
        wait_for_workers()
        pids = worker_pids()
        kill_after(seconds, process.pid if is_launcher else rng.choice(pids))
        began = time.monotonic()
        _, stderr = process.communicate(timeout=120)
        while any(map(is_running, pids)) and time.monotonic() < began + 120:
            time.sleep(0.01)
        require_no_worker_left()
        report(number, seconds, f"exit code {process.returncode}", began)
        assert process.returncode in (0, -9 if is_launcher else 6), stderr
        assert "Traceback" not in stderr
        forget_starts()
        again = run(*(RESUME if (RUNS / "random").exists() else TRAIN), "random", *TWO)
        assert again.code == 0, again.stderr
        require_same_weights("random", "whole")
        shutil.rmtree(RUNS / "random")
        forget_starts()  # or the next kill would be of these


def test_twenty_kills_at_random_are_restarted_to_the_same_weights():
    for number, (rng, seconds) in enumerate(moments(8), 1):
        words = (*TRAIN, "restarted", *TWO, "--max-restarts", "1")
        process = WarmProcess("tests.cli.forked_workers", "-", *words)
        wait_for_workers()
        kill_after(seconds, rng.choice(worker_pids()))
        began = time.monotonic()
        _, stderr = process.communicate(timeout=300)
        report(number, seconds, f"exit code {process.returncode}", began)
        assert process.returncode == 0, stderr
        require_no_worker_left()
        require_same_weights("restarted", "whole")
        shutil.rmtree(RUNS / "restarted")
        forget_starts()


def test_twenty_kills_at_random_under_tf_config_end_the_other_and_change_no_weight():
    for number, (rng, seconds) in enumerate(moments(9), 1):
        with two_tf_configs() as texts:
            processes = start_under(texts, *TRAIN, "cluster")
            killed = rng.randrange(2)
            other = processes[1 - killed]
            kill_after(seconds, processes[killed].pid)
            began = time.monotonic()
            if other.wait(PATIENCE) is None:  # the one killed had not yet joined it
                report(number, seconds, f"worker {killed + 1}, which is started again", began)
                again = start_under(texts[killed : killed + 1], *TRAIN, "cluster")
                require_done([*again, other])
            else:
                code = other.returncode
                report(number, seconds, f"worker {killed + 1}, exit code {code}", began)
                stderr = other.communicate()[1]
                assert code in (0, 6), stderr
                assert "Traceback" not in stderr
                assert code == 0 or f"hint: {LOST}" in stderr.splitlines()
                require_done(start_under(texts, *TRAIN, "cluster"))
        require_same_weights("cluster", "whole")
        shutil.rmtree(RUNS / "cluster")


def require_done(processes: list[WarmProcess]) -> None:
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
