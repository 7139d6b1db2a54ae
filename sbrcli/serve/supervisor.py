"""Start the workers of a service, restart those that die, and end them all."""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from sbrcli.config.serving import ServeConfig
from sbrcli.errors import ArtefactError, ConfigError, ExitCode, SbrError, UsageError
from sbrcli.reporter import Reporter
from sbrcli.serve.metrics import FOLDER_VARIABLE, forget_worker
from sbrcli.serve.peers import Peers
from sbrcli.serve.worker import ServedRun, Worker, fail
from sbrcli.workflow.chosen_run import name_run, open_run

TOKEN_VARIABLE = "SBR_TOKEN"
_LOOPBACK = ("127.", "::1", "localhost")
_RESTART_SECONDS = 0.5
"""The pause before a worker that died is started again."""

_LOOK_SECONDS = 0.05
"""How often the workers are looked at."""

_END_SECONDS = 15
"""How long workers may take to end before they are killed."""


def read_token(config: ServeConfig) -> str | None:
    """Return the token that requests must carry; None if there is none.

    Raises:
        ConfigError: the file cannot be read, or it or the variable is empty.
    """
    if config.token_file is None:
        token = os.environ.get(TOKEN_VARIABLE)
        source = f"the environment variable {TOKEN_VARIABLE}"
    else:
        source = str(config.token_file)
        try:
            token = config.token_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the token in {source}: {error}") from error
    if token is not None and not token.strip():
        raise ConfigError(f"{source} holds no token", hint="write one into it, or leave it out")
    return None if token is None else token.strip()


def serve(served: ServedRun, config: ServeConfig, reporter: Reporter) -> None:
    """Serve a run until SIGTERM or Ctrl-C.

    Args:
        served: the run.
        config: where to listen, and the limits.
        reporter: given the run, the address, and what happens to the workers.

    Raises:
        ArtefactError: the run is missing or damaged.
        ConfigError: the address cannot be used, or the token cannot be read.
    """
    name_run(open_run(served.workspace, served.name, reporter), reporter)
    token = read_token(config)
    if token is None and not config.host.startswith(_LOOPBACK):
        reporter.warn(
            f"anyone who reaches {config.host} can ask this service; --token-file FILE or "
            f"{TOKEN_VARIABLE} makes it ask for a token"
        )
    served.open()
    _allow_many_files()
    with _listening(config) as sockets, tempfile.TemporaryDirectory(prefix="sbr-serve-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        address = _address_of(sockets)
        if config.workers == 1:
            worker = Worker(served, config, token, Peers(Path(folder)), reporter)
            worker.run(sockets, lambda: reporter.note(f"serving at {address}; Ctrl-C ends it"))
            return
        group = _Group(served, config, token, reporter, sockets, Path(folder))
        group.run(lambda: reporter.note(f"serving at {address}; Ctrl-C ends it"))


class _Group:
    """The workers of a service, each a process of its own on the same listening socket."""

    def __init__(
        self,
        served: ServedRun,
        config: ServeConfig,
        token: str | None,
        reporter: Reporter,
        listening: socket.socket,
        folder: Path,
    ) -> None:
        if not hasattr(os, "fork"):
            raise UsageError("this system cannot run several workers", hint="use --workers 1")
        self._served, self._config, self._token = served, config, token
        self._reporter, self._listening, self._folder = reporter, listening, folder
        self._numbers: dict[int, int] = {}
        self._is_ending = False

    def run(self, when_ready: Callable[[], None]) -> None:
        """Keep the workers running until SIGTERM or Ctrl-C."""
        previous = {
            number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            for number in range(self._config.workers):
                self._start(number)
            when_ready()
            self._watch()
        finally:
            self._is_ending = True
            self._end_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _end(self, *_: object) -> None:
        self._is_ending = True
        for process in self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)

    def _start(self, number: int) -> None:
        """Start a worker and wait until it is ready.

        Raises:
            ArtefactError: it ended before.
        """
        read_end, write_end = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(read_end)
            self._become_worker(number, write_end)
        os.close(write_end)
        self._numbers[process] = number
        is_ready = os.read(read_end, 1) == b"."
        os.close(read_end)
        if is_ready or self._is_ending:
            return
        _, status = os.waitpid(process, 0)
        del self._numbers[process]
        raise ArtefactError(
            f"worker {number} ended before it was ready, with code "
            f"{os.waitstatus_to_exitcode(status)}",
            hint="its message stands above",
        )

    def _become_worker(self, number: int, ready_end: int) -> NoReturn:
        """Run a worker in a new process, and end it without the interpreter's shutdown."""
        code = ExitCode.BUG
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group
            peers = Peers(self._folder, number, self._config.workers)
            worker = Worker(self._served, self._config, self._token, peers, self._reporter)
            worker.run(self._listening, lambda: _tell(ready_end))
            code = ExitCode.OK
        except SbrError as error:
            fail(error)
            code = error.exit_code
        finally:
            kind, error, trace = sys.exc_info()
            if kind is not None and error is not None:
                sys.excepthook(kind, error, trace)
            sys.stderr.flush()
            os._exit(code)

    def _watch(self) -> None:
        """Restart each worker that ends, until the service ends."""
        missing: list[int] = []
        next_try = 0.0
        while not self._is_ending:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process in self._numbers:
                number = self._numbers.pop(process)
                forget_worker(process)
                missing.append(number)
                next_try = time.monotonic() + _RESTART_SECONDS
                if not self._is_ending:
                    code = os.waitstatus_to_exitcode(status)
                    words = f"worker {number} ended with code {code}; it is started again"
                    self._reporter.warn(words)
            if missing and not self._is_ending and time.monotonic() >= next_try:
                next_try = time.monotonic() + _RESTART_SECONDS
                with contextlib.suppress(ArtefactError):  # the worker has said why; tried again
                    self._start(missing[0])
                    missing.pop(0)
            time.sleep(_LOOK_SECONDS if self._numbers else _RESTART_SECONDS)

    def _end_all(self) -> None:
        """End the workers, and wait for them."""
        self._end()
        deadline = time.monotonic() + _END_SECONDS
        while self._numbers and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                process, _ = os.waitpid(-1, os.WNOHANG)
                if process:
                    self._numbers.pop(process, None)
                    continue
            time.sleep(0.02)
        for process in self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _tell(ready_end: int) -> None:
    os.write(ready_end, b".")
    os.close(ready_end)


@contextlib.contextmanager
def _listening(config: ServeConfig) -> Iterator[socket.socket]:
    """Yield a socket that listens where the configuration says.

    Raises:
        ConfigError: the address is taken, or is none of this machine.
    """
    try:
        found = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(4096)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host}, port {config.port}: {error.strerror}",
            hint="end what listens there, or name another --port; --port 0 takes a free one",
        ) from error
    listening.setblocking(False)
    with listening:
        yield listening


def _address_of(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_many_files() -> None:
    """Allow as many open connections as the system lets this process have."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
