"""Real processes, killed with SIGKILL: whenever that is, `--resume` ends with the same bytes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sbrcli.models.training.checkpoint import CHECKPOINT_FILE, load_checkpoint
from tests.chains import make_workspace_with_new_item
from tests.cli.small_run import NAME, RUN, manifest
from tests.cli.stopping_child import PAIRS_PER_CALL
from tests.warm import ROOT, WarmProcess

# The killed process is another one, in which the processor is what it is.
OPTIONS = (
    "--precision",
    "float32",
    "--hsz",
    4,
    "--batch-size",
    4,
    "--bptt",
    4,
    "--epochs",
    3,
    "--refit",
)
STEPS_PER_CALL = PAIRS_PER_CALL // 4
CHECKPOINT = f"run/{CHECKPOINT_FILE}"
REFIT_CHECKPOINT = f"refit/{CHECKPOINT_FILE}"
STOPPED = Path("stopped")


def kill(is_time: Callable[[], bool], *words: object) -> None:
    """Start `tests.cli.stopping_child`, and kill it when it is time."""
    require_killed(WarmProcess("tests.cli.stopping_child", *map(str, words)), is_time)


def require_killed(
    process: "WarmProcess | subprocess.Popen[bytes]", is_time: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + 90
    while not is_time() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, "it was over before it could be killed"
    process.kill()
    process.wait()
    assert is_time()
    assert manifest()["status"] == "training"
    STOPPED.unlink(missing_ok=True)


def place(folder: str = ".") -> tuple[int, int] | None:
    """Say where a checkpoint stands: epoch, and first step still to be walked."""
    found = load_checkpoint(RUN / folder)
    return None if found is None else (found.state.epoch, found.state.step)


def torn_files() -> list[str]:
    """Name the files that are not whole, without the number of the process that wrote them."""
    return [path.with_suffix("").stem for path in RUN.rglob(".*.tmp")]


def outcome(run: Path) -> list[object]:
    """Give all that no interruption may change: of the histories, all but the two times."""
    names = ("weights.safetensors", "items.safetensors")
    lines = [
        line.split(",")
        for path in (run / "history.csv", run / "refit" / "history.csv")
        for line in path.read_text().splitlines()
    ]
    return [*((run / name).read_bytes() for name in names), [c[:2] + c[4:] for c in lines]]


def test_a_process_killed_again_and_again_is_resumed_to_the_same_bytes(sbr, tmp_path, monkeypatch):
    from sbrcli.models.training import backend

    monkeypatch.setattr(backend, "compiles_with_xla", lambda: False)
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", PAIRS_PER_CALL)
    make_workspace_with_new_item(tmp_path)
    assert sbr("train", *OPTIONS, "--name", "whole").code == 0
    resume = ("train", "--resume", "--checkpoint-minutes")
    seldom, often = "60", "1e-9"

    # Before TensorFlow has loaded.
    words = [sys.executable, "-m", "sbrcli", *map(str, ("train", *OPTIONS, *NAME))]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(ROOT)})
    require_killed(process, (RUN / "manifest.json").exists)
    assert place() is None
    # In the first epoch, before anything is saved; then while its weights are being written.
    kill(STOPPED.exists, "StepsDone", 1, *resume, seldom)
    assert place() is None
    kill(STOPPED.exists, "run/weights.safetensors", 1, *resume, seldom)
    assert (place(), torn_files()) == (None, [".weights.safetensors"])
    # Between two epochs.
    kill(STOPPED.exists, "EpochStarted", 2, *resume, seldom)
    assert (place(), torn_files()) == ((2, 0), [])
    # In the midst of the second epoch, and there while one checkpoint replaces another.
    kill(STOPPED.exists, "StepsDone", 2, *resume, often)
    assert place() == (2, STEPS_PER_CALL)
    kill(STOPPED.exists, CHECKPOINT, 2, *resume, often)
    assert (place(), torn_files()) == ((2, 2 * STEPS_PER_CALL), [f".{CHECKPOINT_FILE.name}"])
    # In the refit: while its first checkpoint is being written, and in its midst.
    kill(STOPPED.exists, REFIT_CHECKPOINT, 1, *resume, seldom)
    assert manifest()["phase"] == "refit"
    assert (place("refit"), torn_files()) == (None, [f".{CHECKPOINT_FILE.name}"])
    kill(STOPPED.exists, "StepsDone", 2, *resume, often)
    assert place("refit") == (1, STEPS_PER_CALL)

    assert sbr("train", "--resume").code == 0
    assert outcome(RUN) == outcome(RUN.with_name("whole"))
    assert torn_files() == []
