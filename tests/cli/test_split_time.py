"""The whole way with a log that is cut at one moment, as its user goes it."""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest

from sbrcli.cli import app
from sbrcli.errors import ExitCode
from sbrcli.models.baselines.registry import BASELINES
from tests.cli.small_run import SMALL

USERS, LENGTH, NEW = 40, 9, "777"
TIMES = [10, 20, 30, 40, 50, 60, 70, 80, 90]
"""Each user's, so that valid begins at 70 and test at 80."""

SHARES = ("--test-share", 0.2, "--valid-share", 0.1)
CHOOSE = ("--split", "time", "--min-item-support", 1, *SHARES)


def make_log(path: Path) -> Path:
    """Write chains of seven items; user 0's last event but one is of an item that is new."""
    rows = [(user, (user + n) % 7, time) for user in range(USERS) for n, time in enumerate(TIMES)]
    lines = [f"{user},{item},{time + 1_600_000_000}\n" for user, item, time in rows]
    lines[LENGTH - 2] = f"0,{NEW},{TIMES[-2] + 1_600_000_000}\n"
    path.write_text("user,item,time\n" + "".join(lines))
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with the dataset, a run and a refitted one."""
    folder = tmp_path_factory.mktemp("time")
    log, work = make_log(folder / "log.csv"), folder / "work"
    train = ["train", *SMALL, "--name"]
    for words in (
        ["preprocess", log, *CHOOSE, "--name", "data"],
        [*train, "run"],
        [*train, "refit", "--refit"],
    ):
        assert app.run(["--workdir", str(work), *map(str, words)]) is ExitCode.OK
    return work


@pytest.fixture
def work(prepared: Path, tmp_path: Path) -> Path:
    return copytree(prepared, tmp_path / "sbr-work")


def test_preprocess_says_from_when_on_the_targets_are(sbr):
    make_log(Path("log.csv"))
    said = sbr("preprocess", "log.csv", *CHOOSE, "--json")
    found = json.loads(said.stdout)
    assert (
        "split: test begins at 2020-09-13T12:28:00+00:00 (80 targets), valid begins at "
        "2020-09-13T12:27:50+00:00 (40 targets); --test-days and --valid-days set it" in said.stderr
    )
    assert [found["splits"][name]["events"] for name in ("train", "valid", "test")] == [
        USERS * 6,
        USERS * 7,
        USERS * 9,
    ]
    assert found["name"] == "log-user-min-item-support-1-split-time-valid-share-0.1-test-share-0.2"
    train = pd.read_parquet(Path(found["dataset"], "train.parquet"))
    assert train["timestamp"].max() == 1_600_000_000 + 60


def test_the_events_from_the_moment_on_are_scored_by_the_run_and_by_all_baselines(sbr, work):
    said = sbr(
        *("evaluate", "--run", "run", "--baselines", "all", "--slices", "-k", 20, "--json"),
        *("--per-event", "events.parquet"),
    )
    found = json.loads(said.stdout)
    protocol = found["protocol"]
    assert protocol["coverage"] == "every next item from 2020-09-13T12:28:00+00:00 on"
    assert (protocol["events"], protocol["unknown_events"]) == (2 * USERS - 1, 1)
    assert {row["model"] for row in found["leaderboard"]} == {"gru4rec", *BASELINES}
    rows = pd.read_parquet("events.parquet")
    for model, own in rows.groupby("model", observed=True):
        assert sorted(own["position"].unique()) == [8, 9], "positions in the whole session"
        (row,) = (one for one in found["leaderboard"] if one["model"] == model)
        known = own["rank"].dropna()
        figure = (1 / known).where(known <= 20, 0).mean()
        assert row["metrics"]["mrr@20"] == pytest.approx(figure)


def test_valid_is_watched_in_training_as_it_is_evaluated(sbr, work):
    manifest = json.loads(Path("sbr-work/runs/run/manifest.json").read_text())
    best = next(row for row in manifest["epochs"] if row["epoch"] == manifest["best_epoch"])
    said = sbr("evaluate", "--run", "run", "--split", "valid", "-k", 20, "--json")
    found = json.loads(said.stdout)
    assert found["metrics"]["mrr@20"] == pytest.approx(best["mrr@20"])
    assert (found["protocol"]["events"], found["protocol"]["unknown_events"]) == (USERS, 0)


@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
def test_a_hybrid_is_chosen_by_the_events_of_valid(sbr, work, loss):
    assert sbr("train", *SMALL, "--name", "other", "--loss", loss).code == 0
    said = sbr("evaluate", "--run", "other", "--hybrid", "-k", 20, "--json")
    found = json.loads(said.stdout)
    assert "hybrid" in {row["model"] for row in found["leaderboard"]}
    kept = json.loads(Path("sbr-work/runs/other/hybrid.json").read_text())
    alone = next(trial for trial in kept["trials"] if trial["weight"] == 0)
    said = sbr("evaluate", "--run", "other", "--split", "valid", "-k", 20, "--json")
    figure = json.loads(said.stdout)["metrics"]["mrr@20"]
    assert alone["metrics"]["mrr@20"] == pytest.approx(figure)


def test_a_refit_learns_from_all_events_before_test(sbr, work):
    manifest = json.loads(Path("sbr-work/datasets/data/manifest.json").read_text())
    assert manifest["train_full"] == {"events": USERS * 7, "sessions": USERS, "items": 7}
    protocol = json.loads(sbr("evaluate", "--run", "refit", "--json").stdout)["protocol"]
    assert (protocol["events"], protocol["unknown_events"]) == (2 * USERS - 1, 1)


def test_baselines_are_tuned_runs_are_compared_and_reported(sbr, work):
    assert sbr("tune-baselines", "--run", "run").code == 0
    for run in ("run", "refit"):
        assert sbr("evaluate", "--run", run, "--baselines", "all").code == 0
    compared = json.loads(sbr("compare", "run", "refit", "--json").stdout)
    assert len(compared["protocols"]) == 1
    assert sbr("report", "--run", "run", "--out", "report.html").code == 0


def test_an_item_that_only_valid_has_is_unknown_to_the_run_and_known_to_its_refit(sbr):
    log = make_log(Path("log.csv"))
    lines = log.read_text().splitlines()
    lines[1 + 6] = f"0,888,{TIMES[6] + 1_600_000_000}"
    log.write_text("\n".join(lines) + "\n")
    assert sbr("preprocess", log, *CHOOSE).code == 0
    assert sbr("train", *SMALL, "--name", "run").code == 0
    said = sbr("evaluate", "--run", "run", "--split", "valid", "--json")
    protocol = json.loads(said.stdout)["protocol"]
    assert (protocol["events"], protocol["unknown_events"]) == (USERS - 1, 1)
    assert sbr("evaluate", "--run", "run", "--hybrid").code == 0
    assert sbr("train", *SMALL, "--name", "refit", "--refit").code == 0
    recommended = json.loads(sbr("recommend", "--run", "refit", "--items", "888", "--json").stdout)
    assert recommended["unknown"] == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--test-log", "test.dat"],
            "split says how one log is cut, and cannot be combined with --test-log. Received: time",
        ),
        (["--no-time"], "a log without times cannot be split by time"),
    ],
)
def test_what_does_not_go_with_it_is_refused_before_the_log_is_opened(sbr, words, error):
    said = sbr("preprocess", "missing.dat", "--split", "time", *words)
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr.startswith(f"error: {error}\n")


def test_the_notebooks_coverage_is_refused(sbr, work):
    said = sbr("evaluate", "--run", "run", "--notebook-coverage")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: notebook-coverage requires a split by date; of this dataset every next item from "
        "2020-09-13T12:28:00+00:00 on is scored\nhint: leave --notebook-coverage out\n"
    )


def test_times_are_those_of_the_log(sbr, work):
    test = pd.read_parquet("sbr-work/datasets/data/test.parquet")
    assert np.array_equal(test["is_target"], test["timestamp"] >= 1_600_000_080)
