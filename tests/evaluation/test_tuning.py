"""The search for the baselines' best options."""

import json
from dataclasses import replace

import pytest

from sbrcli.artefacts.manifests import MANIFEST, read_manifest, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError
from sbrcli.models.baselines.markov import MarkovConfig
from sbrcli.models.baselines.options import write_options
from sbrcli.models.baselines.registry import all_baselines, with_options
from sbrcli.workflow import tune_baselines as tuning
from sbrcli.workflow.tune_baselines import search, tune_baselines
from tests.builders import make_run
from tests.chains import make_workspace
from tests.reporters import RecordingReporter


def judged_by(**worth: dict):
    """Judge options by what each of their values is worth."""

    def judge(options: MarkovConfig) -> dict[str, float]:
        value = sum(values[getattr(options, name)] for name, values in worth.items())
        return {"mrr@20": float(value)}

    return judge


def test_each_option_is_chosen_at_the_best_of_those_before_it():
    judge = judged_by(steps={1: 0, 2: 3, 3: 1}, decay={"div": 0, "same": 1})
    grid = {"steps": (1, 2, 3), "decay": ("div", "same")}
    best, tried = search(MarkovConfig(), grid, judge)
    assert best == MarkovConfig(steps=2, decay="same")
    assert [write_options(options) for options in tried] == [
        "steps=1,decay=div",
        "steps=2,decay=div",
        "steps=3,decay=div",
        "steps=2,decay=same",
    ]


def test_of_equals_the_default_is_chosen():
    judge = judged_by(steps={1: 0, 2: 0})
    assert search(MarkovConfig(), {"steps": (2, 1)}, judge)[0] == MarkovConfig()


@pytest.mark.parametrize("baseline", all_baselines(), ids=lambda baseline: baseline.name)
def test_what_is_tried_holds_the_default_and_others(baseline):
    assert bool(baseline.grid) == baseline.has_options
    for option, values in baseline.grid.items():
        assert getattr(baseline.options(), option) in values
        assert len(values) > 1


def try_only(monkeypatch: pytest.MonkeyPatch, grids: dict[str, dict]) -> None:
    """Let baselines be tuned by these grids, by name, and the others by none."""
    baselines = [replace(one, grid=grids.get(one.name, {})) for one in with_options()]
    monkeypatch.setattr(tuning, "with_options", lambda: baselines)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    made = make_workspace(tmp_path / "work")
    fingerprint = read_manifest(made.path_of("dataset", "user"), "dataset")["fingerprint"]
    make_run(
        tmp_path / "work",
        ids=[str(item) for item in range(40)],
        dataset={"name": "user", "fingerprint": fingerprint},
    )
    return made


def test_the_choice_is_kept_with_all_that_was_tried(workspace):
    run = workspace.open("run")
    reporter = RecordingReporter()
    found = tune_baselines(run, workspace, reporter)
    assert reporter.done == [("tune", len(found.trials), len(found.trials))]
    for name in (baseline.name for baseline in with_options()):
        own = [trial for trial in found.trials if trial.baseline == name]
        chosen = [trial for trial in own if trial.is_chosen]
        assert len(chosen) == 1
        assert chosen[0].metrics["mrr@20"] == max(trial.metrics["mrr@20"] for trial in own)
        assert found.options[name] == chosen[0].options
    kept = json.loads((run.path / "baselines.json").read_text())
    assert kept["options"] == found.options
    assert kept["split"] == "valid"


def test_the_test_split_is_never_read(workspace, monkeypatch):
    read = []
    load = tuning.load_split
    monkeypatch.setattr(
        tuning, "load_split", lambda folder, split: read.append(split) or load(folder, split)
    )
    tune_baselines(workspace.open("run"), workspace)
    assert read == ["train", "valid"]


def test_of_a_large_valid_split_sessions_with_enough_next_items_are_tried(workspace, monkeypatch):
    run, valid = workspace.open("run"), load_split(workspace.open("dataset").path, "valid")
    try_only(monkeypatch, {})
    assert tune_baselines(run, workspace).events == valid.num_targets
    enough = valid.num_targets // 2
    monkeypatch.setattr(tuning, "SUBSAMPLE_TARGETS", enough)
    events = tune_baselines(run, workspace).events
    assert events == valid.subsample(enough).num_targets
    assert enough <= events < valid.num_targets


def test_nothing_is_added_to_a_run_that_was_replaced_meanwhile(workspace, monkeypatch):
    try_only(monkeypatch, {})
    run = workspace.open("run")
    write_json(run.path / MANIFEST, run.document | {"seed": 2})
    with pytest.raises(ArtefactError) as error:
        tune_baselines(run, workspace)
    assert str(error.value) == "run user-1x4 has been replaced meanwhile"
    assert not (run.path / "baselines.json").exists()
