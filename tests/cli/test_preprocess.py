"""What `sbr preprocess` says, word by word."""

import json
from pathlib import Path

import pytest

from tests.builders import write_ratings

DAY = 86_400
START = 946_684_800
"""The first second of the year 2000."""

EVENTS = [
    *[(1, 7, 0), (1, 8, 10), (1, 9, 20), (2, 8, 5), (2, 7, 6), (2, 7, 7), (5, 7, 0)],
    *[(3, 8, 50 * DAY), (3, 7, 50 * DAY + 1)],
    *[(4, 7, 100 * DAY), (4, 8, 100 * DAY + 1)],
]
LOG = ", ".join(f"{user} {item} {START + time}" for user, item, time in EVENTS)
WHOLE = ", ".join(f"{user} {item} {START + time}" for user, item, time in EVENTS if user < 5)
READ_AS = 'read as MovieLens 1M ("::" separated, no header): user=1, item=2, time=4 in seconds\n'
TSV = """\
split	events	sessions	items	first_time	last_time
train	5	2	2	2000-01-01T00:00:00+00:00	2000-01-01T00:00:10+00:00
valid	2	1	2	2000-02-20T00:00:00+00:00	2000-02-20T00:00:01+00:00
test	2	1	2	2000-04-10T00:00:00+00:00	2000-04-10T00:00:01+00:00

dropped	events	sessions	items	why
repeats	0	0	0	same item again
short_sessions	1	1	0	fewer than 2 events
rare_items	1	0	1	fewer than 2 events
test_unseen_items	0	0	0	not in train or valid
test_short_sessions	0	0	0	one event left
valid_unseen_items	0	0	0	not in train
valid_short_sessions	0	0	0	one event left

targets of	last training event	first target	after training
valid	2000-01-01T00:00:10+00:00	2000-02-20T00:00:01+00:00	1.0
test	2000-01-01T00:00:10+00:00	2000-04-10T00:00:01+00:00	1.0
"""
TERMINAL = """\
Dataset mine (times in Asia/Seoul)

  split   events   sessions   items   first_time         last_time
 ─────────────────────────────────────────────────────────────────────────
  train        5          2       2   2000-01-01 09:00   2000-01-01 09:00
  valid        2          1       2   2000-02-20 09:00   2000-02-20 09:00
  test         2          1       2   2000-04-10 09:00   2000-04-10 09:00
"""
SUPPORT = ("--min-item-support", 2)


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Path:
    return write_ratings(tmp_path / "ratings.dat", LOG)


