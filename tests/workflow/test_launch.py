"""Processes that train together, as the one that started them sees them; no TensorFlow."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sbrcli.config.training import DEFAULT_CHECKPOINT
from sbrcli.config.workers import WorkersConfig
from sbrcli.errors import ConfigError, TrainingError, WorkerLostError
from sbrcli.models.training.events import LibrariesLoading, StopRequested, TrainingEvent
from sbrcli.reporter import SilentReporter
from sbrcli.workflow import launch
from sbrcli.workflow.worker_process import STOP, WorkerRequest

LOST = WorkerLostError("the connection to another worker is lost: reset", hint="start again")
DIVERGED = TrainingError("the loss is nan", hint="lower it")


class Reporter(SilentReporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(text)


def start(
    monkeypatch: pytest.MonkeyPatch,
    *scripts: list[Any],
    max_restarts: int = 0,
    cause_seconds: float = 60,
) -> tuple[list[TrainingEvent], list[str]]:
    """Start a worker for each script, which is what it does, step by step.

    A message is sent; a number is a signal that kills it, or minus an exit code; None waits to be
    ended; "stop" waits to be asked to.
    """

    def play(pipe: Any, _request: WorkerRequest, cluster: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for step in scripts[cluster.index]:
            if step is None:
                time.sleep(600)
            elif step == STOP:
                assert pipe.recv() == STOP
            elif isinstance(step, tuple):
                pipe.send(step)
            elif step > 0:
                os.kill(os.getpid(), step)
            else:
                os._exit(-step)
        os._exit(0)

    monkeypatch.setattr(launch, "START_METHOD", "fork")
    monkeypatch.setattr(launch, "work", play)
    monkeypatch.setattr(launch, "_CAUSE_SECONDS", cause_seconds)
    events, reporter = list[TrainingEvent](), Reporter()

    def take(event: TrainingEvent) -> None:
        events.append(event)
        if isinstance(event, LibrariesLoading) and STOP in scripts[0]:
            os.kill(os.getpid(), signal.SIGINT)

    workers = WorkersConfig(workers=len(scripts), max_restarts=max_restarts)
    request = WorkerRequest(Path("work"), "run", len, DEFAULT_CHECKPOINT)  # pyright: ignore
    launch.launch(request, workers, take, reporter)
    return events, reporter.said


def test_what_the_chief_reports_is_passed_on(monkeypatch):
    chief = [("note", "a"), ("event", LibrariesLoading()), ("warn", "b"), ("done",)]
    assert start(monkeypatch, chief, [None]) == ([LibrariesLoading()], ["a", "b"])


def test_an_error_of_the_chief_is_raised(monkeypatch):
    with pytest.raises(TrainingError, match="the loss is nan") as raised:
        start(monkeypatch, [("error", DIVERGED)], [("error", LOST)])
    assert raised.value.hint == "lower it"


def test_an_error_of_another_worker_is_raised_if_the_chief_does_not_say_why(monkeypatch):
    with pytest.raises(ConfigError, match="other options"):
        start(monkeypatch, [None], [("error", ConfigError("other options"))], cause_seconds=0.1)


def test_a_connection_that_broke_without_a_cause_is_reported(monkeypatch):
    with pytest.raises(WorkerLostError, match="the connection to another worker is lost: reset"):
        start(monkeypatch, [("error", LOST)], [None], cause_seconds=0.1)


def test_the_loss_of_a_worker_is_the_last_thing_to_blame():
    request = WorkerRequest(Path("work"), "run", len, DEFAULT_CHECKPOINT)  # pyright: ignore
    started = launch._Launch(request, 2, lambda _: None, Reporter())
    with pytest.raises(ConfigError, match="other options"):
        started._raise_first([("error", LOST), ("error", ConfigError("other options"))])


def test_a_killed_worker_is_named_though_others_report_its_loss_first(monkeypatch):
    with pytest.raises(WorkerLostError) as raised:
        start(monkeypatch, [("error", LOST)], [None], [signal.SIGKILL])
    assert str(raised.value) == "worker 3 of 3 was killed by signal 9"
    with pytest.raises(WorkerLostError, match=r"^worker 1 of 2 ended with code 7$"):
        start(monkeypatch, [-7], [None])


def test_all_are_restarted_as_often_as_they_may_be(monkeypatch):
    with pytest.raises(WorkerLostError, match="worker 2 of 2 was killed by signal 9") as raised:
        start(monkeypatch, [("note", "here"), None], [signal.SIGKILL], max_restarts=2)
    assert raised.value.hint == (
        "run the same command again; --max-restarts N restarts the workers by itself"
    )


def test_a_bug_keeps_its_traceback(monkeypatch):
    with pytest.raises(RuntimeError, match="the first of 2 workers failed:\nTraceback"):
        start(monkeypatch, [("bug", "Traceback …")], [None])
    with pytest.raises(RuntimeError, match="one of 2 workers failed:\nTraceback"):
        start(monkeypatch, [None], [("bug", "Traceback …")], cause_seconds=0.1)


def test_ctrl_c_asks_the_chief_to_stop(monkeypatch):
    seen: list[bool] = []
    monkeypatch.setattr(launch, "StopRequested", lambda: seen.append(True) or StopRequested())
    chief = [("event", LibrariesLoading()), STOP, ("interrupted",)]
    with pytest.raises(KeyboardInterrupt):
        start(monkeypatch, chief, [None], max_restarts=3)
    assert seen == [True]


def test_what_dies_after_ctrl_c_is_not_restarted(monkeypatch):
    chief = [("event", LibrariesLoading()), STOP, signal.SIGKILL]
    with pytest.raises(KeyboardInterrupt):
        start(monkeypatch, chief, [None], max_restarts=3)
