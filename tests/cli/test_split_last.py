"""The whole way with the last event of each session left out, as its user goes it."""

import json
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest

from sbrcli.cli import app
from sbrcli.errors import ExitCode
from sbrcli.models.baselines.registry import BASELINES
from tests.builders import write_ratings
from tests.chains import write_chain_log
from tests.cli.small_run import SMALL

# Users 1 to 3 have 4, 3 and 2 events; that of user 1 in test is of an item that nothing else has.
LOG = "1 7 0, 1 8 1, 1 8 2, 1 9 3, 2 8 4, 2 7 5, 2 8 6, 3 7 7, 3 8 8"
TSV = """\
split	events	sessions	items	first_time	last_time
train	6	3	2	1970-01-01T00:00:00+00:00	1970-01-01T00:00:08+00:00
valid	3	1	2	1970-01-01T00:00:00+00:00	1970-01-01T00:00:02+00:00
test	3	1	2	1970-01-01T00:00:04+00:00	1970-01-01T00:00:06+00:00

dropped	events	sessions	items	why
repeats	0	0	0	same item again
short_sessions	0	0	0	fewer than 2 events
rare_items	0	0	0	fewer than 1 events
test_unseen_items	1	1	1	not in train or valid
test_short_sessions	0	0	0	one event left
valid_unseen_items	0	0	0	not in train
valid_short_sessions	0	0	0	one event left

targets of	last training event	first target	after training
valid	1970-01-01T00:00:08+00:00	1970-01-01T00:00:02+00:00	0.0
test	1970-01-01T00:00:08+00:00	1970-01-01T00:00:06+00:00	0.0
"""
USERS = 60
NEW = "777"
"""An item that is of valid and of test, and of no train session."""


def make_log(folder: Path) -> Path:
    log = write_chain_log(folder / "log.dat", users=USERS)
    with log.open("a") as file:
        for user, items in ((998, (1, 2, 777, 3)), (999, (1, 2, 3, 777))):
            file.writelines(f"{user}::{item}::5::{n}\n" for n, item in enumerate(items))
    return log


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with the dataset, a run and a refitted one."""
    folder = tmp_path_factory.mktemp("last")
    log, work = make_log(folder), folder / "work"
    preprocess = ["preprocess", log, "--split", "last", "--min-item-support", 1]
    train = ["train", *SMALL, "--name"]
    for words in (preprocess, [*train, "run"], [*train, "refit", "--refit"]):
        assert app.run(["--workdir", str(work), *map(str, words)]) is ExitCode.OK
    return work


@pytest.fixture
def work(prepared: Path, tmp_path: Path) -> Path:
    return copytree(prepared, tmp_path / "sbr-work")


def lengths_of_sessions() -> dict[int, int]:
    """Give each user's events, as `make_log` writes them."""
    return {n + 1: 4 + n % 9 for n in range(USERS)} | {998: 4, 999: 4}


def manifest_of(kind: str, name: str) -> dict:
    return json.loads(Path("sbr-work", kind, name, "manifest.json").read_text())


def test_preprocess_tells_what_each_split_holds_and_what_was_not_requested(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("preprocess", "ratings.dat", "--split", "last", "--min-item-support", 1)
    assert (said.stdout, said.code) == (TSV, 0)
    assert said.stderr.endswith(
        "wrote sbr-work/datasets/ratings-user-min-item-support-1-split-last; sbr train trains on "
        "it\n"
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--test-days", 7],
            "test-days requires --split date or time, not --split last. Received: 7",
        ),
        (
            ["--test-log", "test.dat"],
            "split says how one log is cut, and cannot be combined with --test-log. Received: last",
        ),
    ],
)
def test_what_does_not_go_with_it_is_refused_before_the_log_is_opened(sbr, words, error):
    said = sbr("preprocess", "missing.dat", "--split", "last", *words)
    assert (said.stdout, said.stderr, said.code) == ("", f"error: {error}\n", 2)


def test_stats_of_the_dataset_count_each_event_once(sbr, work):
    counted = json.loads(sbr("stats", "--json").stdout)
    # User 998's 777 was lost to valid, but stands before the 3 that is its test event.
    assert counted["events"] == sum(lengths_of_sessions().values())
    assert counted["sessions"] == USERS + 2
    assert counted["session_length"]["max"] == 12


def test_the_last_events_are_scored_by_the_run_and_by_all_baselines(sbr, work):
    said = sbr(
        *("evaluate", "--run", "run", "--baselines", "all", "--slices", "-k", 20, "--json"),
        *("--per-event", "events.parquet"),
    )
    found, lengths = json.loads(said.stdout), lengths_of_sessions()
    assert found["protocol"]["coverage"] == "the last event of every session"
    # 777 is known from valid, so that it stays in test; the run that learned from train alone
    # does not know it.
    assert found["protocol"]["events"] == found["protocol"]["sessions"] == USERS + 1
    assert found["protocol"]["unknown_events"] == 1
    assert {row["model"] for row in found["leaderboard"]} == {"gru4rec", *BASELINES}
    by_slice = pd.DataFrame(found["slices"]).groupby("slice")["events"].sum()
    assert set(by_slice) == {USERS + 1}
    rows = pd.read_parquet("events.parquet")
    for model, own in rows.groupby("model", observed=True):
        assert dict(zip(own["session"], own["position"], strict=True)) == lengths
        (row,) = (one for one in found["leaderboard"] if one["model"] == model)
        known = own["rank"].dropna()
        assert len(known) == USERS + 1
        figure = (1 / known).where(known <= 20, 0).mean()
        assert row["metrics"]["mrr@20"] == pytest.approx(figure)


