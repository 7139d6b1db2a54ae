"""Runs and datasets as typed objects: old ones open, damage is named."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from sbrcli.artefacts.decode import EntryError, decode
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.workflow.trainable import open_trainable
from sbrcli.workflow.training_data import load_training_data
from sbrcli.workflow.training_job import TrainingJob
from tests.builders import TrainConfig, make_run
from tests.chains import NUM_ITEMS, make_workspace

FIRST_DATASET_ENTRIES = {
    *("kind", "format_version", "sbr_version", "created_at"),
    *("source", "config", "splits", "dropped", "fingerprint"),
}
"""The entries that the first version of sbr wrote."""

FIRST_RUN_ENTRIES = {
    *("kind", "format_version", "sbr_version", "created_at", "status"),
    *("config", "dataset", "network", "parameters", "epochs", "best_epoch"),
}


@dataclass(frozen=True)
class Switch:
    is_on: bool


def test_a_switch_is_true_or_false():
    assert decode(Switch, {"is_on": False, "colour": "red"}) == Switch(False)
    with pytest.raises(EntryError) as caught:
        decode(Switch, {"is_on": 0})
    assert str(caught.value) == "is_on must be true or false. Received: 0"


def test_a_document_that_is_no_object_is_named():
    with pytest.raises(EntryError) as caught:
        decode(Switch, [])
    assert str(caught.value) == "the document must be an object. Received: []"


def reduce(path: Path, entries: set[str], **changes: object) -> None:
    """Leave in a manifest what the first version of sbr wrote, and change some of it."""
    manifest = json.loads((path / MANIFEST).read_text()) | changes
    kept = {name: value for name, value in manifest.items() if name in entries}
    (path / MANIFEST).write_text(json.dumps(kept))


def test_a_run_and_a_dataset_of_the_first_version_are_evaluated_and_recommend(sbr):
    workspace = make_workspace(Path("sbr-work"))
    dataset = workspace.open("dataset")
    made_with = ("session", "across_users", "min_session_length", "min_item_support")
    made_with = {name: dataset.config[name] for name in (*made_with, "valid_days", "test_days")}
    reduce(dataset.path, FIRST_DATASET_ENTRIES, config=made_with)
    ids = [str(number + 1) for number in range(NUM_ITEMS)]
    run = make_run(
        Path("sbr-work"), ids=ids, dataset={"name": "user", "fingerprint": dataset.fingerprint}
    )
    row = {"epoch": 1, "loss": 2.5, "seconds": 1.0, "recall@20": 0.5, "mrr@20": 0.25}
    reduce(run, FIRST_RUN_ENTRIES, config={"hsz": [4]}, epochs=[row], best_epoch=1)

    evaluated = sbr("evaluate", "--json")
    assert evaluated.code == 0
    assert json.loads(evaluated.stdout)["protocol"]["candidates"] == NUM_ITEMS
    recommended = sbr("recommend", "--items", "1,2", "-k", "3", "--json")
    assert recommended.code == 0
    assert len(json.loads(recommended.stdout)["items"]) == 3
    assert json.loads(sbr("stats", "--json").stdout)["items"] == NUM_ITEMS
    listed = json.loads(sbr("runs", "--json").stdout)
    assert [row["status"] for row in (*listed["runs"], *listed["datasets"])] == ["complete"] * 2


def test_train_full_that_is_smaller_than_train_is_damage(tmp_path):
    workspace = make_workspace(tmp_path / "work")
    dataset = workspace.open("dataset")
    fewer = dataset.document["train_full"] | {"items": 1}
    path = dataset.path / MANIFEST
    path.write_text(json.dumps(dataset.document | {"train_full": fewer}))
    with pytest.raises(ArtefactError) as caught:
        open_trainable(Workspace(tmp_path / "work"), None, TrainConfig(refit=True))
    assert str(caught.value) == f"{path} is damaged: train_full has fewer items than train"
    assert caught.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_a_split_with_more_items_than_were_stated_when_the_job_was_made_is_damage(tmp_path):
    dataset = make_workspace(tmp_path / "work").open("dataset")
    splits = dataset.document["splits"]
    smaller = dataset.with_entries(splits=splits | {"train": splits["train"] | {"items": 1}})
    with pytest.raises(ArtefactError) as caught:
        load_training_data(TrainingJob(smaller, TrainConfig(), "run"), "fit")
    problem = "train has more items than it states"
    assert str(caught.value) == f"{dataset.path / MANIFEST} is damaged: {problem}"
