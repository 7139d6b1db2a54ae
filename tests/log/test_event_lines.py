"""A log of events in place of sessions is told, with the command that makes sessions of it."""

import subprocess

import pytest

from sbrcli.errors import DataError
from sbrcli.log.event_lines import refuse_log

KNOWN = {"10", "20", "30", "1400501520", "item"}
EXAMPLE = "write one session a line, item ids with commas between them, as in 3186,1270"


def refusal(*lines: str, name: str = "log") -> DataError | None:
    """Return the error that lines are refused with; None where they are taken for sessions."""
    try:
        refuse_log(name, lines, KNOWN.__contains__)
    except DataError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("magic", "what", "command"),
    [(b"\x1f\x8b\x08", "gzip", "zcat"), (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat")],
)
def test_compressed_sessions_are_refused_with_the_command_that_unpacks_them(magic, what, command):
    error = refusal(magic.decode("utf-8", "surrogateescape") + "\0", name="my log.gz")
    assert error is not None
    assert str(error) == f"my log.gz is compressed ({what}), and sessions are read as plain text"
    assert error.hint == f"unpack it on the way: {command} 'my log.gz' | sbr recommend -"


def test_a_header_of_events_is_reported_with_its_columns_and_the_command(tmp_path):
    error = refusal("SessionId\tItemId\tTime\n", "1\t10\t5\n", name="my clicks.tsv")
    assert str(error) == (
        "my clicks.tsv is a log of events (columns SessionId, ItemId, Time), and not sessions, one "
        "a line"
    )
    assert error is not None
    assert error.hint == (
        "a session of each value of column 1: awk -F'\\t' 'NR > 1 { if (!($1 in s)) o[++n] = $1; "
        's[$1] = s[$1] "," $2 } END { for (i = 1; i <= n; i++) print s[o[i]] }\' '
        "'my clicks.tsv' | sbr recommend -"
    )


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("user_id,item_id,timestamp\nb,10,1\na,20,2\nb,30,3\n", ","),
        ('"visitorid";"event";"itemid"\n"b";"view";"10"\n"a";"view";"20"\n"b";"x";"30"\n', ";"),
        ("b::10::5::978300760\na::20::4::978300761\nb::30::1::978300999\n", "::"),
        ("b 10 2001-01-01\na 20 2001-01-02\nb 30 2001-01-03\n", " "),
        ("2001-01-01T10:00:00Z|b|10\n2001-01-01T10:00:01Z|a|20\n2001-01-01T11:00:00Z|b|30\n", "|"),
        ("b,10,4,978300760123\na,20,4,978300761000\nb,30,4,978300999999\n", ","),
        ("user:token\titem_id:token\ttimestamp:float\nb\t10\t1\na\t20\t2\nb\t30\t3\n", "\t"),
    ],
)
def test_the_command_of_the_hint_makes_the_sessions(tmp_path, text, separator):
    path = tmp_path / "log"
    path.write_text(text)
    error = refusal(*text.splitlines(keepends=True), name=str(path))
    assert error is not None
    command = str(error.hint).partition(": ")[2].removesuffix(" | sbr recommend -")
    assert f"-F'{separator}'".replace("\t", "\\t") in command
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert made.stdout == ",10,30\n,20\n"


def test_without_a_header_the_time_is_named():
    error = refusal("1::10::5::978300760\n")
    assert error is not None
    assert str(error) == (
        "log is a log of events (a time in each line, as 978300760), and not sessions, one a line"
    )
    assert error.hint == (
        "a session of each value of column 1: awk -F'::' '{ if (!($1 in s)) o[++n] = $1; "
        's[$1] = s[$1] "," $2 } END { for (i = 1; i <= n; i++) print s[o[i]] }\' '
        "log | sbr recommend -"
    )


def test_a_header_without_users_gives_no_command():
    error = refusal("ItemId,Time\n", "10,5\n")
    assert error is not None
    assert error.hint == EXAMPLE


def test_json_objects_are_reported():
    error = refusal('{"user": 1, "item": 10}\n')
    assert error is not None
    assert str(error) == "log holds JSON objects, as a log of events does, and not sessions"
    assert error.hint == EXAMPLE


@pytest.mark.parametrize("line", ["PAR1\x15", "1\x000\0"])
def test_what_is_no_text_is_reported(line):
    error = refusal(line)
    assert error is not None
    assert str(error) == "log is not text in UTF-8"
    assert error.hint == EXAMPLE


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["\n"],
        ["10,20,30\n", "10,20,30\n", "10,20,30\n"],
        ["10,20,1400501520\n"] * 3,  # which the run knows
        ["10,20,1400501521\n"] * 2,  # too few lines to be sure
        ["10,20,1400501521\n", "10,20,1400501522\n", "10,1400501523\n"],
        ["item,time\n"],  # of which the run knows one
        ["77\n"],
        ['["10", "20"]\n'],
        ["{10,20\n"],
        ["10\t20\t30\n"] * 3,
        ["9999999999::10::20\n"],  # beyond all times
    ],
)
def test_sessions_are_taken(lines):
    assert refusal(*lines) is None
