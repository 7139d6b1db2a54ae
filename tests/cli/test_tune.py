"""`sbr tune`: its words, and trials that are trained."""

import json
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbrcli.cli import app
from sbrcli.models.registry import BASELINES, FAMILIES
from sbrcli.workflow.tuning import child
from sbrcli.workflow.tuning import trial as trials
from tests.chains import make_workspace, write_chain_log
from tests.cli.small_run import SMALL

WORDS = ("tune", "--trials", 2, *SMALL, "--search", "dropout=0:0.5")
FIXED = "--hsz 4 --batch-size 4 --bptt 4 --epochs 2"


@pytest.fixture(scope="module", autouse=True)
def trained_here() -> Iterator[None]:
    """Train the trials in this process, where TensorFlow is loaded already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "ChildRunner", trials.TrialRunner)
        yield


@pytest.fixture(scope="module")
def tuned(tmp_path_factory) -> Path:
    """A work directory with a study of two trials."""
    root = make_workspace(tmp_path_factory.mktemp("tuned") / "sbr-work").root
    words = [*map(str, WORDS), "--quiet", "--json", "--workdir", str(root)]
    # The test split is never read: the study does without it.
    test = root / "datasets" / "user" / "test.parquet"
    test.rename(root / "test.parquet")
    assert app.run(words) == 0
    (root / "test.parquet").rename(test)
    return root


@pytest.fixture
def study(tuned, tmp_path) -> Path:
    """A copy of it in the present folder."""
    return shutil.copytree(tuned, tmp_path / "sbr-work")


def document_of(said) -> dict:
    assert said.code == 0, said.stderr
    return json.loads(said.stdout)


@pytest.mark.usefixtures("study")
def test_a_study_is_a_document_and_the_same_command_trains_nothing(sbr):
    said = sbr(*WORDS, "--json")
    found = document_of(said)
    assert list(found) == ["study", "dataset", "model", "monitor", "trials", "best", "command",
                           "importance", "plan", "run"]  # fmt: skip
    assert [trial["number"] for trial in found["trials"]] == [1, 2]
    first = found["trials"][0]
    assert (first["options"], first["state"], first["epochs"]) == ({"dropout": 0.3}, "complete", 2)
    assert first["valid_mrr"] == first["metrics"]["mrr@20"]
    best = max(found["trials"], key=lambda trial: trial["valid_mrr"])
    assert found["best"] == best
    dropout = f" --dropout {best['options']['dropout']:g}" * (best["number"] != 1)
    assert found["command"] == "sbr train --dataset user --hsz 4" + dropout + FIXED[7:]
    assert "loading TensorFlow" not in said.stderr


@pytest.mark.usefixtures("study")
def test_trials_are_a_table_and_the_command_is_said(sbr):
    said = sbr(*WORDS)
    header, *rows = [line.split("\t") for line in said.stdout.splitlines()]
    assert header == ["trial", "dropout", "mrr@20", "epochs", "seconds", "state", "best"]
    assert [row[0] for row in rows] == ["1", "2"]
    assert [row[-1] for row in rows].count("*") == 1
    note, command = said.stderr.splitlines()
    assert note == "this trains the best trial as a run:"
    assert command.startswith("  sbr train --dataset user --hsz 4")


@pytest.mark.usefixtures("study")
def test_the_command_trains_a_run_of_the_same_metrics(sbr):
    found = document_of(sbr(*WORDS, "--json"))
    trained = document_of(sbr(*shlex.split(found["command"])[1:], "--json"))
    at = trained["best_epoch"] - 1
    assert found["best"]["best_epoch"] == trained["best_epoch"]
    assert found["best"]["valid_mrr"] == trained["epochs"][at]["mrr@20"]
    # And --train finds that run.
    said = sbr(*WORDS, "--train", "--json")
    assert document_of(said)["run"] == trained["run"]
    assert said.stderr.splitlines() == [
        f"run {trained['run']} already exists, trained with the same options",
        f"trained run {trained['run']}; sbr evaluate is next",
    ]


@pytest.mark.usefixtures("study")
def test_a_refit_is_of_the_command_and_of_no_trial(sbr):
    found = document_of(sbr(*WORDS, "--refit", "--json"))
    assert found["command"].endswith(" --refit")
    plan = document_of(sbr(*shlex.split(found["command"])[1:], "--dry-run", "--json"))["plan"]
    assert plan["refit"] is True
    assert {one["state"] for one in found["trials"]} == {"complete"}


def test_trials_leave_no_run_and_read_no_test_split(tuned):
    assert not (tuned / "runs").exists()
    assert (tuned / "datasets" / "user" / "test.parquet").exists()


def test_a_diverged_trial_is_shown_and_the_others_go_on(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    words = ("--search", "learning-rate=1e8:1e9", "--trials", 2)
    said = sbr("tune", *SMALL, *words)
    assert said.code == 0
    lines = said.stderr.splitlines()
    assert lines[0] == "loading TensorFlow"
    assert lines[1].startswith("trial 1/2  mrr@20 .")
    assert "*  learning-rate 0.1  " in lines[1]
    assert lines[2].startswith("trial 2/2  failed: the loss is ")
    assert said.stdout.splitlines()[2].split("\t")[5].startswith("failed: the loss is ")


def test_the_plan_shows_the_space_and_what_is_fixed(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    words = ("tune", "--dry-run", "--trials", 5, "--epochs", 3, "--time-limit", "1m30s")
    searched = ("--search", "hsz=50:300", "--search", "loss=bpr-max,top1")
    said = sbr(*words, *searched)
    assert said.code == 0
    plan, space, fixed = said.stdout.split("\n\n")
    rows = dict(line.split("\t") for line in plan.splitlines())
    assert rows["study"].startswith("user-")
    assert (rows["trials"], rows["trials done"], rows["epochs per trial"]) == ("5", "0", "3")
    assert rows["time"] == "up to 2 min"
    assert rows["memory of a trial"].startswith("about ")
    assert space.splitlines() == [
        "option\tvalues\tdefault",
        "hsz\t50 to 300 (log)\t100",
        "loss\tbpr-max, top1\tcross-entropy",
    ]
    assert fixed.splitlines() == ["option\tvalue", "epochs\t3"]
    found = document_of(sbr(*words, *searched, "--json"))
    assert (found["trials"], found["best"], found["command"]) == ([], None, None)
    assert found["plan"]["space"] == {"hsz": "50 to 300 (log)", "loss": "bpr-max, top1"}
    assert not (tmp_path / "sbr-work" / "studies").exists()


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(sbr, tmp_path, monkeypatch):
    make_workspace(tmp_path / "sbr-work")
    run = trials.TrialRunner.run

    def press(self, *how):
        signal.raise_signal(signal.SIGINT)
        return run(self, *how)

    monkeypatch.setattr(trials.TrialRunner, "run", press)
    said = sbr(*WORDS)
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr == (
        "loading TensorFlow\n"
        "stopping (Ctrl-C again stops at once)\n"
        "error: interrupted\n"
        "hint: the trials are kept, and the same command continues\n"
    )
    assert (tmp_path / "sbr-work" / "studies").is_dir()


def test_without_optuna_the_extra_is_named(sbr, tmp_path, monkeypatch):
    make_workspace(tmp_path / "sbr-work")
    monkeypatch.delitem(sys.modules, "sbrcli.workflow.tuning.study", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    said = sbr("tune")
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: sbr tune needs Optuna, which is not installed\n"
        "hint: pip install 'sbrcli[tune]'; --grid works without it\n"
    )
    assert not (tmp_path / "sbr-work" / "studies").exists()


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("--search", "hzs=1:2"), 2, "--search takes an option of sbr train that can be tuned. "
                                     "Received: hzs=1:2\nhint: did you mean hsz?"),
        (("--search", "dropout=0:2"), 4, "--search dropout=0:2: dropout must be at least 0 and "
                                         "below 1. Received: 2.0"),
        (("--trials", 0), 4, "trials must be at least 1. Received: 0"),
        (("--time-limit", "soon"), 2, "time-limit must be a duration such as 90s, 40m, 1h, 1h30m. "
                                      "Received: soon"),
        (("--grid", "hsz=0"), 4, "--grid hsz=0: hsz must be 1 to 100,000. Received: 0"),
        (("--grid", "hsz=1", "--search", "bptt"), 2, "--grid trains all combinations, and takes no "
                                                    "--search\nhint: omit --search"),
        (("--grid", "hsz=1", "--trials", 3), 2, "--grid trains all combinations, and takes no "
                                               "--trials\nhint: omit --trials"),
        (("--measure",), 2, "--measure goes with --dry-run\nhint: sbr tune --dry-run --measure"),
        (("--log", "x.csv"), 2, "--log goes with --grid session=…\nhint: omit it"),
        (("--model", "xyz"), 2, f"model must be one of {', '.join((*FAMILIES, *BASELINES))}. "
                                "Received: xyz"),
        (("--search", "last-days=1:9"), 2, "--search takes an option of sbr train that can be "
                                           "tuned. Received: last-days=1:9\n"
                                           "hint: sbr train --help lists them"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_before_any_dataset_is_looked_for(sbr, words, code, error):
    said = sbr("tune", *words)
    assert (said.stdout, said.stderr, said.code) == ("", f"error: {error}\n", code)


def test_what_is_fixed_cannot_be_in_the_grid_and_nothing_may_be_left_to_search(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    said = sbr("tune", "--hsz", 5, "--grid", "hsz=1,2")
    assert (said.code, said.stderr) == (
        2,
        "error: --hsz is fixed, and cannot be in the grid too\nhint: omit --hsz or its --grid\n",
    )
    fixed = "--hsz 4 --dropout 0 --embedding-dropout 0 --label-smoothing 0 --learning-rate 1"
    others = "--momentum 0 --batch-size 4 --bptt 2"
    said = sbr("tune", *fixed.split(), *others.split())
    assert (said.code, said.stderr) == (
        4,
        "error: no option is left to search\nhint: name some with --search\n",
    )


GRID = ("tune", "--epochs", 1, "--batch-size", 4, "--bptt", 4, "--grid", "hsz=3,4")


def test_a_grid_trains_a_run_for_each_combination_and_compare_shows_them(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    said = sbr(*GRID, "--grid", "dropout=0", "--json")
    found = document_of(said)
    assert [trial["options"] for trial in found["trials"]] == [
        {"hsz": 3, "dropout": 0.0},
        {"hsz": 4, "dropout": 0.0},
    ]
    runs = [trial["run"] for trial in found["trials"]]
    assert sorted(path.name for path in (tmp_path / "sbr-work/runs").iterdir()) == sorted(runs)
    assert found["study"] is None
    best = max(found["trials"], key=lambda trial: trial["valid_mrr"])
    assert found["best"] == best
    *_, note, command, words = said.stderr.splitlines()
    assert note == f"sbr compare {' '.join(runs)} shows the runs"
    assert words == f"  {found['command']}"
    assert command == "this trains the best trial as a run:"
    compared = document_of(sbr("compare", *runs, "--json"))
    assert {row["run"] for row in compared["runs"]} == set(runs)
    # The same grid again trains nothing, and its plan knows it.
    assert document_of(sbr(*GRID, "--grid", "dropout=0", "--json"))["trials"] == found["trials"]
    plan = document_of(sbr(*GRID, "--grid", "dropout=0", "--dry-run", "--json"))["plan"]
    assert (plan["trials"], plan["trials_done"], plan["seconds"]) == (2, 2, 0.0)
    assert plan["space"] == {"hsz": "3, 4", "dropout": "0.0"}


def test_a_grid_of_session_rules_prepares_a_dataset_for_each(sbr, tmp_path):
    log = write_chain_log(tmp_path / "log.dat", users=60)
    sbr("preprocess", log, "--session", "user", "--min-item-support", 1, "--test-share", 0.2)
    words = (*GRID[:-1], "hsz=3", "--grid", "session=user,gap:3600")
    said = sbr(*words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: no dataset of the same log and options has the session rule gap:3600\n"
        "hint: name the log, from which it is prepared: --log FILE\n"
    )
    other = write_chain_log(tmp_path / "other.dat", users=50)
    said = sbr(*words, "--log", other)
    name = "log-user-min-item-support-1-test-share-0.2"
    assert (said.code, said.stderr) == (
        5,
        f"error: {other} is not the log that dataset {name} was made of, log.dat\n"
        "hint: name the dataset of that log with --dataset\n",
    )
    said = sbr(*words, "--log", log, "--json")
    found = document_of(said)
    assert [(one["options"]["session"], one["dataset"]) for one in found["trials"]] == [
        ("user", name),
        ("gap:3600", name.replace("user", "gap-3600")),
    ]
    assert (
        "warning: the trials are of different datasets, whose metrics on valid are of different "
        "targets: compare them on test with sbr evaluate and sbr compare\n"
    ) in said.stderr
    # Now that the dataset is there, the log is not needed.
    again = document_of(sbr(*words, "--json"))
    assert again["trials"] == found["trials"]
