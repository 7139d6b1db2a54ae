"""Whole trainings: what must be learned and what cannot be, repeats, and every option's effect."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sbrcli.artefacts.manifests import MANIFEST, read_json, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.validation import validate
from sbrcli.models.loading import load_scorer
from sbrcli.models.training import backend
from sbrcli.models.training import loop as epochs
from sbrcli.models.training.events import EpochStarted, StepsDone
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.workflow.train import train
from sbrcli.workflow.train_result import TrainResult
from sbrcli.workflow.training_job import make_job
from tests.builders import TrainConfig
from tests.chains import FOLLOWS, NUM_ITEMS, make_workspace

SMALL = {"hsz": (8,), "batch_size": 4, "bptt": 4, "epochs": 1}


def run_training(workspace: Workspace, name: str = "run", **options) -> TrainResult:
    job = make_job(workspace, None, TrainConfig(**SMALL | options), name)
    return train(workspace, job, validate)


def bytes_of(workspace: Workspace, name: str = "run") -> bytes:
    return (workspace.path_of("run", name) / WEIGHTS_FILE).read_bytes()


def without_checksums(folder: Path) -> None:
    """Make a manifest as it was before it held checksums."""
    manifest = read_json(folder / MANIFEST)
    del manifest["files"]
    write_json(folder / MANIFEST, manifest)


def test_a_resume_on_another_processor_keeps_the_precision_of_the_beginning(
    tmp_path: Path, monkeypatch
):
    workspace = make_workspace(tmp_path)
    used = []

    class Runner(epochs.TrainingLoop):
        def __init__(self, plan: epochs.LoopSettings) -> None:
            used.append(plan.config.precision)
            super().__init__(plan)

    monkeypatch.setattr(epochs, "TrainingLoop", Runner)
    monkeypatch.setattr(backend, "has_bfloat16", lambda: True)
    run_training(workspace)
    path = workspace.path_of("run", "run") / MANIFEST
    manifest = read_json(path)
    assert (manifest["precision"], manifest["config"]["precision"]) == ("bfloat16", "auto")

    def resume() -> None:
        job = make_job(workspace, None, TrainConfig(**SMALL), "run")
        train(workspace, job, validate, resume=True)

    monkeypatch.setattr(backend, "has_bfloat16", lambda: False)
    write_json(path, manifest | {"status": "training"})
    resume()
    # One that was begun before it was kept takes what the processor has.
    del manifest["precision"]
    write_json(path, manifest | {"status": "training"})
    resume()
    assert used == ["bfloat16", "bfloat16", "float32"]
    assert read_json(path)["precision"] == "float32"


@pytest.mark.usefixtures("with_xla")
def test_a_markov_chain_is_learned_to_its_bound(tmp_path: Path):
    # So many events that two rounds learn the chain, and none of them by heart.
    workspace = make_workspace(tmp_path, users=8000)
    plain = {"dropout": 0.0, "embedding_dropout": 0.0}
    result = run_training(workspace, hsz=(32,), batch_size=16, epochs=2, **plain)
    # The one that follows is ranked first; the other 38 come in any order behind it.
    others = NUM_ITEMS - 2
    bound = FOLLOWS + (1 - FOLLOWS) * sum(1 / rank for rank in range(2, 21)) / others
    best = max(epoch["mrr@20"] for epoch in result.epochs)
    assert 0.97 * bound < best < 1.03 * bound
    # No model of the chain has a lower loss than its entropy.
    entropy = -FOLLOWS * np.log(FOLLOWS) - (1 - FOLLOWS) * np.log((1 - FOLLOWS) / others)
    assert 0.99 * entropy < result.epochs[-1]["loss"] < 1.05 * entropy


def test_nothing_is_learned_where_there_is_nothing_to_learn(tmp_path: Path):
    """Known error 25, of leaks: 20 of 40 items are right half of the time, and no oftener."""
    workspace = make_workspace(tmp_path, users=800, is_chain=False)
    result = run_training(workspace, hsz=(32,), batch_size=16, epochs=2)
    pairs = load_split(workspace.open("dataset").path, "valid").num_targets
    share = 20 / NUM_ITEMS
    spread = 4 * np.sqrt(share * (1 - share) / pairs)
    for epoch in result.epochs:
        assert epoch["recall@20"] == pytest.approx(share, abs=spread)
        assert epoch["mrr@20"] < 1.5 * sum(1 / rank for rank in range(1, 21)) / NUM_ITEMS


def test_items_that_are_counted_otherwise_in_train_are_damage(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    without_checksums(workspace.open("dataset").path)
    path = workspace.open("dataset").path / "items.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("train_count")
    more = pc.add(table["train_count"], 1)  # pyright: ignore
    pq.write_table(table.set_column(at, "train_count", more), path)
    with pytest.raises(ArtefactError) as caught:
        run_training(workspace)
    assert str(caught.value) == f"{path} is damaged: train holds other counts of its items"
    assert caught.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


@pytest.mark.usefixtures("with_xla", "steps_traced_again")
def test_two_trainings_with_one_seed_differ_in_nothing_but_the_seconds(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    histories = []
    for name in ("one", "two"):
        run_training(workspace, name, epochs=2)
        with (workspace.path_of("run", name) / "history.csv").open() as file:
            histories.append(list(csv.DictReader(file)))
    assert bytes_of(workspace, "one") == bytes_of(workspace, "two")
    for one, two in zip(*histories, strict=True):
        for row in (one, two):
            del row["seconds"], row["events_per_second"]
        assert one == two


@pytest.mark.parametrize("epochs", [1, 3])
def test_as_many_epochs_are_trained_as_were_requested(tmp_path: Path, epochs: int):
    """Known error 23."""
    workspace = make_workspace(tmp_path)
    told: list[Any] = []
    config = TrainConfig(**SMALL | {"epochs": epochs})
    result = train(
        workspace,
        make_job(workspace, None, config, "run"),
        validate,
        told.append,
    )
    assert [row["epoch"] for row in result.epochs] == list(range(1, epochs + 1))
    begun = [event for event in told if isinstance(event, EpochStarted)]
    pairs = load_split(workspace.open("dataset").path, "train").num_targets
    assert begun == [
        EpochStarted(epoch=n + 1, epochs=epochs, num_targets=pairs) for n in range(epochs)
    ]
    assert (
        sum(event.num_targets for event in told if isinstance(event, StepsDone)) == epochs * pairs
    )


def test_every_option_reaches_the_model(tmp_path: Path):
    """Known error 16: a flag that changes nothing."""
    changes = [
        {"layers": 2},
        {"hsz": (9,)},
        {"dropout": 0.3},
        {"embedding_dropout": 0.3},
        {"embedding": "separate"},
        {"embedding": "none"},
        {"optimizer": "adam", "momentum": 0.0},
        {"learning_rate": 0.08},
        {"momentum": 0.1},
        {"batch_size": 5},
        {"bptt": 3},
        {"epochs": 2},
        {"refit": True},
        {"seed": 2},
    ]
    workspace, seen = make_workspace(tmp_path), {}
    for number, change in enumerate([{}, *changes]):
        run_training(workspace, f"run-{number}", **change)
        weights = bytes_of(workspace, f"run-{number}")
        assert weights not in seen, f"{change} gives the weights of {seen[weights]}"
        seen[weights] = change


def test_the_seed_decides_the_first_weights_even_without_dropout(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    for seed in (1, 2):
        run_training(workspace, f"seed-{seed}", dropout=0.0, embedding_dropout=0.0, seed=seed)
    assert bytes_of(workspace, "seed-1") != bytes_of(workspace, "seed-2")


def test_a_complete_run_says_what_it_is_and_scores(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    result = run_training(workspace, epochs=2)
    run = workspace.open("run")
    assert run.document["status"] == "complete"
    assert run.document["config"]["epochs"] == 2
    assert run.document["parameters"] == result.parameters
    assert run.document["epochs"] == result.epochs
    assert run.document["best_epoch"] == result.best_epoch
    assert set(run.document["versions"]) == {"tensorflow", "keras", "numpy"}
    best = result.epochs[result.best_epoch - 1]
    metrics = validate(load_scorer(run.path), load_split(workspace.open("dataset").path, "valid"))
    assert metrics == {name: best[name] for name in ("recall@20", "mrr@20", "ndcg@20")}
    assert not list((tmp_path / ".staging").iterdir())


def test_without_a_valid_split_the_last_epoch_is_kept(tmp_path: Path):
    workspace = make_workspace(tmp_path, valid_days=0)
    result = run_training(workspace, "two", epochs=2)
    assert [(row["recall@20"], row["mrr@20"]) for row in result.epochs] == [(None, None)] * 2
    assert result.best_epoch == 2
    run_training(workspace, "one", epochs=1)
    assert bytes_of(workspace, "one") != bytes_of(workspace, "two")
