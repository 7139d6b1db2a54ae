"""Refits: training on train and valid together, for as many epochs as were best."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config import loss as options
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError, ConfigError, TrainingError
from sbrcli.evaluation.validation import validate
from sbrcli.models.loading import load_scorer, shape_of_run
from sbrcli.models.network import count_parameters
from sbrcli.models.training import loop as epochs
from sbrcli.models.training.events import EpochStarted, StepsDone, TrainingEvent
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow import training_phases as training
from sbrcli.workflow.train import train
from sbrcli.workflow.train_result import TrainResult, describe_run
from sbrcli.workflow.training_job import make_job
from tests.builders import TrainConfig
from tests.chains import NUM_ITEMS, make_workspace, make_workspace_with_new_item

CONFIG = TrainConfig(hsz=(4,), batch_size=4, bptt=4, epochs=3, refit=True)
BEST = 2
MRRS = {1: 0.1, BEST: 0.3, 3: 0.2}


class CrashError(Exception):
    """Ends a training as a killed process does: nothing more is written."""


@pytest.fixture(autouse=True, scope="module")
def short_calls() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", 64)
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, short_calls: None) -> Workspace:
    """A work directory with a refitted run that was never interrupted."""
    workspace = make_workspace_with_new_item(tmp_path_factory.mktemp("whole"))
    run_training(workspace, refit=True)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace_with_new_item(tmp_path)


def run_training(
    workspace: Workspace,
    name: str = "run",
    *,
    on_event: Any = None,
    resume: bool = False,
    **changes: Any,
) -> TrainResult:
    """Train with the figures that make epoch 2 the best."""
    job = make_job(workspace, None, replace(CONFIG, **{"refit": False} | changes), name)
    epoch = []

    def listen(event: TrainingEvent) -> None:
        if isinstance(event, EpochStarted):
            epoch.append(event.epoch)
        if on_event is not None:
            on_event(event)

    def validate_so(scorer: Any, sessions: Any, _: Any) -> dict[str, float]:
        return validate(scorer, sessions) | {"mrr@20": MRRS[epoch[-1]]}

    return train(workspace, job, validate_so, listen, resume=resume)


def bytes_of(workspace: Workspace, name: str = "run") -> dict[str, bytes]:
    folder = workspace.path_of("run", name)
    return {file: (folder / file).read_bytes() for file in (WEIGHTS_FILE, ITEMS_FILE)}


def tensors_of(workspace: Workspace) -> dict[str, list[tuple[str, bytes]]]:
    """Give the tensors alone: the weights of a first phase say of which epoch they are."""
    folder = workspace.path_of("run", "run")
    return {
        file: [(name, tensor.tobytes()) for name, tensor in load_file(folder / file).items()]
        for file in (WEIGHTS_FILE, ITEMS_FILE)
    }


def rows_of(workspace: Workspace, name: str = "run") -> list[list[str]]:
    """Give both histories without the two columns of time."""
    folder = workspace.path_of("run", name)
    lines = [
        line
        for path in (folder / "history.csv", folder / "refit" / "history.csv")
        for line in path.read_text().splitlines()
    ]
    return [line.split(",")[:2] + line.split(",")[4:] for line in lines]


def test_a_refit_is_a_training_on_what_is_not_test_for_the_best_number_of_epochs(
    whole: Workspace, tmp_path: Path
):
    result = describe_run(whole.open("run"))
    # Without valid days, train is all but test; users are numbered as they come.
    other = make_workspace_with_new_item(tmp_path / "other", valid_days=0)
    plain = run_training(other, epochs=BEST)
    assert tensors_of(whole) == tensors_of(other)
    assert result.best_epoch == BEST
    assert [row["epoch"] for row in result.epochs] == [1, 2, 3]
    assert result.refit is not None
    losses = [row["loss"] for row in result.refit["epochs"]]
    assert losses == [row["loss"] for row in plain.epochs]
    assert [row["mrr@20"] for row in result.refit["epochs"]] == [None] * BEST


def test_a_refitted_run_knows_the_items_of_valid_and_says_what_it_is(whole: Workspace):
    run = whole.open("run")
    assert (run.document["status"], run.document["phase"]) == ("complete", "refit")
    assert run.document["config"]["refit"] is True
    assert run.document["network"]["num_items"] == NUM_ITEMS + 1
    assert run.document["parameters"] == count_parameters(shape_of_run(run))
    items = load_items(run.path / ITEMS_FILE)
    assert items.ids[-1] == "777"
    dataset = whole.open("dataset").path
    both = load_split(dataset, "train").followed_by(load_split(dataset, "valid_full"))
    assert items.train_count.tolist() == np.bincount(both.item_indices).tolist()
    assert items.train_count[-1] == 2
    scorer = load_scorer(run.path)
    assert scorer.num_items == NUM_ITEMS + 1
    assert np.isfinite(scorer.score_next(np.array([NUM_ITEMS]))).all()


def test_the_first_phase_is_as_it_is_without_a_refit(workspace: Workspace, whole: Workspace):
    without = run_training(workspace)
    assert without.refit is None
    pairs = zip(whole.open("run").document["epochs"], without.epochs, strict=True)
    for one, other in pairs:
        assert (one["loss"], one["recall@20"]) == (other["loss"], other["recall@20"])
    assert bytes_of(workspace) != bytes_of(whole)


@pytest.mark.parametrize(("phase", "number"), [("fit", 2), ("refit", 2)], ids=str)
def test_a_run_killed_in_either_phase_ends_as_one_never_interrupted(
    workspace: Workspace, whole: Workspace, phase: str, number: int
):
    heard = []

    def crash(event: TrainingEvent) -> None:
        if isinstance(event, EpochStarted):
            heard.append((event.phase, event.epoch))
        elif isinstance(event, StepsDone) and heard[-1] == (phase, number):
            raise CrashError

    with pytest.raises(CrashError):
        run_training(workspace, refit=True, on_event=crash)
    resumed = run_training(workspace, refit=True, resume=True)
    assert bytes_of(workspace) == bytes_of(whole)
    assert rows_of(workspace) == rows_of(whole)
    assert resumed.best_epoch == BEST


@pytest.mark.parametrize("broken", ["save_known_items", "save_weights"])
def test_a_run_killed_while_the_refit_takes_its_place_ends_as_well(
    workspace: Workspace, whole: Workspace, monkeypatch: pytest.MonkeyPatch, broken: str
):
    write = getattr(training, broken)

    def crash(path: Path, *arguments: Any) -> None:
        write(path, *arguments)
        if "best_epoch" in read_manifest_of(workspace):  # and not when the run was begun
            raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(training, broken, crash)
        with pytest.raises(CrashError):
            run_training(workspace, refit=True)
    assert read_manifest_of(workspace)["status"] == "training"
    run_training(workspace, refit=True, resume=True)
    assert bytes_of(workspace) == bytes_of(whole)
    assert rows_of(workspace) == rows_of(whole)


def read_manifest_of(workspace: Workspace) -> dict[str, Any]:
    path = workspace.path_of("run", "run") / MANIFEST
    return json.loads(path.read_text()) if path.exists() else {}


def test_a_loss_lost_in_the_refit_leaves_the_run_from_before_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    run_training(workspace, "without")
    walk = epochs.TrainingLoop._train_steps

    def lose(runner: epochs.TrainingLoop, walked: int) -> int:
        if runner.settings.phase == "refit" and runner.state.epoch == 2:
            runner.state.loss = float("nan")
        return walk(runner, walked)

    monkeypatch.setattr(epochs.TrainingLoop, "_train_steps", lose)
    with pytest.raises(TrainingError) as caught:
        run_training(workspace, refit=True)
    assert str(caught.value) == (
        "the loss is nan after 0 events of epoch 2 of the refit; "
        "the weights from before the refit are kept"
    )
    assert caught.value.hint == "train again with --overwrite and a lower --learning-rate"
    assert bytes_of(workspace) == bytes_of(workspace, "without")
    run = workspace.open("run", "run")
    assert (run.document["status"], run.document.get("refit")) == ("complete", None)
    assert run.document["network"]["num_items"] == NUM_ITEMS
    load_scorer(run.path)


def test_some_items_more_do_not_change_how_negatives_are_chosen(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(options, "FULL_UP_TO_ITEMS", NUM_ITEMS)
    chosen = []
    sampler = epochs.TrainingLoop._sampler

    def note(runner: epochs.TrainingLoop) -> Any:
        chosen.append((runner.settings.phase, sampler(runner)))
        return chosen[-1][1]

    monkeypatch.setattr(epochs.TrainingLoop, "_sampler", note)
    run_training(workspace, refit=True)
    assert chosen == [("fit", None), ("refit", None)]


def test_a_refit_without_a_valid_split_is_refused(tmp_path: Path):
    workspace = make_workspace(tmp_path, valid_days=0)
    with pytest.raises(ConfigError) as caught:
        make_job(workspace, None, CONFIG, None)
    assert str(caught.value) == (
        "refit needs a valid split, on which the best number of epochs is found; "
        "dataset user has none"
    )
    assert caught.value.hint == (
        "leave --refit out: all events before test are trained on as it is"
    )


def test_a_dataset_of_before_there_were_refits_is_trained_on_but_not_refitted(
    workspace: Workspace,
):
    dataset = workspace.open("dataset").path
    change_manifest(dataset, train_full=None)
    (dataset / "valid_full.parquet").unlink()
    run_training(workspace, epochs=1)
    with pytest.raises(ArtefactError) as caught:
        make_job(workspace, None, CONFIG, None)
    assert str(caught.value) == (
        "dataset user was prepared by an sbr that kept nothing for --refit"
    )
    assert caught.value.hint == (
        "prepare it again, sbr preprocess LOG --overwrite, or leave --refit out"
    )


@pytest.mark.parametrize("counts", [[], {"items": 41}, {"items": 3, "events": 9, "sessions": 2}])
def test_a_manifest_that_counts_train_and_valid_wrongly_is_damaged(
    workspace: Workspace, counts: object
):
    dataset = workspace.open("dataset").path
    change_manifest(dataset, train_full=counts)
    with pytest.raises(ArtefactError, match=r"manifest\.json is damaged"):
        make_job(workspace, None, CONFIG, None)


def test_a_file_that_is_missing_is_reported_before_training_begins(workspace: Workspace):
    path = workspace.open("dataset").path / "valid_full.parquet"
    path.unlink()
    with pytest.raises(ArtefactError) as caught:
        run_training(workspace, refit=True)
    assert str(caught.value) == f"{path} is damaged: it is missing"
    assert not workspace.names("run")


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
