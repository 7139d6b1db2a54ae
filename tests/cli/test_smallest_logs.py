"""Logs that hold next to nothing: what each command says of them."""

import json
from pathlib import Path

import pytest

from tests.builders import write_ratings

READ_AS = 'read as MovieLens 1M ("::" separated, no header): user=1, item=2, time=4 in seconds\n'
RUNNING = (
    "All times lie in 1970, the last at {last} s: they seem to be running numbers, not times. "
    "Gaps, days and dates mean nothing then."
)


@pytest.mark.parametrize(
    ("log", "warnings"),
    [
        (
            "1 7 10",
            [
                RUNNING.format(last=10),
                "Users with one event: 1 of 1 (100 %). Nothing follows it, so sbr preprocess "
                "leaves them out.",
                "The log has one user. Check which column names the users.",
                "The log has one item. Check which column names the items.",
                "No session has two events, so nothing can be learned. Try --session user, or "
                "--session gap:SECONDS with a longer gap.",
            ],
        ),
        (
            "1 7 10, 1 8 20",
            [
                RUNNING.format(last=20),
                "The log has one user. Check which column names the users.",
            ],
        ),
        (
            "1 7 10, 1 7 20, 2 7 30, 2 7 40",
            [
                RUNNING.format(last=40),
                "100 % of the consecutive events of a session repeat the item before. "
                "sbr preprocess --drop-repeats takes them out.",
                "The log has one item. Check which column names the items.",
            ],
        ),
    ],
    ids=["one event", "one user", "one item"],
)
def test_stats_counts_it_and_says_what_is_odd(sbr, log: str, warnings: list[str]):
    write_ratings(Path("log"), log)
    said = sbr("stats", "log", "--json")
    document = json.loads(said.stdout)
    assert document["events"] == len(log.split(","))
    assert document["warnings"] == warnings
    assert said.code == 0
    read, left_out, doubts = said.stderr.splitlines()
    assert read.startswith(f"{READ_AS.rstrip()}; first event: user 1, item 7, ")
    assert (left_out, doubts[:10]) == ("left out: nothing", "doubtful: ")


@pytest.mark.parametrize(
    ("log", "words", "error", "hint"),
    [
        (
            "1 7 10",
            [],
            "nothing is left of 1 events in sessions of 2 or more and of items with 5 or more",
            "lower --min-item-support or --min-session-length, or make longer sessions, as with "
            "--session user",
        ),
        (
            "1 7 10, 1 8 20",
            ["--min-item-support", 1],
            "no session is left for train: 1 of 1 end within the share of 0.1 of test, from "
            "1970-01-01T00:00:20+00:00 to 1970-01-01T00:00:20+00:00",
            "what works on this log: --test-days 0 --valid-days 0",
        ),
        (
            "1 7 10, 1 7 20",
            ["--min-item-support", 1, "--drop-repeats"],
            "nothing is left of 2 events in sessions of 2 or more and of items with 1 or more",
            "lower --min-item-support or --min-session-length, or make longer sessions, as with "
            "--session user",
        ),
    ],
    ids=["one event", "one user", "one item"],
)
def test_preprocess_says_which_numbers_to_change(sbr, log, words, error, hint):
    write_ratings(Path("log"), log)
    said = sbr("preprocess", "log", *words, "--json")
    assert (said.stdout, said.code) == ("", 3)
    running = RUNNING.format(last=log.split()[-1])
    assert said.stderr == f"{READ_AS}warning: {running}\nerror: {error}\nhint: {hint}\n"
    assert not list(Path().glob("sbr-work/datasets/*"))


@pytest.mark.parametrize(
    ("content", "error", "hint"),
    [
        (b"", "log: the file is empty", "a log has one event a line: who, what and when"),
        (
            b"\xef\xbb\xbfuserId,itemId,time\r\n",
            "log: no event below the header",
            "a log has one event a line below it",
        ),
        (
            bytes(range(256)),
            "log: binary data, not text",
            "sbr reads text, Parquet, Arrow and ORC, and text also as .gz, .bz2, .xz, .zst or .zip"
            "; text of two bytes a letter needs --encoding utf-16",
        ),
    ],
    ids=["empty", "header only", "junk"],
)
@pytest.mark.parametrize("command", ["stats", "preprocess"])
def test_what_holds_no_event_is_refused(sbr, command, content, error, hint):
    Path("log").write_bytes(content)
    said = sbr(command, "log")
    assert (said.stdout, said.stderr, said.code) == ("", f"error: {error}\nhint: {hint}\n", 3)
