"""Train trials in a child process, which is replaced now and then so that memory does not grow.

TensorFlow's XLA keeps every graph that it has compiled, some 10 MB for each network, until the
process ends. If the system kills a child for lack of memory, its trial alone fails, and the study
continues.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import SbrError
from sbrcli.models.training.events import OnEvent
from sbrcli.workflow.tuning.settings import TuneSettings
from sbrcli.workflow.tuning.trial import Outcome, TrialRunner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

TRIALS_PER_CHILD = 8
"""Trials after which the child is replaced; loading TensorFlow again takes some seconds."""


class ChildRunner:
    """Trains trials as `TrialRunner` does, in a child process."""

    def __init__(self, workspace: Workspace, settings: TuneSettings, on_event: OnEvent) -> None:
        self._where = (Workspace(workspace.root), settings)
        self._on_event = on_event
        self._context = multiprocessing.get_context("spawn")
        self._child: Any = None
        self._pipe: Connection | None = None
        self._trained = 0

    def run(
        self,
        options: Mapping[str, Any],
        should_prune: Callable[[int, float], bool],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """Train a trial; see `TrialRunner.run`.

        Raises:
            SbrError: the data cannot be read, or the device is not there.
        """
        began = time.monotonic()
        try:
            pipe = self._connect()
            pipe.send(dict(options))
            while True:
                match pipe.recv():
                    case ("event", event):
                        self._on_event(event)
                    case ("prune", epoch, value):
                        pipe.send(should_prune(epoch, value))
                    case ("stop",):
                        pipe.send(should_stop())
                    case ("error", error):
                        raise error
                    case ("outcome", outcome):
                        return outcome
        except (EOFError, ConnectionError):
            return self._bury(time.monotonic() - began)

    def close(self) -> None:
        """End the child."""
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe.send(None)
            self._pipe.close()
            self._child.join(timeout=5)
            self._child.kill()
            self._pipe = None

    def _connect(self) -> "Connection":
        """Return the pipe to a child that can train another trial."""
        if self._trained >= TRIALS_PER_CHILD:
            self.close()
        if self._pipe is None:
            self._trained = 0
            self._pipe, theirs = self._context.Pipe()
            self._child = self._context.Process(
                target=serve, args=(theirs, *self._where), daemon=True
            )
            with _ignoring_ctrl_c():  # it is for this process to decide what Ctrl-C ends
                self._child.start()
            theirs.close()
        self._trained += 1
        return self._pipe

    def _bury(self, seconds: float) -> Outcome:
        """Return the outcome of a trial whose process has died."""
        self._child.join(timeout=5)
        code = self._child.exitcode
        self._pipe = None
        error = f"its process ended with code {code}, probably for lack of memory"
        return Outcome("failed", None, {"error": error, "seconds": round(seconds, 3)})


def serve(pipe: "Connection", workspace: Workspace, settings: TuneSettings) -> None:
    """Train the trials received through a pipe until it is closed or None is received."""

    def ask(*question: object) -> bool:
        pipe.send(question)
        return pipe.recv()

    try:
        runner = TrialRunner(workspace, settings, lambda event: pipe.send(("event", event)))
        while (options := pipe.recv()) is not None:
            outcome = runner.run(
                options, lambda epoch, value: ask("prune", epoch, value), lambda: ask("stop")
            )
            pipe.send(("outcome", outcome))
    except SbrError as error:
        pipe.send(("error", error))
    except (EOFError, ConnectionError):  # the parent was killed
        pass


@contextmanager
def _ignoring_ctrl_c() -> "Iterator[None]":
    """Make the child processes that are started in this context ignore Ctrl-C."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
