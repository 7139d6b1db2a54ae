from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.log import Log
from sbrcli.log.reading import read_log

FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"
GOOD = '{"user": "ann", "item": 7, "time": 10}\n'


def test_ids_are_text_or_numbers_as_they_stand():
    events = read(GOOD + '{"time": 11.5, "item": -8, "user": "007", "more": [1]}\n').events
    assert events[USER_ID].tolist() == ["ann", "007"]
    assert events[ITEM_ID].tolist() == [7, -8]
    assert events[TIMESTAMP].tolist() == [10, 11.5]


def test_dates_and_numbers_in_quotes_are_times():
    dates = read('{"session": 1, "item": 2, "time": "1970-01-01T00:01:00Z"}\n')
    assert dates.events[TIMESTAMP].tolist() == [60]
    assert dates.format.time_unit == "iso"
    assert read('{"session": 1, "item": 2, "time": "60"}\n').events[TIMESTAMP].tolist() == [60]


def test_a_rating_may_be_absent():
    events = read('{"user": 1, "item": 2, "time": 3, "rating": 4}\n' + GOOD.replace('"ann"', "1"))
    assert events.events[RATING].fillna(0).tolist() == [4, 0]


def test_columns_and_events_are_named_as_in_a_table():
    text = '{"who": 1, "item": 2, "time": 3, "what": "view"}\n'
    text += '{"who": 1, "item": 2, "time": 4, "what": "buy"}\n{"who": 1, "item": 2, "time": 5}\n'
    log = read(text, columns="session=who,event=what", event="buy")
    assert log.events[SESSION_ID].tolist() == [1]
    assert log.other_events == 2


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "[{}]",
            "log line 1: it is not a JSON object",
            "write one object a line: an event, or a session with a list of its events",
        ),
        (
            GOOD + "{\n",
            "log line 2: it is not a JSON object, or one that names a key twice",
            FIX_IT,
        ),
        (
            GOOD + "\n[1]\n",
            "log line 3: it is not a JSON object, or one that names a key twice",
            FIX_IT,
        ),
        (
            GOOD + '{"user": "a", "item": 1, "item": 2, "time": 3}\n',
            "log line 2: it is not a JSON object, or one that names a key twice",
            FIX_IT,
        ),
        (GOOD + '{"user": "a", "time": 3}\n', "log line 2: the item id is missing", FIX_IT),
        (
            GOOD + '{"user": null, "item": 1, "time": 3}\n',
            "log line 2: the user id is missing",
            FIX_IT,
        ),
        (
            GOOD + '{"user": "", "item": 1, "time": 3}\n',
            "log line 2: the user id is empty",
            FIX_IT,
        ),
        (
            GOOD + '{"user": 5, "item": 1, "time": 3}\n',
            "log line 2: the user id 5 is a number, not text as in the first lines",
            FIX_IT,
        ),
        (
            GOOD * 30 + '{"user": "a", "item": "x", "time": 3}\n',
            'log line 31: the item id "x" is text, not a number as in the first lines',
            FIX_IT,
        ),
        (
            GOOD + '{"user": "a", "item": 1.5, "time": 3}\n',
            "log line 2: the item id 1.5 is no whole number of 64 bits; write ids in quotes",
            FIX_IT,
        ),
        (
            GOOD + '{"user": ["a"], "item": 1, "time": 3}\n',
            'log line 2: the user id is neither text nor a number: ["a"]',
            FIX_IT,
        ),
        (
            GOOD + '{"user": "\\ud800", "item": 1, "time": 3}\n',
            "log line 2: the user id holds half a surrogate pair, which is no text",
            FIX_IT,
        ),
        (
            '{"user": "a", "when": 3}\n',
            "log: no column for the item and the time; found user, when",
            "say which it is, as in --columns user=NAME,item=NAME,time=NAME",
        ),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str, hint: str):
    with pytest.raises(DataError) as caught:
        read(text)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_bytes_that_are_not_utf_8_are_named_by_their_line():
    Path("log").write_bytes(GOOD.encode() + GOOD.encode().replace(b"ann", b"\xe9"))
    with pytest.raises(DataError) as caught:
        read_log(Path("log"))
    assert str(caught.value) == "log line 2: not UTF-8 text"
    assert caught.value.hint == (
        "say in which encoding it is, as in --encoding latin-1; it may be cp1252 'é', cp1251 'й'; "
        "or recode it: iconv -f CP1252 -t UTF-8 LOG > NEW"
    )


@pytest.mark.parametrize("before", ["", GOOD])
def test_an_endless_line_is_refused_and_not_read(before: str, monkeypatch: pytest.MonkeyPatch):
    for module in (
        "files.opening",
        "formats.rows",
        "detect",
        "formats.json_lines",
        "formats.json_documents",
    ):
        monkeypatch.setattr(f"sbrcli.log.{module}.LONGEST_LINE_BYTES", 1 << 17)
    with pytest.raises(DataError) as caught:
        read(before + '{"user": "' + "a" * 2_000_000)
    assert str(caught.value) == f"log line {2 if before else 1}: it is longer than 0 MiB"
    assert caught.value.hint == (
        "a log has one event a line; see whether its line ends are line feeds"
    )


def test_wrong_lines_are_left_out_and_counted_if_requested():
    bad = '{"user": 5, "item": 1, "time": 3}\n{\n'
    log = read(GOOD + bad + GOOD, skip_bad_rows=True)
    assert len(log.events) == 2
    assert log.bad_rows is not None
    assert log.bad_rows.count == 2
    assert log.bad_rows.first == (
        "line 2: the user id 5 is a number, not text as in the first lines"
    )


def read(text: str, **options: object) -> Log:
    Path("log").write_text(text, encoding="utf-8", newline="")
    return read_log(Path("log"), ReadConfig(**options))  # pyright: ignore


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quote": "none"}, "quote is for delimited text, and log is JSON lines. Received: none"),
        ({"escape": "$"}, "escape is for delimited text, and log is JSON lines. Received: $"),
        ({"header": True}, "header is for delimited text, and log is JSON lines. Received: True"),
    ],
)
def test_options_for_delimited_text_are_refused(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("log").write_text('{"user": 1, "item": 2, "time": 3}\n')
    with pytest.raises(ConfigError) as caught:
        read_log(Path("log"), ReadConfig(**options))
    assert str(caught.value) == message
