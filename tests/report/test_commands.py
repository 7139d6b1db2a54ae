"""The command lines that made a run, as one would type them."""

import json
import shlex
from dataclasses import asdict, replace

import pytest

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli.app import run as run_sbr
from sbrcli.models.baselines.registry import BASELINES
from sbrcli.models.configuration import configure_training
from sbrcli.models.gru4rec.presets import PRESETS
from sbrcli.models.registry import find_family
from sbrcli.report.commands import (
    evaluate_command,
    full_evaluate_command,
    preprocess_command,
    report_command,
    train_command,
)
from sbrcli.report.stored_evaluation import read_stored_evaluation
from sbrcli.workflow import train_request
from sbrcli.workflow.run_names import default_run_name
from tests.builders import TrainConfig, run_manifest, write_ratings
from tests.chains import make_workspace
from tests.report.test_stored_evaluation import BEST, EVALUATION, FULL, METRICS, STANDING, keep

DAY = 86_400
LOG = ", ".join(f"{user} {item} {user * DAY}" for user in range(1, 100) for item in (1, 2, 3, 1, 2))


@pytest.mark.parametrize(
    "words",
    [
        "--session user",
        "--session gap:3600 --across-users --min-item-support 1",
        "--session gap:0.5 --min-session-length 3 --min-item-support 1",
        "--session user --drop-repeats --valid-days 0 --test-days 1.5",
        "--session user --skip-bad-rows --no-header --time-unit s --titles titles.csv",
        "--session user --split last",
        "--session user --sep :: --encoding utf-8 --test-log 'more of it.dat'",
        "--session user --columns item=2,time=4,user=1 --name 'of my own'",
    ],
)
def test_a_dataset_s_command_makes_the_same_dataset(tmp_path, words):
    write_ratings(tmp_path / "log.dat", LOG)
    write_ratings(tmp_path / "more of it.dat", LOG)
    (tmp_path / "titles.csv").write_text("item,title\n1,One\n")
    assert run_sbr(shlex.split(f"preprocess log.dat {words}")) == 0
    made = Workspace(tmp_path / "sbr-work").open("dataset")
    command = shlex.split(preprocess_command(made))
    assert command[:3] == ["sbr", "preprocess", "log.dat"]
    assert sorted(command[3:]) == sorted(shlex.split(words))
    # It already exists, made of the same log with the same options.
    assert run_sbr(command[1:]) == 0
    assert Workspace(tmp_path / "sbr-work").names("dataset") == [made.name]


def test_a_log_from_standard_input_is_a_dash(tmp_path):
    dataset = make_workspace(tmp_path / "w").open("dataset")
    source = dataset.document["source"] | {"name": "standard input"}
    dataset = dataset.with_entries(source=source)
    assert preprocess_command(dataset).startswith("sbr preprocess - --session user ")


def trained(tmp_path, config: TrainConfig, *, name: str | None = None, events: int = 10) -> tuple:
    """A dataset whose train sessions have that many events, and a run of it."""
    dataset = make_workspace(tmp_path / "w").open("dataset")
    train = dataset.document["splits"]["train"] | {"events": events, "sessions": 1}
    dataset = dataset.with_entries(splits=dataset.document["splits"] | {"train": train})
    manifest = run_manifest(config=json.loads(json.dumps(asdict(config))))
    usual = configure_training({}, None, short_sessions=events < 20)
    name = name or default_run_name(dataset.name, find_family("gru4rec"), config, usual)
    return Run.from_document(tmp_path / name, manifest), dataset


GIVEN = [
    {},
    {"hsz": (50, 30), "layers": 2, "seed": 7},
    {"optimizer": "adam", "loss": "bpr-max", "bpreg": 0.5, "elu": 1.0},
    {"optimizer": "adam", "learning_rate": 0.0001, "n_sample": 64, "shuffle": True},
    {"n_sample": 0, "label_smoothing": 0.1, "schedule": "cosine", "clip_norm": 2.0},
    {"refit": True, "batch_size": 32, "dropout": 0.2, "learning_rate": 0.07},
    *({"preset": name} for name in PRESETS),
]


