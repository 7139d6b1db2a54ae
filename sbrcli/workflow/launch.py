"""Train with several processes of this machine: start them, watch them, and restart them."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.workers import Cluster, WorkersConfig
from sbrcli.errors import WorkerLostError
from sbrcli.models.training.checkpoint import CHECKPOINT_FILE
from sbrcli.models.training.events import OnEvent, StopRequested
from sbrcli.models.training.interruption import deferred_interrupt
from sbrcli.reporter import Reporter
from sbrcli.workflow.worker_process import STOP, WorkerRequest, work

START_METHOD = "spawn"
"""How processes are started; a forked one would inherit the locks of other threads."""

_CAUSE_SECONDS = 5.0
"""When a worker has failed: how long another one may take to report why."""


def launch(
    request: WorkerRequest, workers: WorkersConfig, on_event: OnEvent, reporter: Reporter
) -> None:
    """Train a run, whose folder exists, with several processes; the first one is the chief.

    The lock of the run must be held. All processes end with this one, however it ends.

    Args:
        request: what to train.
        workers: how many processes, and how often they are restarted if one dies.
        on_event: called with each of the chief's events.
        reporter: receives the chief's notes and warnings, and each restart.

    Raises:
        WorkerLostError: a process has died once more than it may.
        KeyboardInterrupt: Ctrl-C was pressed; the checkpoint holds the state.
        SbrError: what the chief, or another worker, has raised.
    """
    for number in range(workers.max_restarts + 1):
        try:
            _Launch(request, workers.workers, on_event, reporter).run()
            return
        except WorkerLostError as error:
            left = workers.max_restarts - number
            if not left:
                raise
            reporter.warn(f"{error}; restarting all workers ({left - 1} more restarts)")


@dataclass(slots=True)
class _Worker:
    """A worker process, and the last message of those that it sends."""

    process: Any
    pipe: "Connection[Any, Any]"
    last: tuple[Any, ...] | None = None
    is_dead: bool = False
    """Whether it has ended without a last message."""

    def read(self) -> list[tuple[Any, ...]]:
        """Return the messages that have arrived; the last one is kept apart."""
        is_over = not self.process.is_alive()  # before the pipe is read, which then has everything
        found: list[tuple[Any, ...]] = []
        try:
            while self.pipe.poll():
                found.append(self.pipe.recv())
        except (EOFError, OSError):
            self.process.join(_CAUSE_SECONDS)
            is_over = True
        if found and found[-1][0] in ("done", "interrupted", "error", "bug"):
            self.last = found.pop()
        self.is_dead = is_over and self.last is None
        return found


class _Launch:
    """One start of all processes."""

    def __init__(
        self, request: WorkerRequest, number: int, on_event: OnEvent, reporter: Reporter
    ) -> None:
        self.request, self.number = request, number
        self.receive: dict[str, Callable[[Any], None]] = {
            "event": on_event,
            "note": reporter.note,
            "warn": reporter.warn,
        }
        self.workers: list[_Worker] = []
        self.deadline: float | None = None

    def run(self) -> None:
        """Start the processes and wait until the chief is done; then none is left."""
        with ExitStack() as stack:
            stack.callback(self._end_all)
            is_interrupted = stack.enter_context(deferred_interrupt(self._stop))
            addresses = tuple(stack.enter_context(reserved_address()) for _ in range(self.number))
            for index in range(self.number):
                self.workers.append(self._start(Cluster(addresses, index)))
            if is_interrupted():  # perhaps before there was a chief
                self._tell_chief()
            try:
                self._watch()
            except WorkerLostError:
                if is_interrupted():  # and none shall be started again
                    raise KeyboardInterrupt from None
                raise

    def _start(self, cluster: Cluster) -> _Worker:
        context = multiprocessing.get_context(START_METHOD)
        pipe, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self.request, cluster), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, pipe)

    def _watch(self) -> None:
        """Pass on what the chief reports, until all is known."""
        while not self._is_over():
            waiting = [worker for worker in self.workers if worker.last is None]
            sources = [source for one in waiting for source in (one.pipe, one.process.sentinel)]
            seconds = None if self.deadline is None else max(0, self.deadline - time.monotonic())
            wait(sources, seconds)
            for worker in waiting:
                for kind, content in worker.read():
                    self.receive[kind](content)

    def _is_over(self) -> bool:
        """Return whether the chief is done.

        Raises:
            WorkerLostError: a process has died.
            KeyboardInterrupt: the chief was interrupted.
            SbrError: the chief has failed; or another worker, and the chief does not say why.
        """
        match self.workers[0].last:
            case ("done",):
                return True
            case ("interrupted",):
                raise KeyboardInterrupt
            case ("bug", text):
                raise RuntimeError(f"the first of {self.number} workers failed:\n{text}")
            case ("error", error) if not isinstance(error, WorkerLostError):
                raise error
        for number, worker in enumerate(self.workers, 1):
            if worker.is_dead:
                raise self._lost(number, worker.process.exitcode)
        ended = [worker.last for worker in self.workers if worker.last is not None]
        failed = [last for last in ended if last[0] in ("error", "bug")]
        if not failed:
            return False
        if self.deadline is None:
            self.deadline = time.monotonic() + _CAUSE_SECONDS
        elif time.monotonic() >= self.deadline:
            self._raise_first(failed)
        return False

    def _lost(self, number: int, code: int | None) -> WorkerLostError:
        how = f"was killed by signal {-code}" if code and code < 0 else f"ended with code {code}"
        name = self.request.run
        again = "run the same command again"
        if (Workspace(self.request.root).path_of("run", name) / CHECKPOINT_FILE).exists():
            again = f"sbr train --resume --name {name} --workers {self.number} continues the run"
        return WorkerLostError(
            f"worker {number} of {self.number} {how}",
            hint=f"{again}; --max-restarts N restarts the workers by itself",
        )

    def _raise_first(self, failed: list[tuple[Any, ...]]) -> None:
        """Raise what the workers report: the loss of another one only if nothing else."""
        for kind, content in failed:
            if kind == "bug":
                raise RuntimeError(f"one of {self.number} workers failed:\n{content}")
        errors = [content for _, content in failed]
        raise next((one for one in errors if not isinstance(one, WorkerLostError)), errors[0])

    def _stop(self) -> None:
        """Ask the chief to save its state and end; called from a signal's handler."""
        self.receive["event"](StopRequested())
        self._tell_chief()

    def _tell_chief(self) -> None:
        with suppress(OSError, IndexError):
            self.workers[0].pipe.send(STOP)

    def _end_all(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
            worker.pipe.close()


@contextmanager
def reserved_address() -> Iterator[str]:
    """Reserve a free port of this machine, as HOST:PORT, during the body."""
    with socket.socket() as reserved:
        if hasattr(socket, "SO_REUSEPORT"):
            # The worker can then listen at the port while it is reserved here.
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        host, port = reserved.getsockname()
        if not hasattr(socket, "SO_REUSEPORT"):
            reserved.close()
        yield f"{host}:{port}"
