"""What a person sees while a training goes on."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sbrcli.cli import output
from sbrcli.cli.output import Output
from sbrcli.cli.training_progress import TrainingProgress, epoch_line, write_duration
from sbrcli.models.training.events import (
    EpochEnded,
    StepsDone,
    TargetsRanked,
    TrainingEvent,
    TrainingResumed,
    ValidationStarted,
)
from tests.chains import make_workspace
from tests.cli.small_run import NAME, SMALL, manifest

SECONDS = r"\d+(\.\d)? s"


METRICS = {"recall@20": 0.28361, "mrr@20": 0.07829}


def ended(**changes: Any) -> EpochEnded:
    """Return the end of an epoch."""
    usual = {"epoch": 3, "epochs": 8, "num_targets": 100, "loss": 5.47812, "metrics": METRICS}
    usual |= {"seconds": 30.2, "events_per_second": 3.3, "is_best": True, "seconds_left": 130.0}
    return EpochEnded(**usual | changes)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ended(),
            "epoch 3/8  loss 5.478  recall@20 .2836  mrr@20 .0783 *  30 s, 2 min left",
        ),
        (
            ended(is_best=False, seconds_left=0.0, epochs=12),
            "epoch  3/12  loss 5.478  recall@20 .2836  mrr@20 .0783    30 s",
        ),
        (
            ended(loss=0.03, metrics={}, phase="refit"),
            "refit epoch 3/8  loss 0.0300  30 s, 2 min left",
        ),
        (
            ended(metrics=METRICS | {"recall@20": 1.0}),
            "epoch 3/8  loss 5.478  recall@20 1.0000  mrr@20 .0783 *  30 s, 2 min left",
        ),
    ],
)
def test_an_epoch_is_one_line(event, line):
    assert epoch_line(event) == line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (89.4, "89 s"),
        (91, "2 min"),
        (89.4 * 60, "89 min"),
        (100 * 60, "1 h 40 min"),
    ],
)
def test_a_duration_is_in_the_unit_in_which_one_thinks_of_it(seconds, words):
    assert write_duration(seconds) == words


def test_each_epoch_is_a_line_on_stderr_also_in_a_pipe(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    said = sbr("train", *SMALL, *NAME)
    named, first, *lines = said.stderr.splitlines()
    assert (named, first) == ("run run on dataset user", "loading TensorFlow")
    best = manifest()["best_epoch"]
    for line, held in zip(lines, manifest()["epochs"], strict=True):
        recall, mrr = (f"{held[name]:.4f}"[1:] for name in ("recall@20", "mrr@20"))
        star = "*" if held["epoch"] == 1 or held["epoch"] == best else " "
        assert re.fullmatch(
            re.escape(
                f"epoch {held['epoch']}/2  loss {held['loss']:.3f}  recall@20 {recall}  "
                f"mrr@20 {mrr} {star}  "
            )
            + SECONDS
            + (f", {SECONDS} left" if held["epoch"] == 1 else ""),
            line,
        )
    assert sbr("train", *SMALL, "--name", "other", "--quiet").stderr == ""


def test_ctrl_c_is_answered_at_once_and_resuming_says_where_it_goes_on(sbr, tmp_path, monkeypatch):

    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 64)
    make_workspace(tmp_path / "sbr-work")
    show = TrainingProgress.show
    told: list[type] = []

    def press(progress: TrainingProgress, event: TrainingEvent) -> None:
        show(progress, event)
        told.append(type(event))
        if told.count(StepsDone) == 1 and isinstance(event, StepsDone):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "show", press)
        said = sbr("train", *SMALL, *NAME)
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr == (
        "run run on dataset user\nloading TensorFlow\n"
        "stopping after a checkpoint (Ctrl-C again stops at once)\n"
        "error: interrupted\nhint: sbr train --resume --name run continues it\n"
    )
    lines = sbr("train", "--resume").stderr.splitlines()
    pairs = [line for line in lines if line.startswith("resumed")]
    assert len(pairs) == 1
    assert re.fullmatch(r"resumed at epoch 1/2, [1-9]\d? %", pairs[0])
    assert len(lines) == 5
    assert manifest()["status"] == "complete"


def test_a_resumed_training_says_where_it_goes_on(capsys):
    with TrainingProgress(Output()) as progress:
        progress.show(TrainingResumed(epoch=2, epochs=8, done_share=0.322))
    assert capsys.readouterr().err == "resumed at epoch 2/8, 32 %\n"


def test_a_bar_moves_by_time_where_nothing_else_moves_it(capfd, monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    with Output().progress(10, "events", "epoch 1/2"):
        time.sleep(1.3)
    assert capfd.readouterr().err.count("epoch 1/2") >= 3


def test_validation_has_a_bar_of_its_own(capfd, monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    with TrainingProgress(Output()) as progress:
        progress.show(ValidationStarted(epoch=2, epochs=3, num_targets=40))
        time.sleep(0.2)
        progress.show(TargetsRanked(num_targets=20))
    shown = capfd.readouterr().err
    assert "validating epoch 2/3:  50%" in shown
    assert Path("sbr-work").exists() is False
