"""`sbr evaluate --log`: a run on a log that is no part of its dataset."""

import json
from pathlib import Path

import pytest

from tests.builders import write_ratings
from tests.cli.test_evaluate import DAY, LOG, run  # noqa: F401  a fixture

pytestmark = pytest.mark.usefixtures("run")

NEW = ", ".join(
    f"{user} {item} {200 * DAY + step}"
    for user, item, step in ((7, 6, 0), (7, 5, 1), (7, 99, 2), (7, 6, 3), (8, 7, 0))
)
"""User 7: 6, 5, an unknown item, 6; user 8 has one event."""


def write_new(text: str = NEW, name: str = "today.dat") -> Path:
    return write_ratings(Path(name), text)


def test_every_next_item_of_the_log_is_scored_and_unknown_ones_are_misses_beside(sbr):
    write_new()
    said = sbr("evaluate", "--log", "today.dat", "-k", 1, "--json")
    found = json.loads(said.stdout)
    # 6>5 has rank 1, 5>6 rank 2; 99 is unknown.
    assert found["metrics"]["recall@1"] == pytest.approx(1 / 2)
    assert found["metrics_unknown_as_miss"]["recall@1"] == pytest.approx(1 / 3)
    assert (found["split"], found["protocol"]["dataset"]) == ("log", "log today.dat")
    protocol = found["protocol"]
    assert (protocol["events"], protocol["sessions"], protocol["unknown_events"]) == (2, 1, 1)
    assert "warning" not in said.stderr


def test_the_table_of_the_metrics_names_the_log(sbr):
    write_new()
    said = sbr("evaluate", "--log", "today.dat", terminal=True)
    assert said.stdout.startswith("Run user-1x4 on log today.dat\n")


def test_nothing_of_the_run_and_the_dataset_changes(sbr):
    write_new()
    sbr("evaluate")
    before = {path: path.read_bytes() for path in Path("sbr-work").rglob("*") if path.is_file()}
    assert sbr("evaluate", "--log", "today.dat").code == 0
    after = {path: path.read_bytes() for path in Path("sbr-work").rglob("*") if path.is_file()}
    assert before == after


def test_baselines_are_fitted_to_the_dataset_and_scored_on_the_log(sbr):
    write_new()
    said = sbr("evaluate", "--log", "today.dat", "--baselines", "markov", "--slices", "--json")
    found = json.loads(said.stdout)
    assert {row["model"] for row in found["leaderboard"]} == {"gru4rec", "markov"}
    assert found["slices"]


def test_events_from_before_the_end_of_training_are_counted(sbr):
    # Training ends at second 3; the log of the dataset is all of users 1 to 5.
    write_new(LOG)
    said = sbr("evaluate", "--log", "today.dat", "-k", 1, "--json")
    assert said.stderr.splitlines()[-2] == (
        "warning: 12 of 17 events, in 3 of 5 sessions, are no later than "
        "1970-01-01T00:00:03+00:00, the run's last training event: it may have been trained on them"
    )


def test_a_log_of_other_items_is_a_data_error(sbr):
    write_new("1 55 9, 1 56 10")
    said = sbr("evaluate", "--log", "today.dat")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr.splitlines()[-2:] == [
        "error: run user-1x4 knows no next item of the log today.dat",
        "hint: see whether the log names items as the one that the run was trained on",
    ]


def change_dataset(run: Path, **entries: object) -> None:  # noqa: F811
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["dataset"]["fingerprint"] = "another"
    (run / "manifest.json").write_text(json.dumps(manifest | entries))


def test_a_run_that_keeps_how_its_log_was_cut_needs_no_dataset(sbr, run):  # noqa: F811
    write_new()
    config = {"session": "gap:2", "test_days": 30.0, "an option of a later sbr": 1}
    learned_from = {"config": config, "last_time": "1970-07-20T00:00:00+00:00"}
    change_dataset(run, learned_from=learned_from)
    found = json.loads(sbr("evaluate", "--log", "today.dat", "-k", 1, "--json").stdout)
    assert found["protocol"]["events"] == 2
    said = sbr("evaluate", "--log", "today.dat", "--baselines", "markov")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: dataset user has changed since run user-1x4 was trained on it\n"
        "hint: train the run again with --overwrite, or prepare the dataset as it was\n"
    )


