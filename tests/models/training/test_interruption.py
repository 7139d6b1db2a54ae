"""Ctrl-C waits for the end of what TensorFlow must not be interrupted in."""

import os
import signal
from pathlib import Path

import pytest

from sbrcli.models.training.interruption import uninterrupted
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.step import TrainingStep
from tests.models.training.test_epochs import make_plan


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ctrl_c_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        press()
        done.append("the rest of the block")
    assert done == ["the rest of the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_one_does_not():
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        press()
        press()
        raise AssertionError("the second one was not heard")


def test_without_one_nothing_is_raised():
    with uninterrupted():
        pass


def test_a_trace_is_not_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    traced = []

    def compile_interrupted(_step: TrainingStep) -> None:
        press()
        traced.append("whole")

    monkeypatch.setattr(TrainingStep, "compile", compile_interrupted)
    with pytest.raises(KeyboardInterrupt):
        TrainingLoop(make_plan(tmp_path))
    assert traced == ["whole"]
