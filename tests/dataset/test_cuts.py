"""Where valid and test begin, by days or by shares, and what is taken where neither is given."""

import json
from pathlib import Path

import numpy as np
import pytest

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cuts import Cut, Times, choose_cuts, write_duration
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError
from tests.builders import write_ratings

DAY = 86_400


def test_days_are_measured_back_from_the_last_event():
    assert Cut(days=2).bound(Times.of(np.array([0, 3 * DAY])), 5 * DAY, 2) == 3 * DAY


@pytest.mark.parametrize(
    ("share", "ends", "bound"),
    [
        (0.1, range(10), 9),
        (0.25, range(10), 8),  # 2 of 10 and 3 of 10 are as close: the smaller
        (0.9, range(10), 1),
        (0.1, [0, 1, 1, 1], 1),  # nobody can part those that end together
        (0.1, [5, 5, 5], 5),  # nothing is left before
        (0.01, [0, 1, 2], 2),  # but one session at least
        (0.99, [0, 1, 2], 1),
    ],
)
def test_a_share_is_the_closest_that_a_moment_can_cut(share, ends, bound):
    assert Cut(share=share).bound(Times.of(np.array(ends)), max(ends), len(ends)) == bound


def cuts(ends, **options):
    config = PrepareConfig(**options)
    chosen = choose_cuts(Times.of(np.array(ends)), min(ends), max(ends), config)
    return chosen.valid, chosen.test


MONTHS = [month * 30 * DAY for month in range(13)]  # 360 days


def test_a_log_of_a_year_gives_up_its_last_30_days_and_the_30_before():
    assert cuts([*MONTHS, 365 * DAY]) == (Cut(days=30), Cut(days=30))


def test_a_shorter_log_gives_up_a_tenth_of_its_sessions_each():
    assert cuts(MONTHS) == (Cut(share=0.1), Cut(share=0.1))


def test_a_long_log_whose_sessions_all_end_late_gives_up_a_tenth_too():
    ends = Times.of(np.array([364 * DAY, 365 * DAY]))
    chosen = choose_cuts(ends, 0, 365 * DAY, PrepareConfig())
    assert (chosen.valid, chosen.test) == (Cut(share=0.1), Cut(share=0.1))


def test_requested_cuts_take_precedence_over_fitting_ones():
    assert cuts(MONTHS, test_days=7) == (Cut(share=0.1), Cut(days=7))
    assert cuts(MONTHS, valid_days=0, test_share=0.2) == (Cut(days=0), Cut(share=0.2))


def test_a_duration_is_written_in_the_largest_unit_that_fits():
    assert [write_duration(seconds) for seconds in (0, 20, 1_800, 36_000, 43_200)] == [
        "0.0 seconds",
        "20.0 seconds",
        "0.5 hours",
        "10.0 hours",
        "0.5 days",
    ]


def write_clicks(path: Path, sessions: int = 20) -> Path:
    """Write sessions of two clicks, one session every six hours."""
    start = 1_500_000_000
    rows = [
        f"{session},{item},{start + session * 6 * 3_600 + item}"
        for session in range(sessions)
        for item in (1, 2)
    ]
    path.write_text("\n".join(["SessionId,ItemId,Time", *rows]) + "\n")
    return path


def test_a_week_of_clicks_is_split_without_an_option(sbr):
    write_clicks(Path("clicks.csv"))
    said = sbr("preprocess", "clicks.csv", "--json")
    document = json.loads(said.stdout)
    splits = {name: split["sessions"] for name, split in document["splits"].items()}
    assert splits == {"train": 16, "valid": 2, "test": 2}
    assert document["name"] == "clicks-column"
    assert said.stderr.splitlines()[1] == (
        "split: test is the last 6.0 hours (10 % of sessions), valid the 0.5 days before (10 %); "
        "--test-days and --valid-days set it"
    )
    again = sbr("preprocess", "clicks.csv", "--json")
    assert "already exists" in again.stderr


def test_shares_are_a_part_of_the_dataset_s_name_and_manifest(sbr):
    write_clicks(Path("clicks.csv"))
    options = ("--test-share", 0.25, "--valid-share", 0.5)
    document = json.loads(sbr("preprocess", "clicks.csv", *options, "--json").stdout)
    assert document["name"] == "clicks-column-valid-share-0.5-test-share-0.25"
    sessions = [split["sessions"] for split in document["splits"].values()]
    assert sessions == [5, 10, 5]
    manifest = json.loads((Path(document["dataset"]) / "manifest.json").read_text())
    assert manifest["config"]["test_share"] == 0.25
    assert manifest["config"]["test_days"] is None


def test_everything_can_be_trained_on(sbr):
    write_clicks(Path("clicks.csv"))
    said = sbr("preprocess", "clicks.csv", "--test-days", 0, "--valid-days", 0, "--json")
    document = json.loads(said.stdout)
    assert document["splits"]["train"]["sessions"] == 20
    assert document["splits"]["valid"] is document["splits"]["test"] is None
    assert json.loads(sbr("stats", "--json").stdout)["sessions"] == 20
    with pytest.raises(ArtefactError) as raised:
        load_split(Path(document["dataset"]), "test")
    assert str(raised.value) == "dataset clicks-column-valid-days-0-test-days-0 has no test split"
    assert raised.value.hint == (
        "sbr evaluate --log LOG scores a later log, --split valid scores valid, unless the run has "
        "learned from it; sbr preprocess makes test with --test-days above 0"
    )


def test_valid_alone_is_measured_back_from_the_last_event(sbr):
    write_clicks(Path("clicks.csv"))
    said = sbr("preprocess", "clicks.csv", "--test-days", 0, "--json")
    document = json.loads(said.stdout)
    assert document["splits"]["valid"]["sessions"] == 2
    assert document["splits"]["test"] is None
    assert said.stderr.splitlines()[1] == (
        "split: no test, valid is the last 6.0 hours (10 % of sessions); "
        "--test-days and --valid-days set it"
    )


def test_shares_do_not_go_with_last_events(sbr):
    said = sbr("preprocess", "missing.csv", "--split", "last", "--test-share", 0.2)
    assert said.stderr == (
        "error: test-share requires --split date or time, not --split last. Received: 0.2\n"
    )
    assert said.code == 2


def test_a_dataset_of_an_sbr_without_shares_is_there_already(sbr):
    """Its manifest says 30 and 30 days, which was the default of every log."""
    day, rows = DAY, []
    for user in range(1, 41):
        rows += [f"{user} {item} {user * 10 * day + item}" for item in (1, 2)]
    write_ratings(Path("log.dat"), ", ".join(rows))
    options = ("--min-item-support", 1)
    document = json.loads(sbr("preprocess", "log.dat", *options, "--json").stdout)
    assert document["splits"]["test"]["sessions"] == 4
    path = Path(document["dataset"]) / "manifest.json"
    manifest = json.loads(path.read_text())
    for option in ("test_share", "valid_share"):
        manifest["config"].pop(option)
    manifest["config"] |= {"test_days": 30.0, "valid_days": 30.0}
    path.write_text(json.dumps(manifest))
    assert json.loads(sbr("preprocess", "log.dat", *options, "--json").stdout)["already_there"]
