import gzip
import json
import re
from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli.wrapping import wrap_words
from sbrcli.config.prepare import PrepareConfig
from sbrcli.workflow.preprocess import prepare_dataset
from tests.builders import make_run, write_ratings

LOG = "1 10 978300760, 1 20 978300760, 1 30 978400000, 2 10 986000000, 2 10 986000010"

READ_AS = (
    'read as MovieLens 1M ("::" separated, no header): user=1, item=2, time=4 in seconds; '
    "first event: user 1, item 10, 2000-12-31 22:12:40 UTC\n"
    "left out: nothing\n"
    "doubtful: 33 % of the consecutive events of a user have the same time; 2 warnings in all\n"
)

TABLES = """\
ratings.dat

  measure                             value
 ───────────────────────────────────────────────────────────────
  events                              5
  users                               2
  items                               3
  sessions                            2
  density                             66.7 %
  session length, min                 2
  session length, median              2.5
  session length, mean                2.5
  session length, 99.9th percentile   3.0
  session length, max                 3
  first time                          2000-12-31T22:12:40+00:00
  last time                           2001-03-31T00:53:30+00:00
  tie share                           33.3 %
  repeat share                        33.3 %
  exact duplicates                    0
  users with one event                0
  suggested gap, seconds              -
  new item share, last 30 days        0.0 %

Ratings

  rating   events
 ─────────────────
  5             5

Doctor

  ! 33 % of the consecutive events of a user have the same time: their order is
    that of the file. Do not sort the file.
  ! 33 % of the consecutive events of a session repeat the item before.
    sbr preprocess --drop-repeats takes them out.

"""

TSV = """\
measure\tvalue
events\t5
users\t2
items\t3
sessions\t2
density\t0.6666666666666666
session length, min\t2
session length, median\t2.5
session length, mean\t2.5
session length, 99.9th percentile\t2.999
session length, max\t3
first time\t2000-12-31T22:12:40+00:00
last time\t2001-03-31T00:53:30+00:00
tie share\t0.3333333333333333
repeat share\t0.3333333333333333
exact duplicates\t0
users with one event\t0
suggested gap, seconds\t
new item share, last 30 days\t0.0

rating\tevents
5\t5

warning
33 % of the consecutive events of a user have the same time: their order is that of the file. \
Do not sort the file.
33 % of the consecutive events of a session repeat the item before. sbr preprocess --drop-repeats \
takes them out.
"""


