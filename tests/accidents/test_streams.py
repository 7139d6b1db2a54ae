"""Streams that take nothing: full, closed, or left by their reader."""

import json
from pathlib import Path

import pytest

from tests.accidents.processes import shell
from tests.builders import write_ratings

FULL = Path("/dev/full")
CLOSED = """\
error: cannot write the results to stdout: it is closed
hint: send it to a file, or to /dev/null where they are not wanted
"""
NO_INPUT = """\
error: cannot read standard input: it is closed
hint: pipe something into it, or name a file
"""
NO_SPACE = """\
error: cannot write the results to stdout: No space left on device
hint: free some space or send them elsewhere
"""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


@pytest.fixture(autouse=True)
def log(tmp_path) -> None:
    write_ratings(tmp_path / "log", "1 5 10, 1 6 20, 2 5 15, 2 6 16")


@needs_full
@pytest.mark.parametrize("words", ["stats log --quiet", "stats log --quiet --json"])
def test_results_that_find_no_space_are_an_error_of_one_line(words):
    said = shell(f"sbr {words} >/dev/full", is_warm=True)
    assert (said.code, said.stdout, said.stderr) == (5, "", NO_SPACE)


@needs_full
@pytest.mark.parametrize("words", ["--help", "--version"])
def test_a_help_that_finds_no_space_is_an_error_of_one_line(words):
    said = shell(f"sbr {words} >/dev/full")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: cannot write the output: No space left on device\n"
        "hint: free some space or write elsewhere\n"
    )


@pytest.mark.parametrize("words", ["stats log", "preprocess log", "--version"])
def test_a_closed_stdout_is_refused_before_anything_is_done(words):
    said = shell(f"sbr {words} >&-")
    assert (said.code, said.stdout, said.stderr) == (5, "", CLOSED)
    assert not Path("sbr-work").exists()


@pytest.mark.parametrize(
    "stderr", ["2>&-", pytest.param("2>/dev/full", marks=needs_full)], ids=["closed", "full"]
)
def test_a_stderr_that_takes_nothing_stops_no_command(stderr):
    said = shell(f"sbr stats log --json {stderr}", is_warm=True)
    assert (said.code, said.stdout.count("\n"), said.stderr) == (0, 1, "")
    assert shell(f"sbr stats none {stderr}", is_warm=True).code == 3
    assert shell(f"sbr --version {stderr}").code == 0


@pytest.mark.parametrize(
    ("words", "is_warm"),
    [("stats log --quiet", True), ("--help", False), ("--version", False)],
    ids=["stats", "help", "version"],
)
def test_a_reader_that_has_left_is_no_error(words, is_warm):
    said = shell(f"sbr {words} | true", is_warm=is_warm)
    assert (said.code, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(("words", "is_warm"), [("stats -", False), ("preprocess -", True)])
def test_a_closed_standard_input_is_an_error_of_one_line(words, is_warm):
    said = shell(f"sbr {words} <&-", is_warm=is_warm)
    assert (said.code, said.stdout, said.stderr) == (3, "", NO_INPUT)


def test_recommend_from_a_closed_standard_input_is_an_error_of_one_line(trained):
    said = shell("sbr recommend - <&-", is_warm=True)
    assert (said.code, said.stdout, said.stderr) == (3, "", NO_INPUT)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-16", "cp037"])
def test_json_is_utf_8_whatever_the_encoding_of_stdout(encoding):
    Path("kinds.csv").write_text("user,item,time,event\n1,a,10,Größe日\n1,b,20,Größe日\n")
    script = f"PYTHONIOENCODING={encoding} sbr stats kinds.csv --quiet --json > out"
    assert shell(script, is_warm=True).code == 0
    found = json.loads(Path("out").read_bytes().decode())
    assert found["event_kinds"] == {"Größe日": 2}
