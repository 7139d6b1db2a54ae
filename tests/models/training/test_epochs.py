"""Epochs: which weights are kept, and that no interruption at any moment changes the end."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.errors import TrainingError
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training import loop as epochs
from sbrcli.models.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from sbrcli.models.training.events import (
    EpochStarted,
    OnEvent,
    StepsDone,
    TrainingEvent,
    ValidationStarted,
)
from sbrcli.models.training.history import best_epoch
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from tests.builders import TrainConfig, make_sessions

SESSIONS = make_sessions(*([s % 7, (s + 1) % 7, (s + 2) % 7, (s * 3) % 7] for s in range(20)))
SHAPE = GruShape(7, (5,), "shared")
CONFIG = TrainConfig(average_weights=1.0, hsz=(5,), batch_size=3, bptt=2, epochs=2, dropout=0.3)
CALLS = 6  # an epoch's, with two chunks each: 20 pairs in the longest lane of 3 make 11 chunks


class CrashError(Exception):
    """Ends a training as a killed process does: nothing more is written."""


@pytest.fixture(autouse=True)
def short_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 12)
    # No power cut is tested here, and waiting for the disk takes most of the time.
    monkeypatch.setattr(os, "fsync", lambda _: None)


def make_plan(folder: Path, config: TrainConfig = CONFIG, **settings: Any) -> LoopSettings:
    folder.mkdir(exist_ok=True)
    shape = GruShape(7, config.units, config.embedding)
    plan = {"validate": mrrs(0.1, 0.2, 0.3), "checkpoint_seconds": 0.0}
    count = np.bincount(SESSIONS.item_indices, minlength=7)
    return LoopSettings(
        folder=folder,
        config=config,
        network=FAMILY.make_network(shape, config, FAMILY.initial_weights(shape, config.seed)),
        sessions=SESSIONS,
        train_count=count,
        **plan | settings,
    )


def mrrs(*values: float) -> Callable[[Any], dict[str, float]]:
    """Validate by a list of figures, whatever the weights are."""
    left = list(values)
    return lambda _scorer: {"recall@20": 0.5, "mrr@20": left.pop(0), "ndcg@20": 0.5}


def outcome(folder: Path, history: list[dict[str, Any]]) -> tuple[bytes, list[Any]]:
    """Give all that an interruption must not change."""
    timeless = [
        {k: v for k, v in row.items() if k[:6] not in ("second", "events")} for row in history
    ]
    return (folder / WEIGHTS_FILE).read_bytes(), timeless


def crash_at(number: int, kind: type = StepsDone) -> OnEvent:
    """Return a handler that crashes at the number-th event of a kind."""
    heard = []

    def crash(event: TrainingEvent) -> None:
        if isinstance(event, kind):
            heard.append(event)
            if len(heard) == number:
                raise CrashError

    return crash


def test_the_best_epoch_is_the_first_with_the_highest_mrr():
    history = [{"epoch": n + 1, "mrr@20": m} for n, m in enumerate([0.1, 0.3, 0.2, 0.3])]
    assert best_epoch(history, "mrr@20") == 2
    assert best_epoch([row | {"mrr@20": None} for row in history], "mrr@20") == 4


def test_the_best_epochs_weights_are_kept_and_not_the_last_ones(tmp_path: Path):
    config = TrainConfig(hsz=(5,), batch_size=3, bptt=2, epochs=4)
    seen = []
    figures = mrrs(0.1, 0.3, 0.2, 0.3)

    def validate(scorer: Any) -> dict[str, float]:
        seen.append(scorer.score_next(np.array([1, 2])))
        return figures(scorer)

    TrainingLoop(make_plan(tmp_path, config, validate=validate)).run()
    kept = GruScorer(SHAPE, load_weights(tmp_path / WEIGHTS_FILE, SHAPE))
    np.testing.assert_array_equal(kept.score_next(np.array([1, 2])), seen[1])
    assert all((one != seen[1]).any() for one in (seen[0], seen[2], seen[3]))


def test_fewer_epochs_leave_the_schedule_as_it_is(tmp_path: Path):
    """A refit of two epochs of four ends with the rate that the best epoch ended with."""
    config = TrainConfig(hsz=(5,), batch_size=3, bptt=2, epochs=4, schedule="linear")
    figures = mrrs(0.1, 0.3, 0.2, 0.2)
    TrainingLoop(make_plan(tmp_path / "best", config, validate=figures)).run()
    TrainingLoop(make_plan(tmp_path / "two", config, validate=None, epochs=2)).run()
    two, best = ((tmp_path / name / WEIGHTS_FILE).read_bytes() for name in ("two", "best"))
    assert two == best


@pytest.mark.parametrize(
    "options", [{}, {"shuffle": True}, {"schedule": "linear"}, {"n_sample": 3}], ids=str
)
def test_a_chunk_is_no_longer_than_what_the_lanes_hold(tmp_path: Path, options: dict):
    """Each of 20 sessions of 3 pairs has its own lane: chunks of 3, 5 and 700 steps are alike."""
    weights = set()
    for bptt in (3, 5, 700):
        config = TrainConfig(hsz=(5,), batch_size=20, bptt=bptt, epochs=2, dropout=0.3, **options)
        runner = TrainingLoop(make_plan(tmp_path / str(bptt), config))
        assert runner.lanes.num_steps == 3
        runner.run()
        weights.add((tmp_path / str(bptt) / WEIGHTS_FILE).read_bytes())
    assert len(weights) == 1


def test_an_epoch_walks_all_its_pairs_also_with_fewer_sessions_than_lanes(tmp_path: Path):
    """Known errors 5 and 6."""
    told: list[Any] = []
    config = TrainConfig(hsz=(5,), batch_size=50, bptt=2, epochs=1)
    plan = make_plan(tmp_path, config, on_event=told.append)
    TrainingLoop(plan).run()
    assert sum(event.num_targets for event in told if isinstance(event, StepsDone)) == 20 * 3
    assert told[0] == EpochStarted(epoch=1, epochs=1, num_targets=20 * 3)


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "adam", "momentum": 0.0, "learning_rate": 0.01}], ids=str
)
def test_a_crash_at_any_moment_changes_nothing_of_the_end(tmp_path: Path, options: dict):
    config = TrainConfig(hsz=(5,), batch_size=3, bptt=2, epochs=2, dropout=0.3, **options)
    whole = tmp_path / "whole"
    expected = outcome(whole, TrainingLoop(make_plan(whole, config)).run())

    folder = tmp_path / "crashed"
    moments = [(StepsDone, 1), (StepsDone, 4), (ValidationStarted, 1), (EpochStarted, 1)]
    for kind, number in [*moments, (StepsDone, 1)]:
        with pytest.raises(CrashError):
            TrainingLoop(make_plan(folder, config, on_event=crash_at(number, kind))).run()
    history = TrainingLoop(make_plan(folder, config)).run()
    # The lists of figures begin anew with each runner, so only what was trained is compared.
    assert [row["loss"] for row in history] == [row["loss"] for row in expected[1]]
    assert last_weights(folder) == last_weights(whole)


@pytest.mark.parametrize("version", ["earlier", "later"])
def test_training_goes_on_from_a_checkpoint_of_another_version(tmp_path: Path, version: str):
    whole, folder = tmp_path / "whole", tmp_path / "crashed"
    TrainingLoop(make_plan(whole)).run()
    with pytest.raises(CrashError):
        TrainingLoop(make_plan(folder, on_event=crash_at(2, EpochStarted))).run()
    found = load_checkpoint(folder)
    assert found is not None
    row = found.state.history[0]
    row |= {"map@20": 0.125} if version == "later" else {}
    if version == "earlier":
        del row["ndcg@20"]
    tensors = {name: found.read(name) for name in found.shapes}
    save_checkpoint(folder, found.state, tensors)
    warnings: list[str] = []
    history = TrainingLoop(make_plan(folder, warn=warnings.append)).run()
    assert (warnings, history[0], len(history)) == ([], row, 2)
    assert last_weights(folder) == last_weights(whole)
    lines = (folder / "history.csv").read_text().splitlines()
    assert [line.count(",") for line in lines] == [6 + (version == "later")] * 3


def last_weights(folder: Path) -> dict[str, bytes]:
    found = load_checkpoint(folder)
    assert found is not None
    return {name: found.read(name).tobytes() for name in found.shapes}


@pytest.mark.parametrize("broken", ["save_weights", "save_checkpoint", "write_history"])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_crash_between_two_files_of_an_epochs_end_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, is_done: bool
):
    whole, folder = tmp_path / "whole", tmp_path / "crashed"
    steady = {"validate": lambda _: {"recall@20": 0.5, "mrr@20": 0.5}, "checkpoint_seconds": 1e9}
    expected = outcome(whole, TrainingLoop(make_plan(whole, **steady)).run())
    write = getattr(epochs, broken)

    def crash(*arguments: Any) -> None:
        if is_done:
            write(*arguments)
        raise CrashError

    monkeypatch.setattr(epochs, broken, crash)
    with pytest.raises(CrashError):
        TrainingLoop(make_plan(folder, **steady)).run()
    monkeypatch.setattr(epochs, broken, write)
    history = TrainingLoop(make_plan(folder, **steady)).run()
    assert outcome(folder, history) == expected
    rows = (folder / "history.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["epoch", "1", "2"]


@pytest.mark.parametrize("press", [1, CALLS - 1, CALLS + 2])
def test_ctrl_c_leaves_a_checkpoint_from_where_training_goes_on_to_the_same_end(
    tmp_path: Path, press: int
):
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    steady = {"validate": None, "checkpoint_seconds": 1e9}
    expected = outcome(whole, TrainingLoop(make_plan(whole, **steady)).run())
    walked = []

    def press_once(event: TrainingEvent) -> None:
        if isinstance(event, StepsDone):
            walked.append(event.num_targets)
            if len(walked) == press:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        TrainingLoop(make_plan(folder, on_event=press_once, **steady)).run()
    assert len(walked) == press, "training stopped at once"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found = load_checkpoint(folder)
    assert found is not None
    assert (found.state.epoch, found.state.step) == (1 + press // CALLS, press % CALLS * 4)
    assert outcome(folder, TrainingLoop(make_plan(folder, **steady)).run()) == expected


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path):
    def press_twice(event: TrainingEvent) -> None:
        if isinstance(event, StepsDone):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("the second one was not heard")

    with pytest.raises(KeyboardInterrupt):
        TrainingLoop(make_plan(tmp_path, on_event=press_twice)).run()


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(tmp_path: Path):
    runner = TrainingLoop(make_plan(tmp_path))
    runner._run_epoch(lambda: False)
    runner._finish_epoch()
    good = last_weights(tmp_path)
    bias = runner.step.variables["output/bias"]
    bias.assign(bias * np.nan)
    with pytest.raises(TrainingError) as caught:
        runner.run()
    assert str(caught.value) == (
        "the loss is nan after 0 events of epoch 2; epoch 1's weights are kept"
    )
    assert caught.value.hint == "train again with --overwrite and a lower --learning-rate"
    assert last_weights(tmp_path) == good
    load_weights(tmp_path / WEIGHTS_FILE, SHAPE)


def test_a_loss_that_is_no_number_in_the_first_epoch_leaves_no_weights(tmp_path: Path):
    runner = TrainingLoop(make_plan(tmp_path))
    bias = runner.step.variables["output/bias"]
    bias.assign(bias * np.nan)
    with pytest.raises(TrainingError) as caught:
        runner.run()
    assert str(caught.value) == "the loss is nan after 0 events of epoch 1; no weights are kept"
    assert caught.value.hint == "train again with --overwrite and a lower --learning-rate"


def test_weights_that_the_last_update_spoilt_are_not_taken_for_an_epochs(tmp_path: Path):
    """The loss of a step is that of before its update: it can be a number when weights are not."""
    runner = TrainingLoop(make_plan(tmp_path))
    runner._run_epoch(lambda: False)
    good = last_weights(tmp_path)
    bias = runner.step.variables["output/bias"]
    bias.assign(bias * np.inf)
    with pytest.raises(TrainingError):
        runner._finish_epoch()
    runner._save()
    assert last_weights(tmp_path) == good
    assert not (tmp_path / WEIGHTS_FILE).exists()


@pytest.mark.parametrize(
    ("settings", "epochs", "where"),
    [
        ({}, 0, "epoch 1; no weights are kept"),
        ({}, 1, "epoch 2; epoch 1's weights are kept"),
        (
            {"phase": "refit"},
            0,
            "epoch 1 of the refit; the weights from before the refit are kept",
        ),
    ],
)
def test_weights_that_are_lost_are_reported_with_those_that_are_kept(
    tmp_path: Path, settings: dict[str, Any], epochs: int, where: str
):
    runner = TrainingLoop(make_plan(tmp_path, **settings))
    for _ in range(epochs):
        runner._run_epoch(lambda: False)
        runner._finish_epoch()
    runner._run_epoch(lambda: False)
    bias = runner.step.variables["output/bias"]
    bias.assign(bias * np.inf)
    with pytest.raises(TrainingError) as caught:
        runner._finish_epoch()
    assert str(caught.value) == f"the weights are not finite after 60 events of {where}"
    assert caught.value.hint == "train again with --overwrite and a lower --learning-rate"


def warned_of_beginning_anew(folder: Path, config: TrainConfig = CONFIG) -> list[str]:
    """Train where a checkpoint cannot be used; the outcome is that of no interruption."""
    expected = outcome(folder / "whole", TrainingLoop(make_plan(folder / "whole", config)).run())
    told: list[str] = []
    runner = TrainingLoop(replace(make_plan(folder, config), warn=told.append))
    assert outcome(folder, runner.run()) == expected
    return told


def test_a_checkpoint_of_another_network_is_left_and_training_starts_again(tmp_path: Path):
    TrainingLoop(make_plan(tmp_path)).run()
    other = TrainConfig(hsz=(6,), batch_size=3, bptt=2, epochs=1)
    assert warned_of_beginning_anew(tmp_path, other) == [
        f"{tmp_path / CHECKPOINT_FILE} does not fit the run's configuration; training starts again"
    ]


def test_a_damaged_checkpoint_is_left_and_training_starts_again(tmp_path: Path):
    TrainingLoop(make_plan(tmp_path)).run()
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"")
    (told,) = warned_of_beginning_anew(tmp_path)
    assert told.startswith(f"{tmp_path / CHECKPOINT_FILE} is damaged: ")
    assert told.endswith("; training starts again")


def test_where_the_best_weights_so_far_are_damaged_training_starts_again(tmp_path: Path):
    TrainingLoop(make_plan(tmp_path)).run()
    (tmp_path / WEIGHTS_FILE).unlink()
    assert warned_of_beginning_anew(tmp_path) == [
        f"{tmp_path / WEIGHTS_FILE} is damaged: it is missing; training starts again"
    ]


def test_a_torn_file_beside_the_checkpoint_is_no_matter(tmp_path: Path):
    whole, folder = tmp_path / "whole", tmp_path / "crashed"
    expected = outcome(whole, TrainingLoop(make_plan(whole)).run())
    with pytest.raises(CrashError):
        TrainingLoop(make_plan(folder, on_event=crash_at(3))).run()
    torn = folder / CHECKPOINT_FILE.parent / f".{CHECKPOINT_FILE.name}.1.tmp"
    torn.write_bytes((folder / CHECKPOINT_FILE).read_bytes()[:100])
    assert outcome(folder, TrainingLoop(make_plan(folder)).run()) == expected


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "schedule": "linear"}], ids=str)
def test_lanes_in_windows_train_the_same_weights_also_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict
):
    config = replace(CONFIG, n_sample=3, **options)
    whole = TrainingLoop(make_plan(tmp_path / "whole", config)).run()
    monkeypatch.setattr("sbrcli.models.training.arrangement.WINDOW_PAIRS", 1)  # a call each
    crashing = make_plan(tmp_path / "run", config, on_event=crash_at(CALLS + 4))
    with pytest.raises(CrashError):
        TrainingLoop(crashing).run()
    resumed = TrainingLoop(make_plan(tmp_path / "run", config, validate=mrrs(0.2)))
    assert resumed.state.step > 0, "it crashed within its second epoch"
    history = resumed.run()
    assert outcome(tmp_path / "run", history) == outcome(tmp_path / "whole", whole)
