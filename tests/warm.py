"""Processes that need not load TensorFlow, see `tests.warm_server`."""

import fcntl
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]


@cache
def start_server() -> str:
    """Start the server of this test run where there is none yet; return the path of its socket.

    The processes of pytest-xdist share one. It ends soon after the process that began the run.
    """
    test_run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if test_run is None:
        return _listen(Path(tempfile.mkdtemp(prefix="sbr-warm-"), "socket"), os.getpid())
    folder = Path(tempfile.gettempdir(), f"sbr-warm-{test_run}")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "socket"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return str(path) if path.exists() else _listen(path, os.getppid())


def _listen(path: Path, owner: int) -> str:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        subprocess.Popen(
            [sys.executable, "-m", "tests.warm_server", str(listening.fileno()), str(owner)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            pass_fds=[listening.fileno()],
        )
    return str(path)


class WarmProcess:
    """What `subprocess.Popen` is, for a module of this project that is run with some words.

    Args:
        module: what `python -m` would run.
        words: its arguments.
        env: its environment, or None for that of this process.
        streams: for each of its standard streams, 0 to 2, a descriptor of this process; those that
            are missing are closed. None stands for files, which `communicate` reads.
        socket_path: that of the server, or None for the one of this test run.
        is_plain_user: it is bound by the permissions of files, also where root runs the tests.
    """

    def __init__(
        self,
        module: str,
        *words: str,
        env: Mapping[str, str] | None = None,
        streams: Mapping[int, int] | None = None,
        socket_path: str | None = None,
        is_plain_user: bool = False,
    ) -> None:
        self._files: list[IO[str]] = []
        self.returncode: int | None = None
        request = {
            "module": module,
            "words": words,
            "env": dict(os.environ if env is None else env),
            "cwd": os.getcwd(),  # noqa: PTH109
            "is_plain_user": is_plain_user,
            "limits": {"RLIMIT_FSIZE": resource.getrlimit(resource.RLIMIT_FSIZE)},
        }
        if streams is None:
            self._files = [tempfile.TemporaryFile("w+") for _ in range(3)]  # noqa: SIM115
            streams = {number: file.fileno() for number, file in enumerate(self._files)}
        request["streams"] = list(streams)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(socket_path or start_server())
        socket.send_fds(self._socket, [json.dumps(request).encode()], list(streams.values()))
        self._answers = self._socket.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Return how it has ended, as `Popen` does, or None."""
        return self.wait(0) if self.returncode is None else self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it ends; return None where it does not in time."""
        if self.returncode is None and select.select([self._socket], [], [], timeout)[0]:
            self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the server has not said so yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it ends; return what it wrote on stdout and stderr."""
        assert self.wait(timeout) is not None, "it has not ended in time"
        for file in self._files:
            file.seek(0)
        _, stdout, stderr = (file.read() for file in self._files)
        return stdout, stderr


if __name__ == "__main__":
    own = enumerate((sys.stdin, sys.stdout, sys.stderr))
    own_streams = {number: number for number, stream in own if stream is not None}
    process = WarmProcess(*sys.argv[2:], streams=own_streams, socket_path=sys.argv[1])
    code = process.wait()
    assert code is not None
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)
