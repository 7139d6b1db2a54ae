"""A worker process of this machine, which tells the process that started it what happens."""

import multiprocessing
import os
import signal
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import CheckpointConfig
from sbrcli.config.workers import Cluster
from sbrcli.errors import SbrError
from sbrcli.models.training.events import StopRequested
from sbrcli.reporter import SilentReporter
from sbrcli.workflow.epoch_validation import Validate
from sbrcli.workflow.follow import follow
from sbrcli.workflow.training_job import job_of_run
from sbrcli.workflow.training_phases import Phases

STOP = "stop"
"""Sent to the chief: save the state, and end as after Ctrl-C."""


@dataclass(frozen=True, slots=True)
class WorkerRequest:
    """What the processes train."""

    root: Path
    """The work directory. The process that starts the others holds the lock of the run."""

    run: str
    """The name of the run, whose folder says what to train."""

    validate: Validate
    checkpoint: CheckpointConfig


class PipeReporter(SilentReporter):
    """Sends what is reported to the process that started this one."""

    def __init__(self, pipe: "Connection[object, object]") -> None:
        self._pipe = pipe

    def note(self, text: str) -> None:
        """Send a note."""
        self._pipe.send(("note", text))

    def warn(self, text: str) -> None:
        """Send a warning."""
        self._pipe.send(("warn", text))

    def event(self, event: object) -> None:
        """Send an event, but for that of Ctrl-C, which comes from there."""
        if not isinstance(event, StopRequested):
            self._pipe.send(("event", event))


def work(pipe: "Connection[object, object]", request: WorkerRequest, cluster: Cluster) -> None:
    """Be a worker process: train, send what happens, and end the process or wait for its end.

    The last message is ("done",), ("interrupted",), ("error", error) or ("bug", traceback); a
    process that dies sends none.
    """
    _prepare_process(pipe)
    reporter = PipeReporter(pipe)
    workspace = Workspace(request.root, reporter)
    last: tuple[object, ...] = ("done",)
    try:
        job = job_of_run(workspace, Run.read(workspace.path_of("run", request.run)))
        if cluster.is_chief:
            how = (request.validate, reporter.event, request.checkpoint, cluster)
            Phases(workspace, job, *how).run()
        else:
            follow(job, cluster, request.validate)
    except SbrError as error:
        last = ("error", error)
    except KeyboardInterrupt:
        last = ("interrupted",)
    except BaseException:  # the launcher shows what it was
        last = ("bug", traceback.format_exc())
    with suppress(OSError):  # that process has ended
        pipe.send(last)
    if not cluster.is_chief and last[0] in ("done", "interrupted"):
        # The chief may still have to fetch the last sum from here. When it is done, the process
        # that started this one ends it.
        threading.Event().wait()
    os._exit(0)  # TensorFlow's shutdown would wait for the other processes


def _prepare_process(pipe: "Connection[object, object]") -> None:
    """Leave the terminal's Ctrl-C to the parent process, and end when it ends, however it ends."""
    with suppress(AttributeError, OSError):  # not on Windows, and not twice
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The loss of a worker is reported in one line; TensorFlow's own report has ten.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    parent = multiprocessing.parent_process()
    assert parent is not None

    def obey_parent() -> None:
        while True:
            if parent.sentinel in wait([parent.sentinel, pipe]):
                os._exit(1)
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                os._exit(1)
            if message == STOP:
                os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=obey_parent, daemon=True).start()
