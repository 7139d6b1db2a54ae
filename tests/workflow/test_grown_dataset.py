"""The dataset of an update is the same however many blocks it is read and written in."""

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sbrcli.artefacts.dataset import Dataset, SourceFile
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.update import UpdateConfig
from sbrcli.dataset import mapped_columns, split_reading
from sbrcli.dataset.continuation import Learned
from sbrcli.dataset.cutting import cut_into_sessions
from sbrcli.dataset.fingerprint import fingerprint
from sbrcli.dataset.growth import Grown, grow
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.errors import ArtefactError
from sbrcli.log.reading import read_log
from sbrcli.workflow.grown_dataset import load_learned, write_grown
from sbrcli.workflow.preprocess import prepare_dataset
from sbrcli.workflow.update import NewEvents
from sbrcli.workflow.update import update as update_run
from tests.builders import make_run

DAY = 86_400


def write_log(path: Path, *, days: range, begin: int = 0) -> Path:
    """Write clicks of 30 users: every day, a few of them click twice or three times."""
    rows = ["user_id,item_id,timestamp"]
    for day in days:
        rng = np.random.default_rng(day)
        for user in rng.choice(30, 6, replace=False).tolist():
            at = 500 * DAY + day * DAY + 60 * user
            items = rng.integers(begin, begin + 9, rng.integers(2, 4)).tolist()
            rows += [f"u{user},{item},{at + step}" for step, item in enumerate(items)]
    path.write_text("\n".join(rows) + "\n")
    return path


def read_in_blocks(patch: pytest.MonkeyPatch) -> None:
    """Take a split of more than 20 events for one that memory does not hold."""
    patch.setattr("sbrcli.sessions._BLOCK", 7)
    for module in (mapped_columns, split_reading):
        patch.setattr(module, "IN_MEMORY_EVENTS", 20)


def update(workspace: Workspace, run: Run, log: Path, name: str) -> Dataset:
    base = workspace.open("dataset", run.dataset.name)
    config = PrepareConfig(session=base.config["session"], min_item_support=2)
    cut = cut_into_sessions(read_log([log], ReadConfig()).events, config)
    grown = grow(load_learned(run, base), cut, config)
    return write_grown(workspace, name, base, grown, SourceFile(log.name, "0"), {})


def train(folder: Path, dataset: Dataset, *, refit: bool = False) -> Run:
    """Make a run that knows the items of train, or after a refit those of train and valid."""
    items = load_items(dataset.path)
    known = dataset.train_full.items if refit and dataset.train_full else items.num_train_items
    reference = {"name": dataset.name, "fingerprint": dataset.fingerprint}
    run = make_run(folder, name=dataset.name, ids=items.ids[:known], dataset=reference)
    manifest = run / "manifest.json"
    entries = {"refit": {"epochs": []}} if refit else {}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | entries))
    return Run.read(run)


def grow_twice(folder: Path, session: str, *, refit: bool) -> list[Dataset]:
    """Make a dataset of twenty days, then update it with two weeks, one after the other."""
    folder.mkdir()
    workspace = Workspace(folder / "work")
    log = write_log(folder / "first.csv", days=range(20))
    config = PrepareConfig(
        session=session, valid_days=4, test_days=0 if refit else 2, min_item_support=2
    )
    prepare_dataset(log, config, workspace, name="first")
    run = train(workspace.root, workspace.open("dataset", "first"), refit=refit)
    week = write_log(folder / "week.csv", days=range(27), begin=2)
    once = update(workspace, run, week, "once")
    later = write_log(folder / "later.csv", days=range(24, 34), begin=4)
    twice = update(workspace, train(workspace.root, once), later, "twice")
    return [once, twice]


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("session", ["user", "gap:3600"])
def test_an_update_and_an_update_of_it_are_the_same_in_blocks(tmp_path, session, refit):
    at_once = grow_twice(tmp_path / "at_once", session, refit=refit)
    with pytest.MonkeyPatch.context() as patch:
        read_in_blocks(patch)
        in_blocks = grow_twice(tmp_path / "in_blocks", session, refit=refit)
    for one, other in zip(at_once, in_blocks, strict=True):
        manifests = [json.loads((each.path / "manifest.json").read_text()) for each in (one, other)]
        for manifest in manifests:
            del manifest["created_at"], manifest["files"]
        assert manifests[0] == manifests[1]
        for file in ("train.parquet", "items.parquet"):
            tables = [pq.read_table(each.path / file) for each in (one, other)]
            assert tables[0].to_pydict() == tables[1].to_pydict()
            assert [field.type for field in tables[0].schema] == [
                field.type for field in tables[1].schema
            ]
        train, items = load_split(other.path, "train"), load_items(other.path)
        assert other.fingerprint == fingerprint(items, {"train": train})
        assert other.train.events == len(train.item_indices) > 100
        counts = train.count_items(len(items.ids))
        assert items.train_count.tolist() == counts.tolist()
    assert pq.read_metadata(in_blocks[0].path / "train.parquet").num_row_groups > 10
    assert pq.read_metadata(at_once[0].path / "train.parquet").num_row_groups == 2


def test_a_dataset_with_the_same_events_is_found_and_another_refused(tmp_path):
    once, _ = grow_twice(tmp_path / "folder", "user", refit=False)
    workspace = Workspace(tmp_path / "folder/work")
    files = {path: path.read_bytes() for path in once.path.iterdir()}
    run, week = workspace.open("run", "first"), tmp_path / "folder/week.csv"
    assert update(workspace, run, week, "once").fingerprint == once.fingerprint
    with pytest.raises(ArtefactError, match="dataset once already exists, with other events"):
        update(workspace, run, tmp_path / "folder/later.csv", "once")
    assert {path: path.read_bytes() for path in once.path.iterdir()} == files


class TrainingBeginsError(Exception):
    """Raised in place of a training."""


def test_the_earlier_sessions_need_no_disk_while_the_update_trains(tmp_path, monkeypatch):
    read_in_blocks(monkeypatch)
    once, _ = grow_twice(tmp_path / "folder", "user", refit=False)
    workspace = Workspace(tmp_path / "folder/work")
    added: list[weakref.ref[Learned]] = []

    def watch(learned: Learned, *rest: Any) -> Grown:
        added.append(weakref.ref(learned))
        return grow(learned, *rest)

    def begin(*_: object, **__: object) -> None:
        gc.collect()
        raise TrainingBeginsError([one() for one in added])

    monkeypatch.setattr("sbrcli.workflow.update.grow", watch)
    monkeypatch.setattr("sbrcli.workflow.update.train", begin)
    new = NewEvents(logs=[tmp_path / "folder/later.csv"], reading=ReadConfig(), run=once.name)
    with pytest.raises(TrainingBeginsError) as caught:
        update_run(workspace, new, UpdateConfig(), lambda *_: {})
    assert caught.value.args == ([None],)