def lines(text: str) -> list[str]:
    """Give the lines of a text without their trailing spaces and the empty ones at its ends."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def test_a_pipe_gets_three_blocks_of_tab_separated_values(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT)
    assert (said.stdout, said.code) == (TSV, 0)
    assert said.stderr == READ_AS + (
        "split: test is the last session (25 % of sessions), valid the session before (25 %); "
        "--test-days and --valid-days set it\n"
        "wrote sbr-work/datasets/ratings-user-min-item-support-2; sbr train trains on it\n"
    )


def test_a_person_gets_tables_with_times_in_their_zone(sbr):
    said = sbr(
        *("preprocess", "ratings.dat", *SUPPORT, "--name", "mine", "--tz", "Asia/Seoul"),
        terminal=True,
    )
    splits, dropped = said.stdout.split("What was dropped")
    assert lines(splits)[: len(lines(TERMINAL))] == lines(TERMINAL)
    dropped, targets = dropped.split("Targets in time")
    assert lines(targets.rstrip()) == [
        "",
        "  targets of   last training event   first target       after training",
        " " + "─" * 70,
        "  valid        2000-01-01 09:00      2000-02-20 09:00          100.0 %",
        "  test         2000-01-01 09:00      2000-04-10 09:00          100.0 %",
    ]
    assert lines(dropped.rstrip()) == [
        "",
        "  dropped          events   sessions   items   why",
        " " + "─" * 66,
        "  short_sessions        1          1       0   fewer than 2 events",
        "  rare_items            1          0       1   fewer than 2 events",
    ]
    assert max(map(len, said.stdout.splitlines())) <= 80


def test_a_person_sees_no_table_of_nothing_dropped(sbr):
    write_ratings(Path("whole.dat"), WHOLE)
    words = ("preprocess", "whole.dat", "--min-item-support", 1, "--name", "whole")
    assert "What was dropped" not in sbr(*words, terminal=True).stdout
    assert "\nshort_sessions\t0\t0\t0\t" in sbr(*words).stdout


def test_json_is_one_document(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--valid-days", 0, "--json")
    document = json.loads(said.stdout)
    name = "ratings-user-min-item-support-2-valid-days-0"
    assert document["dataset"] == f"sbr-work/datasets/{name}"
    assert document["name"] == name
    assert document["splits"]["valid"] is None
    assert document["splits"]["test"] == {
        "events": 2,
        "sessions": 1,
        "items": 2,
        "first_time": "2000-04-10T00:00:00+00:00",
        "last_time": "2000-04-10T00:00:01+00:00",
    }
    assert document["dropped"]["short_sessions"] == {"events": 1, "sessions": 1, "items": 0}
    assert document["already_there"] is False


def test_times_in_json_are_the_same_moments_in_the_zone_requested(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--json", "--tz", "Asia/Seoul")
    last = json.loads(said.stdout)["splits"]["test"]["last_time"]
    assert last == "2000-04-10T09:00:01+09:00"


def test_without_a_valid_split_its_line_has_no_figures(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--valid-days", 0)
    assert said.stdout.splitlines()[2] == "valid\t\t\t\t\t"


def test_the_same_again_says_so_and_is_no_error(sbr):
    first = sbr("preprocess", "ratings.dat", *SUPPORT)
    again = sbr("preprocess", "ratings.dat", *SUPPORT)
    assert (again.stdout, again.code) == (first.stdout, 0)
    assert again.stderr == (
        "sbr-work/datasets/ratings-user-min-item-support-2 already exists, made from the same log "
        "and options; sbr train --dataset ratings-user-min-item-support-2 trains on it\n"
    )
    document = sbr("preprocess", "ratings.dat", *SUPPORT, "--json").stdout
    assert json.loads(document)["already_there"] is True


def test_quiet_leaves_the_result_alone(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--quiet")
    assert (said.stdout, said.stderr) == (TSV, "")


def test_dropped_ids_are_a_reason_of_their_own(sbr):
    rows = [("-", 8), (1, 8), (1, 9), (2, 9), (2, 8), (2, 9), ("guest", 9)]
    text = "".join(
        f"{user}::{item}::5::{at}\n" for at, (user, item) in enumerate(rows, start=10**9)
    )
    Path("log").write_text(text)
    options = ("--min-item-support", "1", "--split", "last", "--valid-days", "0")
    said = sbr("preprocess", "log", *options, "--drop-id", "user=-", "--drop-id", "user=guest")
    assert "dropped_ids\t2\t0\t0\tof ids left out by --drop-id\n" in said.stdout
    assert "; left out: events of ids that --drop-id names: 2\n" in said.stderr


def test_what_seems_to_be_misread_is_a_warning_also_where_nothing_comes_of_the_log(sbr):
    rows = [(1, "NULL"), (1, "8"), (2, "8"), (2, "NULL")]
    text = "".join(f"{user}::{item}::5::{at}\n" for at, (user, item) in enumerate(rows))
    Path("log").write_text(text)
    warnings = (
        "warning: 2 of 4 events have the item NULL: it seems to stand for no item, and counts as "
        "one like any other. --drop-id item=NULL leaves them out.\n"
        "warning: All times lie in 1970, the last at 3 s: they seem to be running numbers, not "
        "times. Gaps, days and dates mean nothing then.\n"
    )
    said = sbr("preprocess", "log", "--quiet")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr.startswith(warnings + "error: nothing is left")
    words = ("--min-item-support", 1, "--test-days", 1 / DAY, "--valid-days", 0)
    said = sbr("preprocess", "log", *words, "--name", "mine")
    end = "wrote sbr-work/datasets/mine; sbr train trains on it\n"
    assert (said.stderr, said.code) == (READ_AS + warnings + end, 0)


def test_of_several_logs_the_one_is_named_that_seems_to_be_misread(sbr):
    write_ratings(Path("test.dat"), "1 7 10, 1 8 20")
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--test-log", "test.dat", "--quiet")
    assert said.stderr == (
        "warning: the test log: All times lie in 1970, the last at 20 s: they seem to be running "
        "numbers, not times. Gaps, days and dates mean nothing then.\n"
    )


def test_times_that_hardly_order_anything_are_a_warning(sbr):
    def warned(num_ties: int) -> str:
        steps = [0] * num_ties + [DAY] * (10 - num_ties)
        times = [sum(steps[:at]) for at in range(11)]
        last = [(8, 50 * DAY), (9, 100 * DAY)]
        events = [(user, time) for user in range(4) for time in times]
        events += [(user, start) for user, start in last for _ in range(2)]
        rows = [(user, 7 + at % 2, START + 60 + time) for at, (user, time) in enumerate(events)]
        write_ratings(Path("log"), ", ".join(f"{user} {item} {time}" for user, item, time in rows))
        return sbr("preprocess", "log", *SUPPORT, "--overwrite", "--quiet").stderr

    assert warned(9) == (
        "warning: 90 % of the consecutive events of a session have the same time: their order is "
        "that of the file.\n"
    )
    assert warned(8) == ""


def test_other_options_under_the_same_name_are_refused(sbr):
    sbr("preprocess", "ratings.dat", *SUPPORT, "--name", "mine")
    said = sbr("preprocess", "ratings.dat", "--min-item-support", 1, "--name", "mine", "--json")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: dataset mine already exists, made with min-item-support 2, not 1\n"
        "hint: --overwrite replaces it, --name keeps both\n"
    )
    words = ("--min-item-support", 1, "--name", "mine", "--overwrite")
    assert sbr("preprocess", "ratings.dat", *words).code == 0


@pytest.mark.parametrize(
    ("words", "error", "hint", "code"),
    [
        (
            ["--session", "hour"],
            "a session is 'user', 'column' or 'gap:SECONDS'. Received: hour",
            "for one-hour sessions write --session gap:3600",
            2,
        ),
        (
            ["--across-users"],
            "across-users goes with gap sessions alone, as in --session gap:3600 --across-users. "
            "Received: no --session",
            None,
            2,
        ),
        (
            ["--min-session-length", "1"],
            "min-session-length must be at least 2 (one event has no next item). Received: 1",
            None,
            4,
        ),
        (["--min-item-support", "0"], "min-item-support must be at least 1. Received: 0", None, 4),
        (
            ["--valid-days", "-1"],
            "valid-days must be a number of days, at least 0. Received: -1.0",
            None,
            4,
        ),
        (
            ["--test-days", "-1"],
            "test-days must be a number of days, at least 0. Received: -1.0",
            None,
            4,
        ),
        (
            ["--tz", "Mars"],
            "tz must be a time zone. Received: Mars",
            "for example --tz Asia/Seoul",
            4,
        ),
    ],
)
def test_a_wrong_option_is_named_before_the_log_is_opened(sbr, words, error, hint, code):
    said = sbr("preprocess", "missing.dat", *words)
    expected = f"error: {error}\n" + (f"hint: {hint}\n" if hint else "")
    assert (said.stdout, said.stderr, said.code) == ("", expected, code)


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (
            [],
            "nothing is left of 11 events in sessions of 2 or more and of items with 5 or more",
            "lower --min-item-support or --min-session-length, or make longer sessions, as with "
            "--session user",
        ),
        (
            [*SUPPORT, "--test-days", "365"],
            "no session is left for train: 4 of 4 end within the 365 days of test, from "
            "2000-01-01T00:00:07+00:00 to 2000-04-10T00:00:01+00:00",
            "what works on this log: --test-share 0.1 --valid-share 0.1, or "
            "--test-share 0.2 --valid-share 0.2",
        ),
        (
            ["--session", "column"],
            "the log names no sessions, so --session column finds none",
            "make them of its users: --session user, or --session gap:3600",
        ),
    ],
)
def test_a_log_that_leaves_too_little_says_what_to_change(sbr, words, error, hint):
    said = sbr("preprocess", "ratings.dat", *words, "--json")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == f"{READ_AS}error: {error}\nhint: {hint}\n"


def test_a_missing_log_is_an_error_of_data(sbr):
    said = sbr("preprocess", "missing.dat")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr.startswith("error: missing.dat: no such file\n")
    assert not Path("sbr-work").exists()


def test_the_help_says_what_across_users_is_for_and_shows_an_example(sbr):
    said = sbr("preprocess", "--help")
    words = " ".join(said.stdout.replace("│", " ").split())
    assert "as the source notebook did. Use it only to reproduce the notebook." in words
    assert "Example: sbr preprocess ratings.dat --session gap:3600" in words
    assert said.code == 0


def test_the_example_of_the_help_works_on_movielens(sbr, ml_1m: Path):
    said = sbr("preprocess", ml_1m, "--session", "gap:3600")
    assert [line.split("\t")[:4] for line in said.stdout.splitlines()[1:4]] == [
        ["train", "989772", "17509", "3405"],
        ["valid", "1704", "135", "1093"],
        ["test", "1442", "94", "958"],
    ]


def test_what_to_type_next_names_the_work_directory(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    words = ("preprocess", "ratings.dat", "--min-item-support", 2, "--workdir", "other one")
    for end in (
        "wrote other one/datasets/ratings-user-min-item-support-2; sbr train --workdir 'other one' "
        "trains on it\n",
        "already exists, made from the same log and options; sbr train --dataset "
        "ratings-user-min-item-support-2 --workdir 'other one' trains on it\n",
    ):
        assert sbr(*words).stderr.endswith(end)


def test_the_memory_may_be_given(sbr):
    said = sbr("preprocess", "ratings.dat", *SUPPORT, "--memory", "4GB", "--processes", "2")
    assert (said.stdout, said.code) == (TSV, 0)
    said = sbr("preprocess", "ratings.dat", "--memory", "lots")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: memory is a size. Received: lots\nhint: write it as 800MB, 4GB or 1.5GiB\n"
    )


def test_the_older_events_of_a_user_are_counted_and_said(sbr):
    write_ratings(Path("ratings.dat"), "1 5 1, 1 6 2, 1 5 3, 1 6 4, 2 5 5, 2 6 6")
    words = ("--session", "user", "--min-item-support", 1, "--test-days", 0, "--valid-days", 0)
    said = sbr("preprocess", "ratings.dat", *words, "--max-user-events", 3)
    assert "\ntrain\t5\t2\t2\t" in said.stdout
    assert "\nolder_events\t1\t0\t0\tolder than the newest 3 of a user\nrepeats\t" in said.stdout
    assert "\ndropped" in said.stdout
    assert "older_events" not in sbr("preprocess", "ratings.dat", *words).stdout


def test_a_maximum_per_user_does_not_go_with_sessions_of_the_log(sbr):
    Path("log.csv").write_text("session_id,item_id,timestamp\n1,5,1600000000\n1,6,1600000001\n")
    for words in (("--session", "column"), ()):
        said = sbr("preprocess", "log.csv", *words, "--max-user-events", 3)
        assert (said.stdout, said.code) == ("", 2)
        assert said.stderr.splitlines()[-2:] == [
            "error: max-user-events goes with sessions made of users: --session user, or "
            "gap:SECONDS. Received: --session column",
            "hint: the sessions of the log stay whole; --drop-id session=ID leaves one out",
        ]
