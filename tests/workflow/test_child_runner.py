"""Trials in a child process: questions and events go through a pipe, and a child may die."""

import os
import signal

import pytest

from sbrcli.errors import ArtefactError
from sbrcli.models.training.events import LibrariesLoading
from sbrcli.workflow.tuning import child
from sbrcli.workflow.tuning.child import ChildRunner
from sbrcli.workflow.tuning.settings import TuneSettings
from sbrcli.workflow.tuning.trial import Outcome
from tests.chains import make_workspace


class FakeRunner:
    """A trial for each kind of thing that can happen in a child; no TensorFlow."""

    def __init__(self, workspace, settings, on_event):
        if settings.preset == "damaged":
            raise ArtefactError("the dataset is damaged", hint="make it again")
        self.on_event = on_event
        self.trials = 0

    def run(self, options, should_prune, should_stop):
        self.trials += 1
        os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C goes to every process of a terminal
        if options["dropout"] == 9:
            os._exit(9)
        self.on_event(LibrariesLoading())
        answers = [should_prune(2, options["dropout"]), should_stop()]
        return Outcome("pruned", 0.5, {"answers": answers, "trials": self.trials})


def fake_serve(pipe, workspace, settings) -> None:
    child.TrialRunner = FakeRunner  # in this child alone
    child.serve(pipe, workspace, settings)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "serve", fake_serve)
    workspace = make_workspace(tmp_path / "work")
    return workspace, TuneSettings(workspace.open("dataset"), "gru4rec", {"epochs": 2})


def test_events_questions_and_outcomes_go_through_and_a_dead_child_is_replaced(
    settings, monkeypatch
):
    monkeypatch.setattr(child, "TRIALS_PER_CHILD", 2)
    events, asked = [], []
    runner = ChildRunner(*settings, events.append)

    def prune(epoch, value):
        asked.append((epoch, value))
        return True

    def run(dropout):
        return runner.run({"dropout": dropout}, prune, lambda: False)

    first = run(0.1)
    assert first == Outcome("pruned", 0.5, {"answers": [True, False], "trials": 1})
    assert (events, asked) == ([LibrariesLoading()], [(2, 0.1)])
    died = run(9)
    assert died.state == "failed"
    error = "its process ended with code 9, probably for lack of memory"
    assert died.facts["error"] == error
    # A new child, for two trials.
    assert run(0.1).facts["trials"] == 1
    assert run(0.1).facts["trials"] == 2
    assert run(0.1).facts["trials"] == 1
    runner.close()


def test_an_error_of_the_child_is_raised_with_its_hint(settings):
    workspace, found = settings
    damaged = TuneSettings(found.dataset, "gru4rec", {}, "damaged")
    runner = ChildRunner(workspace, damaged, lambda _: None)
    with pytest.raises(ArtefactError) as caught:
        runner.run({}, lambda *_: False, lambda: False)
    assert (str(caught.value), caught.value.hint) == ("the dataset is damaged", "make it again")
    runner.close()