def test_valid_is_watched_in_training_as_it_is_evaluated(sbr, work):
    manifest = manifest_of("runs", "run")
    best = next(row for row in manifest["epochs"] if row["epoch"] == manifest["best_epoch"])
    said = sbr("evaluate", "--run", "run", "--split", "valid", "-k", 20, "--json")
    found = json.loads(said.stdout)
    assert found["metrics"]["mrr@20"] == pytest.approx(best["mrr@20"])
    # The chain's sessions have 4 events or more, and 999 too; 998's 777 left valid.
    assert found["protocol"]["events"] == USERS + 1
    assert found["protocol"]["unknown_events"] == 0


def test_a_hybrid_is_chosen_by_the_last_events_of_valid(sbr, work):
    found = json.loads(sbr("evaluate", "--run", "run", "--hybrid", "-k", 20, "--json").stdout)
    assert "hybrid" in {row["model"] for row in found["leaderboard"]}
    kept = json.loads(Path("sbr-work/runs/run/hybrid.json").read_text())
    alone = next(trial for trial in kept["trials"] if trial["weight"] == 0)
    said = sbr("evaluate", "--run", "run", "--split", "valid", "-k", 20, "--json")
    figure = json.loads(said.stdout)["metrics"]["mrr@20"]
    assert alone["metrics"]["mrr@20"] == pytest.approx(figure)


def test_the_notebooks_coverage_is_refused(sbr, work):
    said = sbr("evaluate", "--run", "run", "--notebook-coverage")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: notebook-coverage requires a split by date; of this dataset the last event of "
        "every session is scored\nhint: leave --notebook-coverage out\n"
    )


def test_a_refit_learns_from_all_but_the_test_events_and_recommends_what_valid_had(sbr, work):
    lengths = lengths_of_sessions()
    full = manifest_of("datasets", "log-user-min-item-support-1-split-last")["train_full"]
    assert full["events"] == sum(length - 1 for length in lengths.values())
    assert full["sessions"] == len(lengths)
    said = sbr("evaluate", "--run", "refit", "--baselines", "popularity", "--json")
    protocol = json.loads(said.stdout)["protocol"]
    assert (protocol["events"], protocol["unknown_events"]) == (USERS + 2, 0)
    said = sbr("recommend", "--run", "refit", "--items", f"{NEW},1", "-k", 3, "--json")
    recommended = json.loads(said.stdout)
    assert (len(recommended["items"]), recommended["unknown"]) == (3, [])


def test_another_split_of_the_same_log_is_another_protocol(sbr, work, tmp_path):
    log = make_log(tmp_path)
    days = ("--min-item-support", 1, "--valid-days", 20, "--test-days", 10)
    assert sbr("preprocess", log, *days).code == 0
    assert sbr("train", *SMALL, "--name", "by-date").code == 0
    for run in ("run", "by-date"):
        assert sbr("evaluate", "--run", run).code == 0
    said = sbr("compare", "run", "by-date", "--json")
    compared = json.loads(said.stdout)
    assert [task["coverage"] for task in compared["protocols"]] == [
        "the last event of every session",
        "every next item of every session",
    ]
    assert "the runs were evaluated by 2 protocols, which differ in dataset, " in said.stderr


def test_a_log_without_times_is_split_by_its_order(sbr):
    Path("pairs.txt").write_text("1 7\n1 8\n1 9\n1 7\n1 8\n2 9\n2 8\n2 7\n2 8\n2 9\n")
    said = sbr("preprocess", "pairs.txt", "--no-time")
    assert (said.code, said.stderr) == (
        2,
        "error: a log without times cannot be split by date\n"
        "hint: --split last takes the last events of each session; --test-log FILE is a log that "
        "is test\n",
    )
    words = ("--no-time", "--split", "last", "--min-item-support", 1, "--json")
    document = json.loads(sbr("preprocess", "pairs.txt", *words).stdout)
    assert document["splits"]["train"]["events"] == 6
    assert document["splits"]["test"]["sessions"] == 2
    times = [
        split[f"{end}_time"] for split in document["splits"].values() for end in ("first", "last")
    ]
    assert times == [None] * 6
    assert json.loads(sbr("stats", "--json").stdout)["time"] == {"first": None, "last": None}
    assert sbr("train", *SMALL, "--name", "run").code == 0
    protocol = json.loads(sbr("evaluate", "--json").stdout)["protocol"]
    assert (protocol["first_time"], protocol["last_time"]) == (None, None)
    assert "1970" not in sbr("evaluate").stdout


@pytest.mark.parametrize("command", ["stats", "preprocess"])
def test_a_log_without_times_has_no_pauses(sbr, command):
    Path("pairs.txt").write_text("1 7\n1 8\n")
    words = ("--no-time", "--session", "gap:60")
    split = ("--split", "last") if command == "preprocess" else ()
    said = sbr(command, "pairs.txt", *words, *split)
    assert (said.code, said.stderr) == (
        2,
        "error: a log without times has no pauses. Received: --session gap:60\n"
        "hint: --session user makes a session of each user\n",
    )


def test_stats_of_a_log_without_times_prints_none(sbr):
    Path("pairs.txt").write_text("1 7\n1 8\n2 8\n2 7\n")
    document = json.loads(sbr("stats", "pairs.txt", "--no-time", "--json").stdout)
    assert document["time"] == {"first": None, "last": None}
    assert document["time_unit"] == "order"
    assert document["warnings"] == [
        "The log is read without times: nothing can be split off by days. Use sbr preprocess "
        "--no-time --split last, or --test-log."
    ]
