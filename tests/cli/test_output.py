"""The output seam: a table for a person, tab-separated values for a pipe, JSON for a program."""

import io
import json
from dataclasses import dataclass

import pytest

from sbrcli.cli import output
from sbrcli.cli.output import Output, Table, for_person, printable, to_json


@dataclass(frozen=True)
class Counted:
    name: str
    count: int
    share: float | None


RESULT = Counted("a\tb\x1b[31m[bold]", 1234567, None)


def tables(result: Counted) -> list[Table]:
    rows = [[result.name, result.count, result.share]]
    return [Table("Counts", ("name", "count", "share"), rows), Table("Twice", ("name",), [["x"]])]


@pytest.fixture(params=[True, False])
def terminal(request, monkeypatch) -> bool:
    monkeypatch.setattr(output, "is_terminal", lambda _stream: request.param)
    return request.param


def test_json_is_one_document_on_a_terminal_and_in_a_pipe(terminal, capsys):
    Output(as_json=True).show(RESULT, tables)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert json.loads(shown) == {"name": RESULT.name, "count": 1234567, "share": None}


def test_a_pipe_gets_tab_separated_blocks_with_header_lines(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: False)
    Output().show(RESULT, tables)
    assert capsys.readouterr().out == (
        "name\tcount\tshare\na\\tb\\x1b[31m[bold]\t1234567\t\n\nname\nx\n"
    )


def test_a_terminal_gets_tables_with_grouped_digits_and_no_escape(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    Output().show(RESULT, tables)
    shown = capsys.readouterr().out
    assert "a\\tb\\x1b[31m[bold]   1,234,567       -" in shown
    assert "\x1b[31m" not in shown


def test_on_a_narrow_terminal_text_folds_and_numbers_stay_whole(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("COLUMNS", "40")
    rows = [["one two three four", 123_456_789, 0.5]]
    table = Table("Wide", ("text", "count", "a long name"), rows)
    Output().show(RESULT, lambda _: [table])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[2:6] == [
        "  text             count   a long name",
        " " + "─" * 38,
        "  one two    123,456,789        0.5000",
        "  three",
    ]


def test_where_not_even_the_numbers_have_room_a_cut_one_is_seen_to_be_cut(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("COLUMNS", "12")
    Output().show(RESULT, lambda _: [Table("Wide", ("a", "b"), [[123_456_789, 123_456_789]])])
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert [cell[-1] for cell in last.split()] == ["…", "…"]


def test_a_title_is_no_markup(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    Output().show(RESULT, lambda _: [Table("Run [bold]a[/]\x1b[31m", ("name",), [["x" * 40]])])
    assert "Run [bold]a[/]\\x1b[31m" in capsys.readouterr().out


def test_json_escapes_what_would_act_on_a_terminal_and_is_read_as_it_was():
    said = "\x1b[31m \x9b31m \x7f \u202e \ud800 \U000e0001 é日本"
    text = output.to_json({"title": said})
    assert text == (r'{"title": "\u001b[31m \u009b31m \u007f \u202e \ud800 \udb40\udc01 é日本"}')
    assert json.loads(text) == {"title": said}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (1234, "1,234"),
        (0.26223, "0.2622"),
        (1343.181, "1,343.2"),
        ("a\nb", "a\\nb"),
    ],
)
def test_a_cell_is_written_for_a_person(value, text):
    assert for_person(value) == text


def test_quiet_silences_notes_but_not_warnings(terminal, capsys):
    Output(quiet=True).note("by the way")
    Output(quiet=True).warn("look out")
    assert capsys.readouterr().err == "warning: look out\n"


def test_a_note_of_two_lines_stays_two_lines(capsys):
    Output().note("one\ntwo\x07")
    assert capsys.readouterr().err == "one\ntwo\\x07\n"


def test_progress_is_silent_in_a_pipe_and_under_quiet(monkeypatch, capsys):
    for as_terminal, quiet in [(False, False), (True, True)]:
        monkeypatch.setattr(output, "is_terminal", lambda _stream, shown=as_terminal: shown)
        with Output(quiet=quiet).progress(10, "events", "train") as advance:
            advance(10, loss="1.0")
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_shows_unit_and_figures(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    with Output().progress(10, "events", "train") as advance:
        advance(4, loss="1.5")
        advance(6, loss="1.0")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "train" in captured.err


def test_unprintable_characters_become_escapes_and_the_rest_stays():
    assert printable("Amélie \x1b]0;x\x07 \u202e日本") == "Amélie \\x1b]0;x\\x07 \\u202e日本"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "gbk"])
def test_json_is_json_if_stdout_is_not_utf_8(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    Output(as_json=True).write_line(to_json({"title": "Straße 日本 \U0001d573\x1b"}))
    assert json.loads(raw.getvalue().decode("utf-8")) == {"title": "Straße 日本 \U0001d573\x1b"}


def test_json_is_utf_8_if_stdout_is(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="UTF8"))
    Output(as_json=True).write_line(to_json(["ß"]))
    assert raw.getvalue() == '["ß"]\n'.encode()


@pytest.mark.parametrize("invisible", ["\u200c", "\u200d", "\xa0", "\xad", "\u3000", "\U000e0067"])
def test_what_is_merely_invisible_is_spelling_and_stays(invisible):
    assert printable(f"a{invisible}b") == f"a{invisible}b"
    assert output.to_json([f"a{invisible}b"]) == f'["a{invisible}b"]'


@pytest.mark.parametrize(
    ("acting", "escape"),
    [
        ("\x1b", "\\x1b"),
        ("\x85", "\\x85"),
        ("\t", "\\t"),
        ("\u2028", "\\u2028"),
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
    ],
)
def test_what_acts_on_a_terminal_or_breaks_a_line_is_escaped(acting, escape):
    assert printable(f"a{acting}b") == f"a{escape}b"