def test_a_person_sees_tables(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("stats", "ratings.dat", terminal=True)
    assert said.code == 0
    assert said.stderr == wrap_words(READ_AS, 80)
    assert plain(said.stdout) == TABLES


def test_a_pipe_gets_blocks_of_tab_separated_values(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("stats", "ratings.dat")
    assert (said.stdout, said.stderr, said.code) == (TSV, READ_AS, 0)
    assert sbr("stats", "ratings.dat", "--quiet").stderr == ""


def test_json_has_the_promised_keys(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("stats", "ratings.dat", "--json")
    document = json.loads(said.stdout)
    assert document["session_length"] == {
        "min": 2,
        "median": 2.5,
        "mean": 2.5,
        "q999": pytest.approx(2.999),
        "max": 3,
    }
    assert document["time"] == {
        "first": "2000-12-31T22:12:40+00:00",
        "last": "2001-03-31T00:53:30+00:00",
    }
    assert len(document["warnings"]) == 2
    assert document.keys() == {
        *("events", "users", "items", "sessions", "density", "session_length", "time"),
        *("time_unit", "bad_rows", "tie_share", "repeat_share", "duplicates", "single_event_users"),
        *("ratings", "event_kinds", "suggested_gap_seconds", "new_item_share", "warnings"),
    }
    assert said.stderr == READ_AS


KINDS = (
    "timestamp,visitorid,event,itemid,transactionid\n"
    "978300760000,1,addtocart,5,\n978300770000,1,view,6,\n978300780000,2,view,5,\n"
    "978300790000,2,,5,\n"
)


def test_each_kind_of_event_is_counted_also_those_that_are_not_requested(sbr):
    Path("events.csv").write_text(KINDS)
    counted = {"view": 2, "addtocart": 1, "": 1}
    for words, num_events in (((), 4), (("--event", "view"), 2)):
        document = json.loads(sbr("stats", "events.csv", *words, "--json").stdout)
        assert (document["events"], document["event_kinds"]) == (num_events, counted)
    assert sbr("stats", "events.csv").stdout.split("\n\n")[1] == (
        "kind\tevents\nview\t2\naddtocart\t1\n(no kind)\t1"
    )
    assert "Kinds of events\n" in plain(sbr("stats", "events.csv", terminal=True).stdout)


def test_without_kinds_or_with_too_many_none_is_counted(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    assert json.loads(sbr("stats", "ratings.dat", "--json").stdout)["event_kinds"] is None
    rows = "".join(f"1,kind {at},{at},{978300760 + at}\n" for at in range(101))
    Path("events.csv").write_text("user,event,item,time\n" + rows)
    assert json.loads(sbr("stats", "events.csv", "--json").stdout)["event_kinds"] is None


def test_kinds_of_bad_rows_do_not_count(sbr):
    Path("events.csv").write_text(KINDS + "x,2,view,5,\n")
    said = sbr("stats", "events.csv", "--skip-bad-rows", "--json")
    assert json.loads(said.stdout)["event_kinds"] == {"view": 2, "addtocart": 1, "": 1}


def test_times_print_in_the_zone_that_was_requested(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("stats", "ratings.dat", "--tz", "Asia/Seoul", "--json")
    assert json.loads(said.stdout)["time"]["first"] == "2001-01-01T07:12:40+09:00"


def test_sessions_are_cut_as_asked(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    cut = sbr("--json", "stats", "ratings.dat", "--session", "gap:3600")
    assert json.loads(cut.stdout)["sessions"] == 3
    assert json.loads(cut.stdout)["users"] == 2


def test_a_log_that_names_its_sessions_is_counted_by_them(sbr):
    Path("log.tsv").write_text("SessionId\tItemId\tTime\n1\t5\t10\n1\t6\t20\n2\t5\t30\n")
    document = json.loads(sbr("stats", "log.tsv", "--json").stdout)
    assert (document["sessions"], document["users"], document["ratings"]) == (2, None, None)


def test_a_log_without_sessions_cannot_be_counted_by_column(sbr):
    write_ratings(Path("ratings.dat"), LOG)
    said = sbr("stats", "ratings.dat", "--session", "column")
    assert (said.stdout, said.code) == ("", 3)


@pytest.mark.parametrize(
    ("words", "stderr", "code"),
    [
        (
            ["ratings.dat", "--tz", "Mars/Olympus"],
            "error: tz must be a time zone. Received: Mars/Olympus\n"
            "hint: for example --tz Asia/Seoul\n",
            4,
        ),
        (
            ["ratings.dat", "--session", "hour"],
            "error: a session is 'user', 'column' or 'gap:SECONDS'. Received: hour\n"
            "hint: for one-hour sessions write --session gap:3600\n",
            2,
        ),
        (
            ["ratings.dat"],
            "error: ratings.dat: no such file\nhint: check the name and the folder\n",
            3,
        ),
        (
            ["ratings.dat", "--dataset", "user"],
            "error: give a LOG or a --dataset, not both\nhint: sbr stats --help\n",
            2,
        ),
        (
            ["--session", "user"],
            "error: --session requires a LOG; a dataset has its sessions already\n"
            "hint: sbr stats LOG --session gap:3600\n",
            2,
        ),
        (
            ["--memory", "4GB"],
            "error: --memory, --processes and --engine require a LOG; a dataset is read as a "
            "whole\n"
            "hint: sbr stats LOG --memory 4GB\n",
            2,
        ),
        (
            [],
            "error: no dataset in sbr-work\nhint: make one with: sbr preprocess LOG\n",
            5,
        ),
        (
            ["--dataset", "mine"],
            "error: no dataset named mine in sbr-work\nhint: make one with: sbr preprocess LOG\n",
            5,
        ),
    ],
)
@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_conflicts_are_reported_before_a_file_is_read(sbr, words, stderr, code, json_option):
    said = sbr("stats", *words, *json_option)
    assert (said.stdout, said.stderr, said.code) == ("", stderr, code)


def test_memory_that_does_not_suffice_is_refused_and_nothing_is_left(sbr):
    write_ratings(Path("ratings.dat"), "1 5 10, 1 6 20")
    said = sbr("stats", "ratings.dat", "--memory", "1MB")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr.splitlines()[-2:] == [
        "error: 1.0 MB of memory are too little for 1 process",
        "hint: give --memory at least 500MB",
    ]
    assert not Path("sbr-work").exists()


def test_a_wrong_row_is_named_and_stdout_stays_empty(sbr):
    Path("clicks.csv").write_text("userId,itemId,time\n" + "1,2,3\n" * 15 + "1,2,yesterday\n")
    said = sbr("stats", "clicks.csv", "--json")
    assert said.stdout == ""
    assert said.stderr == (
        "error: clicks.csv line 17: timestamp 'yesterday' is not a number\n"
        "hint: times are numbers, or all of them dates as 2014-04-07T10:51:09Z; correct the line, "
        "or leave such rows out with --skip-bad-rows\n"
    )
    assert said.code == 3


def test_what_a_hostile_log_holds_does_nothing_to_the_terminal(sbr):
    Path("log.csv").write_text("userId,itemId,\x1b[31m[bold]when\n1,2,3\n")
    said = sbr("stats", "log.csv")
    assert said.stderr == (
        "error: log.csv line 1: no column for the time; "
        "found userId, itemId, \\x1b[31m[bold]when\n"
        "hint: say which it is, as in --columns user=NAME,item=NAME,time=NAME; where none is, "
        "--no-time takes the events in the order of the file\n"
    )


def test_without_a_log_the_latest_dataset_is_described(sbr):
    day = 86_400
    rows = [
        f"{user} {item} {user * day + item}" for user in range(1, 101) for item in (user % 2, 2, 3)
    ]
    write_ratings(Path("ratings.dat"), ", ".join(rows))
    prepare_dataset(Path("ratings.dat"), PrepareConfig(), Workspace(Path("sbr-work")))
    said = sbr("stats", "--json")
    assert said.stderr == "dataset ratings-user\n"
    document = json.loads(said.stdout)
    assert document["events"] == 300
    assert document["sessions"] == 100
    assert document["items"] == 4
    assert document["users"] is None
    assert document["time"] == {
        "first": "1970-01-02T00:00:01+00:00",  # user 1, item 1
        "last": "1970-04-11T00:00:03+00:00",  # user 100, item 3
    }
    assert document["warnings"] == []
    named = sbr("stats", "--dataset", "ratings-user", terminal=True)
    assert plain(named.stdout).startswith("Dataset ratings-user\n")


def plain(text: str) -> str:
    """Take a terminal's styles and the spaces at the ends of lines away."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_a_dataset_or_a_run_in_place_of_a_log_is_named_with_the_command_for_it(sbr, tmp_path):
    log = write_ratings(tmp_path / "ratings.dat", LOG)
    prepare_dataset(
        log,
        PrepareConfig(min_item_support=1, test_days=0, valid_days=0),
        Workspace(Path("sbr-work")),
        name="shop",
    )
    make_run(Path("sbr-work"), name="night")
    elsewhere = Path("sbr-work").rename(tmp_path / "other")
    (tmp_path / "sbr-work").symlink_to(elsewhere)
    for named, kind, command in (
        ("shop", "dataset", "sbr stats --dataset shop"),
        ("night", "run", "sbr runs show night"),
        ("sbr-work/datasets/shop", "dataset", "sbr stats --dataset shop"),
        ("sbr-work/runs/night/", "run", "sbr runs show night"),
    ):
        said = sbr("stats", named)
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            f"error: {named.rstrip('/')} is a {kind} that sbr has made, and not a log\n"
            f"hint: describe it: {command}\n"
        )
    said = sbr("stats", "other/datasets/shop", "--workdir", "third")
    assert said.stderr.splitlines()[1] == (
        f"hint: describe it: sbr stats --dataset shop --workdir {elsewhere}"
    )
    # A file of that name is a log all the same.
    Path("shop").write_text(log.read_text())
    assert sbr("stats", "shop").code == 0


def test_a_folder_with_a_manifest_of_something_else_is_read_as_a_log(sbr, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    write_ratings(folder / "part-1.dat", LOG)
    (folder / "manifest.json").write_text('{"kind": "export"}')
    assert "is a dataset" not in sbr("stats", "parts").stderr
    (folder / "manifest.json").write_text("no JSON")
    assert "is a dataset" not in sbr("stats", "parts").stderr


def test_the_doctor_unpacks_a_compressed_log_before_it_compares_lines(sbr, tmp_path):
    twice = LOG.replace("1 20 978300760", "1 10 978300760")
    content = write_ratings(tmp_path / "ratings.dat", twice).read_bytes()
    (tmp_path / "ratings.dat.gz").write_bytes(gzip.compress(content))
    assert "zcat LOG | awk '!seen[$0]++' > CLEAN" in sbr("stats", "ratings.dat.gz").stdout
    assert "awk '!seen[$0]++' LOG > CLEAN" in sbr("stats", "ratings.dat").stdout
