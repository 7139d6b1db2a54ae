"""`sbr tune --model` with a baseline: a study of its options, by the machinery of the networks'."""

import json
import shlex
import sys

import pytest

from sbrcli.config.search_space import Choices, Range
from sbrcli.models.baselines.options import parse_options
from sbrcli.models.baselines.registry import find_baseline, with_options
from sbrcli.models.training.events import TargetsRanked, ValidationStarted, ignore_event
from sbrcli.workflow.tuning.baseline_settings import BaselineSettings, own_space
from sbrcli.workflow.tuning.baseline_trial import BaselineRunner
from sbrcli.workflow.tuning.trial import Outcome
from tests.chains import make_workspace

WORDS = ("tune", "--model", "stan", "--trials", 4)


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)  # which takes most of the time here
    return make_workspace(tmp_path / "sbr-work")


def document_of(said) -> dict:
    assert said.code == 0, said.stderr
    return json.loads(said.stdout)


def test_its_trials_are_drawn_between_the_values_of_its_grid(sbr, tmp_path):
    (tmp_path / "sbr-work/datasets/user/test.parquet").unlink()  # which is never read
    said = sbr(*WORDS, "--json")
    found = document_of(said)
    assert (found["study"], found["model"], found["monitor"]) == ("user-stan", "stan", "mrr@20")
    first, *others = found["trials"]
    assert first["options"] == {
        "lambda2": 5.0, "lambda1": 1.02, "lambda3": 2.05, "k": 100, "sample": 5000,
    }  # fmt: skip
    for trial in others:
        for name, values in find_baseline("stan").grid.items():
            assert min(values) <= trial["options"][name] <= max(values)
    assert {trial["state"] for trial in found["trials"]} == {"complete"}
    assert found["best"] == max(found["trials"], key=lambda trial: trial["valid_mrr"])
    assert "TensorFlow" not in said.stderr
    assert not (tmp_path / "sbr-work/runs").exists()
    # The same command fits nothing, and one with more trials goes on.
    assert document_of(sbr(*WORDS, "--json")) == found
    more = document_of(sbr(*WORDS[:-1], 5, "--json"))
    assert more["trials"][:4] == found["trials"]


def test_the_command_fits_a_run_of_the_same_metrics(sbr):
    found = document_of(sbr(*WORDS, "--json"))
    trained = document_of(sbr(*shlex.split(found["command"])[1:], "--json"))
    (epoch,) = trained["epochs"]
    assert {name: epoch[name] for name in found["best"]["metrics"]} == found["best"]["metrics"]
    said = sbr(*WORDS, "--train", "--json")
    assert document_of(said)["run"] == trained["run"]
    assert said.stderr.splitlines() == [
        f"run {trained['run']} on dataset user",
        f"run {trained['run']} already exists, trained with the same options",
        f"trained run {trained['run']}; sbr evaluate is next",
    ]


def test_what_is_fixed_is_in_the_command_and_not_searched(sbr):
    words = ("--vsknn", "k=60,decay=same", "--search", "weighting", "--search", "idf=0:2")
    found = document_of(sbr("tune", "--model", "vsknn", "--trials", 3, *words, "--json"))
    assert [set(trial["options"]) for trial in found["trials"]] == [{"weighting", "idf"}] * 3
    text = found["command"].partition(" --vsknn ")[2]
    options = parse_options("vsknn", text, find_baseline("vsknn").options())
    assert (options.k, options.decay, options.sample) == (60, "same", 1000)
    assert options.weighting == found["best"]["options"]["weighting"]


def test_without_other_options_the_command_names_the_model_alone():
    settings = BaselineSettings(FakeDataset, "markov", {})  # pyright: ignore
    words = settings.train_words(settings.configure({"steps": 1}), refit=False)
    assert words == ["sbr", "train", "--dataset", "shop", "--model", "markov"]


class FakeDataset:
    name = "shop"


@pytest.mark.parametrize("baseline", with_options(), ids=lambda baseline: baseline.name)
def test_each_baseline_with_options_has_a_space_that_holds_its_grid(baseline):
    space = own_space(baseline.name)
    assert set(space) == set(baseline.grid)
    for name, dimension in space.items():
        values = baseline.grid[name]
        if isinstance(dimension, Choices):
            assert dimension.values == values
        else:
            assert (dimension.low, dimension.high) == (min(values), max(values))
            assert dimension.is_log == (min(values) > 0)


def test_numbers_are_ranges_and_words_are_choices():
    assert own_space("markov") == {
        "steps": Range(1, 20, is_log=True, is_whole=True),
        "decay": Choices(("div", "same")),
    }
    assert own_space("item-knn") == {"damping": Range(0.0, 200.0)}


def test_a_trial_that_is_stopped_is_given_back(workspace):
    dataset = workspace.open("dataset")
    seen = []
    settings = BaselineSettings(dataset, "markov", {})
    runner = BaselineRunner(workspace, settings, seen.append)
    assert runner.run({}, lambda *_: False, lambda: True) == Outcome(None, None, {})
    started, ranked = seen[:2]
    assert isinstance(ranked, TargetsRanked)
    assert started == ValidationStarted(epoch=1, epochs=1, num_targets=runner.valid.num_targets)