@pytest.mark.parametrize("events", [10, 100])
@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_a_run_s_command_trains_with_the_same_options(tmp_path, monkeypatch, given, events):
    given = dict(given)
    preset = given.pop("preset", None)
    config = configure_training(given, preset, short_sessions=events < 20)
    run, dataset = trained(tmp_path, config, name="named", events=events)
    words = shlex.split(train_command(run, dataset))
    assert words[:4] == ["sbr", "train", "--dataset", "user"]
    asked = []

    def make_job(_workspace, dataset, config, name, for_short, _model):
        asked.append((dataset, for_short if events < 20 else config, name))
        raise KeyboardInterrupt

    monkeypatch.setattr(train_request, "make_job", make_job)
    assert run_sbr(words[1:]) == 130
    assert asked == [("user", config, "named")]


def test_options_at_their_defaults_are_not_named(tmp_path):
    run, dataset = trained(tmp_path, configure_training({}, None, short_sessions=True))
    assert train_command(replace(run, path=tmp_path / "user-1x100"), dataset) == (
        "sbr train --dataset user"
    )
    run, dataset = trained(tmp_path, TrainConfig(), events=100)
    assert train_command(run, dataset) == "sbr train --dataset user"


def test_a_name_that_follows_from_the_options_is_not_named(tmp_path):
    run, dataset = trained(tmp_path, TrainConfig(epochs=3, n_sample=5), events=100)
    assert train_command(run, dataset) == "sbr train --dataset user --n-sample 5 --epochs 3"


def evaluated(tmp_path, document: dict) -> str:
    run = keep(tmp_path, {"test": document})
    stored = read_stored_evaluation(run)
    assert stored is not None
    return evaluate_command(run, stored)


def test_one_evaluation_reproduces_all_stored_results(tmp_path):
    assert evaluated(tmp_path, FULL) == (
        "sbr evaluate --run user-1x4 -k 5 --baselines markov --slices"
    )


def test_an_evaluation_at_the_usual_cuts_alone_has_no_options(tmp_path):
    usual = {name.replace("5", str(k)): 0.5 for k in (1, 5, 10, 20) for name in METRICS}
    document = EVALUATION | {"metrics": usual}
    assert evaluated(tmp_path, document) == "sbr evaluate --run user-1x4"


def test_all_baselines_their_options_and_the_hybrid_are_named(tmp_path):
    others = [name for name in (*BASELINES, "hybrid") if name != "markov"]
    board = [BEST, STANDING | {"options": "steps=5,decay=same"}]
    board += [STANDING | {"model": name, "options": None} for name in others]
    assert evaluated(tmp_path, EVALUATION | {"leaderboard": board}) == (
        "sbr evaluate --run user-1x4 -k 5 --baselines all --markov steps=5,decay=same --hybrid"
    )


def test_a_hybrid_that_was_taken_over_is_taken_over_again(tmp_path):
    run = keep(tmp_path, {"test": EVALUATION | {"leaderboard": [STANDING | {"model": "hybrid"}]}})
    choice = {"partner": "markov", "weight": 0.5, "options": {}, "taken_from": "the first"}
    (run.path / "hybrid.json").write_text(json.dumps(choice))
    stored = read_stored_evaluation(run)
    assert stored is not None
    assert evaluate_command(run, stored) == (
        "sbr evaluate --run user-1x4 -k 5 --hybrid-from 'the first'"
    )


def test_names_are_quoted_for_the_shell(tmp_path):
    run = Run.from_document(tmp_path / "it's; rm", run_manifest())
    quoted = "'it'\"'\"'s; rm'"
    assert report_command(run) == f"sbr report --run {quoted}"
    assert full_evaluate_command(run) == (f"sbr evaluate --run {quoted} --baselines all --slices")
