"""Ctrl-C while a log is read ends the reading with one line, also where PyArrow's threads read."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.accidents.test_kills import start

ROWS = "".join(f"{row % 9973},{row % 991},{1_500_000_000 + row}\n" for row in range(100_000))
MODULES_BYTES = 50 << 20
"""More than what is read before the log."""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/io").exists(), reason="the system does not say how much was read"
)


def read_bytes(process: subprocess.Popen[str]) -> int:
    line = Path(f"/proc/{process.pid}/io").read_text().splitlines()[0]
    return int(line.removeprefix("rchar: "))


def require_interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=120)[1]
    assert (process.returncode, stderr) == (130, "error: interrupted\n")


@needs_proc
@pytest.mark.parametrize(
    ("command", "readings"),
    [("stats", 0.5), ("preprocess", 1.5)],  # which reads it once for its hash
    ids=["stats", "preprocess"],
)
def test_ctrl_c_ends_the_reading_of_a_large_log(command, readings):
    with Path("log.csv").open("w") as file:
        file.write("user,item,time\n")
        for _ in range(60):
            file.write(ROWS)
    size = Path("log.csv").stat().st_size
    process = start(f"{command} log.csv")
    while read_bytes(process) < MODULES_BYTES + readings * size:
        assert process.poll() is None
        time.sleep(0.01)
    require_interrupted(process)
    assert list(Path().glob("sbr-work/datasets/*")) == []


@needs_proc
def test_ctrl_c_ends_the_wait_for_a_log_that_never_comes(tmp_path):
    os.mkfifo("log.csv")
    process = start("stats log.csv")
    writer = os.open("log.csv", os.O_WRONLY)  # which waits until it is opened for reading
    require_interrupted(process)
    os.close(writer)
