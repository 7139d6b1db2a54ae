"""How a log is read, as the command line says it."""

import io
import json
from pathlib import Path

import pytest

from tests.builders import write_ratings

VISITS = """\
when;who;what;kind
1000;ann;7;view
2000;ann;8;view
3000;ann;9;buy
4000;bob;8;view
5000;bob;7;view
6000;bob;seven
90000000000;cat;7;view
90000001000;cat;8;view
"""
OPTIONS = (
    *("--columns", "user=who,item=what,time=when,event=kind"),
    *("--sep", ";", "--time-unit", "ms", "--event", "view", "--skip-bad-rows"),
)


@pytest.fixture(autouse=True)
def log() -> None:
    Path("visits.csv").write_text(VISITS)


def test_stats_takes_them(sbr):
    said = sbr("stats", "visits.csv", *OPTIONS, "--json")
    document = json.loads(said.stdout)
    assert (document["events"], document["bad_rows"], document["time_unit"]) == (6, 1, "ms")
    assert said.stderr == (
        "read as a table (semicolon separated, header): user=who, item=what, time=when in "
        "milliseconds, event=kind; first event: user ann, item 7, 1970-01-01 00:00:01 UTC\n"
        "left out: rows that cannot be events: 1, the first: line 7: 4 fields expected, 3 found; "
        "events of other kinds: 1\n"
        "doubtful: The times run on from 1970\n"
    )


def test_a_person_is_reported_what_was_left_out(sbr):
    assert "rows left out" in sbr("stats", "visits.csv", *OPTIONS, terminal=True).stdout
    write_ratings(Path("ratings.dat"), "1 2 3, 1 2 4")
    assert "rows left out" not in sbr("stats", "ratings.dat").stdout


def test_preprocess_takes_them_and_counts_every_row(sbr):
    words = ("preprocess", "visits.csv", "--min-item-support", 2, "--valid-days", 0, *OPTIONS)
    document = json.loads(sbr(*words, "--json").stdout)
    assert document["name"] == "visits-user-min-item-support-2-valid-days-0-event-view"
    assert document["dropped"]["bad_rows"]["events"] == 1
    assert document["dropped"]["other_events"]["events"] == 1
    kept = sum(split["events"] for split in document["splits"].values() if split)
    assert kept + sum(counts["events"] for counts in document["dropped"].values()) == 8
    table = sbr(*words).stdout
    assert "bad_rows\t1\t0\t0\tcannot be events\n" in table
    assert "other_events\t1\t0\t0\tof other event types\n" in table
    assert json.loads(sbr(*words, "--json").stdout)["already_there"]


def test_another_way_to_read_is_another_dataset(sbr):
    words = ("preprocess", "visits.csv", "--min-item-support", 1, "--valid-days", 0)
    assert sbr(*words, *OPTIONS, "--name", "mine").code == 0
    others = ["auto" if word == "ms" else word for word in OPTIONS]
    said = sbr(*words, *others, "--name", "mine")
    assert (said.code, said.stderr) == (
        5,
        "error: dataset mine already exists, made with time-unit ms, not auto\n"
        "hint: --overwrite replaces it, --name keeps both\n",
    )


def test_standard_input_is_a_log(sbr, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1::2::5::60\n")))
    said = sbr("stats", "-", terminal=True)
    assert said.stdout.startswith("Standard input\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    said = sbr("stats", "-")
    assert said.stderr == (
        "error: standard input: the file is empty\n"
        "hint: a log has one event a line: who, what and when\n"
    )


@pytest.mark.parametrize(
    ("words", "stderr", "code"),
    [
        (
            ["stats", "--sep", ";"],
            "error: options that say how a log is read require a LOG; a dataset has been read "
            "already\n"
            "hint: sbr stats LOG --columns user=NAME,item=NAME,time=NAME\n",
            2,
        ),
        (
            ["stats", "none", "--time-unit", "weeks"],
            "error: time-unit must be one of auto, s, ms, us, ns, ds, cs, min, h, d, ticks, "
            "filetime, webkit, apple, mac, ntp, gps, excel, excel1904, matlab, julian, digits, "
            "yymmdd, mmdd. Received: weeks\n",
            2,
        ),
        (
            ["preprocess", "none", "--columns", "who"],
            "error: columns must be written as ROLE=NAME with commas between, each of user, "
            "session, item, time, event, rating at most once. Received: who\n"
            "hint: for example --columns user=visitorid,item=itemid,time=timestamp\n",
            2,
        ),
        (
            ["preprocess", "none", "--valid-log", "none"],
            "error: --valid-log requires --test-log\nhint: sbr preprocess TRAIN --test-log TEST\n",
            2,
        ),
        (
            ["preprocess", "none", "--test-log", "none", "--valid-days", "3"],
            "error: valid-days requires --split date or time, not --test-log. Received: 3\n",
            2,
        ),
    ],
)
def test_words_that_do_not_fit_are_refused_before_a_file_is_read(sbr, words, stderr, code):
    said = sbr(*words, "--json")
    assert (said.stdout, said.stderr, said.code) == ("", stderr, code)


def test_a_given_split_is_kept(sbr):
    write_ratings(Path("train.dat"), "1 7 0, 1 8 1, 2 8 2, 2 7 3")
    write_ratings(Path("test.dat"), "3 7 1, 3 8 2, 3 9 3")
    words = ("--test-log", "test.dat", "--min-item-support", 1, "--json")
    document = json.loads(sbr("preprocess", "train.dat", *words).stdout)
    assert document["splits"]["train"]["events"] == 4
    assert document["splits"]["valid"] is None
    assert document["splits"]["test"]["events"] == 2
    assert document["dropped"]["test_unseen_items"] == {"events": 1, "sessions": 0, "items": 1}