def test_options_that_do_not_go_together_are_a_failed_trial(workspace):
    settings = BaselineSettings(workspace.open("dataset"), "markov", {})
    outcome = BaselineRunner(workspace, settings, ignore_event).run(
        {"steps": 0}, lambda *_: False, lambda: False
    )
    assert (outcome.state, outcome.facts["error"]) == (
        "failed",
        "steps must be at least 1. Received: 0",
    )


def test_the_plan_shows_the_space_and_measures_a_trial(sbr, tmp_path):
    words = ("tune", "--model", "markov", "--markov", "decay=same", "--dry-run")
    plan, space, fixed = sbr(*words).stdout.split("\n\n")
    rows = dict(line.split("\t") for line in plan.splitlines())
    assert (rows["study"][:12], rows["epochs per trial"]) == ("user-markov-", "1")
    assert rows["time"] == "not measured; --measure fits once"
    assert "memory of a trial" not in rows
    assert space.splitlines()[1:] == ["steps\t1 to 20 (log)\t1"]
    assert fixed.splitlines() == ["option\tvalue", "decay\tsame"]
    measured = document_of(sbr(*words, "--measure", "--json"))["plan"]
    assert measured["memory_bytes"] > 0
    assert measured["seconds"] > 0
    assert not (tmp_path / "sbr-work" / "studies").exists()


def test_a_grid_keeps_a_run_for_each_combination(sbr, tmp_path):
    words = ("tune", "--model", "markov", "--grid", "steps=1,3", "--grid", "decay=div,same")
    said = sbr(*words, "--json")
    found = document_of(said)
    runs = [trial["run"] for trial in found["trials"]]
    assert runs == ["user-markov", "user-markov-same", "user-markov-steps3",
                    "user-markov-steps3-same"]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "sbr-work/runs").iterdir()) == sorted(runs)
    best = found["best"]
    assert best["valid_mrr"] == max(trial["valid_mrr"] for trial in found["trials"])
    assert document_of(sbr(*shlex.split(found["command"])[1:], "--json"))["run"] == best["run"]
    assert document_of(sbr(*words, "--json"))["trials"] == found["trials"]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("--model", "popularity"), 4, "popularity has no options to tune\n"
                                       "hint: fit it with: sbr train --model popularity"),
        (("--model", "stan", "--epochs", 3), 2, "--epochs is for networks; stan is a baseline, "
         "which is fitted in one pass\nhint: leave --epochs out; sbr train --help lists the "
         "options of each model"),
        (("--model", "stan", "--refit"), 2, "--refit is for networks; stan is a baseline, which "
         "is fitted in one pass\nhint: leave --refit out; sbr train --help lists the options of "
         "each model"),
        (("--model", "stan", "--markov", "steps=2"), 2, "--markov would do nothing: it has the "
         "options of --model markov\nhint: leave --markov out, or tune with: --model markov"),
        (("--model", "stan", "--search", "hsz=1:2"), 2, "--search takes an option of the baseline: "
         "k, sample, lambda1, lambda2, lambda3. Received: hsz=1:2"),
        (("--model", "stan", "--search", "k=0:9"), 4, "--search k=0:9: k must be at least 1. "
                                                      "Received: 0"),
        (("--model", "stan", "--stan", "k=0"), 4, "stan's k must be at least 1. Received: 0"),
        (("--model", "stan", "--stan", "k=9", "--search", "k"), 4, "--stan k=… is fixed, and "
         "cannot be searched too\nhint: omit --stan k=… or its --search"),
        (("--model", "stan", "--stan", "k=9", "--grid", "k=8"), 2, "--stan k=… is fixed, and "
         "cannot be in the grid too\nhint: omit --stan k=… or its --grid"),
        (("--model", "item-knn", "--search", "neighbours"), 2, "--search neighbours: neighbours "
         "has no range of its own\nhint: give one: --search neighbours=LOW:HIGH"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused(sbr, words, code, error):
    said = sbr("tune", *words)
    assert (said.stdout, said.stderr, said.code) == ("", f"error: {error}\n", code)


def test_another_metric_and_seed_make_another_study(sbr):
    words = ("tune", "--model", "markov", "--trials", 2, "--json")
    one = document_of(sbr(*words))
    other = document_of(sbr(*words, "--monitor", "recall@20", "--seed", 5))
    assert one["study"] == "user-markov"
    assert other["study"].startswith("user-markov-")
    assert other["monitor"] == "recall@20"
    assert one["trials"][1]["options"] != other["trials"][1]["options"]


def test_a_study_of_a_baseline_loads_no_tensorflow(tmp_path):
    import subprocess

    code = (
        "import sys; from sbrcli.cli.app import run; "
        "run(['tune', '--model', 'markov', '--trials', '1', '--quiet']); "
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.endswith("set()\n")