@pytest.mark.parametrize("words", [["--time-format", "%d/%m/%Y %H:%M"], ["--no-time"]])
def test_how_times_are_read_can_be_said_against_the_dataset(sbr, run, words):  # noqa: F811
    lines = ["user,item,time", "1,6,01/02/2021 10:00", "1,5,01/02/2021 10:01"]
    Path("today.csv").write_text("\n".join([*lines, ""]))
    learned_from = {"config": {"session": "user", "time_unit": "s"}, "last_time": None}
    change_dataset(run, learned_from=learned_from)
    said = sbr("evaluate", "--log", "today.csv", *words, "-k", 1, "--json")
    assert said.code == 0
    assert json.loads(said.stdout)["protocol"]["events"] == 1


def test_a_run_of_an_earlier_sbr_whose_dataset_has_changed_is_refused(sbr, run):  # noqa: F811
    write_new()
    change_dataset(run)
    said = sbr("evaluate", "--log", "today.dat")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: how run user-1x4 made sessions of its log is not known: dataset user has changed "
        "since run user-1x4 was trained on it\n"
        "hint: prepare the dataset as it was; runs trained from now on keep it\n"
    )


def test_options_of_the_dataset_that_this_sbr_does_not_know_are_refused(sbr, run):  # noqa: F811
    write_new()
    change_dataset(run, learned_from={"config": {"session": "moon"}, "last_time": None})
    said = sbr("evaluate", "--log", "today.dat")
    assert said.code == 5
    assert said.stderr.splitlines()[-2:] == [
        "error: run user-1x4 was made of a dataset with options that this sbr does not know",
        "hint: train the run again",
    ]


def test_the_log_is_read_as_that_of_the_dataset_unless_other_words_are_given(sbr, run):  # noqa: F811
    config = {"session": "user", "columns": "user=1,item=3,time=2", "header": False, "sep": ","}
    change_dataset(run, learned_from={"config": config, "last_time": None})
    Path("new.csv").write_text("1,900000000,6\n1,900000001,5\n2,900000000,5\n2,900000009,6\n")
    found = json.loads(sbr("evaluate", "--log", "new.csv", "--json").stdout)
    assert found["protocol"]["events"] == 2
    Path("new.tsv").write_text("1\t900000000\t6\n1\t900000001\t5\n")
    said = sbr("evaluate", "--log", "new.tsv", "--sep", "tab", "--json")
    assert json.loads(said.stdout)["protocol"]["events"] == 1


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("--sep", "tab"),
            "options that say how a log is read need --log",
            "sbr evaluate --log LOG",
        ),
        (
            ("--log", "today.dat", "--split", "valid"),
            "--split valid scores a split of the dataset, and cannot be combined with --log",
            "leave --split valid or --log out",
        ),
        (
            ("--log", "today.dat", "--per-event", "rows.parquet"),
            "--per-event scores a split of the dataset, and cannot be combined with --log",
            "leave --per-event or --log out",
        ),
        (
            ("--log", "today.dat", "--notebook-coverage"),
            "--notebook-coverage scores a split of the dataset, and cannot be combined with --log",
            "leave --notebook-coverage or --log out",
        ),
    ],
)
def test_what_does_not_go_with_a_log_is_a_usage_error(sbr, words, message, hint):
    said = sbr("evaluate", *words)
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == f"error: {message}\nhint: {hint}\n"


def test_a_maximum_per_user_holds_for_the_log_and_is_in_the_protocol(sbr, run):  # noqa: F811
    write_new()
    assert json.loads(sbr("evaluate", "--json").stdout)["protocol"]["max_user_events"] is None
    path = run.parents[1] / "datasets/user/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["max_user_events"] = 3
    path.write_text(json.dumps(manifest))
    assert "\nevents of a user, at most the newest\t3\ncoverage" in sbr("evaluate").stdout
    # Of user 7, the newest are 5, 99 and 6: 5>6 has rank 2, and 99 is unknown.
    found = json.loads(sbr("evaluate", "--log", "today.dat", "-k", 2, "--json").stdout)
    assert found["metrics"]["mrr@2"] == pytest.approx(1 / 2)
    protocol = found["protocol"]
    assert (protocol["events"], protocol["unknown_events"]) == (1, 1)
    assert protocol["max_user_events"] == 3
