"""The output seam: a table for a person, tab-separated values for a pipe, JSON for a program."""

import io
import json
from dataclasses import dataclass

import pytest

from sbrcli.cli import output
from sbrcli.cli.escapes import printable
from sbrcli.cli.output import Output, to_json
from sbrcli.cli.tables import Remark, Table, Unit, for_person


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


def on_terminal(monkeypatch, capsys, table: Table | Remark, columns: int = 80) -> list[str]:
    """Show a table on a terminal of that width; return its lines without trailing spaces."""
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    Output().show(RESULT, lambda _: [table])
    return [line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines()]


ITEMS = Table(
    "Recommended",
    ("rank", "item", "score", "title"),
    [[1, "10011", 0.5, "A long title of item 11"], [2, "7", 12.25, ""]],
    whole=("item",),
)


def test_where_whole_cells_have_no_room_each_row_is_a_block_of_lines(monkeypatch, capsys):
    assert on_terminal(monkeypatch, capsys, ITEMS, 18) == [
        "Recommended",
        "",
        "rank: 1",
        "item: 10011",
        "score: 0.5000",
        "title: A long",
        "title of item 11",
        "",
        "rank: 2",
        "item: 7",
        "score: 12.2500",
    ]


@pytest.mark.parametrize("columns", range(1, 60))
def test_no_width_cuts_or_hides_an_id_or_a_number(monkeypatch, capsys, columns):
    words = " ".join(on_terminal(monkeypatch, capsys, ITEMS, columns)).split()
    assert {"1", "10011", "0.5000", "2", "7", "12.2500"} <= set(words)


def test_a_long_id_stands_above_its_numbers(monkeypatch, capsys):
    table = Table("", ("run", "mrr", "seconds"), [["a-long-name", 0.5, 1.0]], whole=("run",))
    assert on_terminal(monkeypatch, capsys, table, 27) == [
        "",
        "",
        "     mrr   seconds",
        " ──────────────────",
        "  a-long-name",
        "  0.5000    1.0000",
    ]


def test_an_id_wider_than_the_terminal_is_left_to_it_in_one_piece(monkeypatch, capsys):
    table = Table("", ("item", "title"), [["x" * 30, "y"]], whole=("item",))
    assert on_terminal(monkeypatch, capsys, table, 20)[2:] == ["item:", "x" * 30, "title: y"]


def test_pairs_without_room_are_lines_of_name_and_value(monkeypatch, capsys):
    rows = [["first time", "2000-04-25T23:05:32+00:00"], ["events", 1_000_209]]
    rows += [["new item share, last 30 days", 0.5]]
    units = {"new item share, last 30 days": Unit.SHARE}
    table = Table("log", ("measure", "value"), rows, units=units)
    assert on_terminal(monkeypatch, capsys, table, 30) == [
        "log",
        "",
        "first time:",
        "2000-04-25T23:05:32+00:00",
        "events: 1,000,209",
        "new item share, last 30 days:",
        "50.0 %",
    ]


def test_a_title_does_not_wrap_at_the_width_of_its_table(monkeypatch, capsys):
    title = "Unknown next items counted as misses"
    assert on_terminal(monkeypatch, capsys, Table(title, ("k",), [[1]]))[0] == title


def test_floats_of_a_column_have_the_same_decimals_and_units_theirs(monkeypatch, capsys):
    rows = [[8.1314, 11.1, 0.0321, 9_999.6], [33.0, 8.1314, 0.00012, 2.0]]
    units = {"seconds": Unit.SECONDS, "share": Unit.SHARE, "events/s": Unit.RATE}
    table = Table("", ("loss", "seconds", "share", "events/s"), rows, units=units)
    assert on_terminal(monkeypatch, capsys, table)[4:] == [
        "   8.1314      11.1     3.2 %     10,000",
        "  33.0000       8.1   0.012 %          2",
    ]


def test_a_pipe_gets_figures_exact_and_the_clocks_without_noise(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: False)
    rows = [[1343.181000000005, 1343.181000000005]]
    table = Table("", ("seconds", "loss"), rows, units={"seconds": Unit.SECONDS})
    Output().show(RESULT, lambda _: [table])
    assert capsys.readouterr().out == "seconds\tloss\n1343.181\t1343.181000000005\n"


def test_marked_paragraphs_wrap_at_words_behind_their_mark(monkeypatch, capsys):
    remark = Remark("Doctor", ["--session gap:14400 makes a session of each visit", "two"], "!")
    assert on_terminal(monkeypatch, capsys, remark, 30) == [
        "Doctor",
        "",
        "  ! --session gap:14400 makes",
        "    a session of each visit",
        "  ! two",
    ]


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


def styled(monkeypatch, capsys, table: Table) -> str:
    """Print a table as onto a terminal that has colours."""
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    Output().show(RESULT, lambda _: [table])
    return capsys.readouterr().out


def test_zero_counts_are_dim_on_a_terminal_and_other_cells_are_not(monkeypatch, capsys):
    rows = [["a", 0, 0.0, False], ["b", 7, 0.5, True]]
    shown = styled(monkeypatch, capsys, Table("T", ("name", "count", "share", "is"), rows))
    assert "\x1b[2m    0\x1b[0m" in shown
    assert shown.count("\x1b[2m") == 1


def test_a_zero_count_of_a_highlighted_row_is_dim_too(monkeypatch, capsys):
    shown = styled(monkeypatch, capsys, Table("T", ("name", "n"), [["a", 0]], bold=(0,)))
    assert "\x1b[1;2m0\x1b[0m" in shown


def test_a_pipe_gets_a_zero_without_any_style(monkeypatch, capsys):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    Output().show(RESULT, lambda _: [Table("T", ("name", "n"), [["a", 0]], bold=(0,))])
    assert capsys.readouterr().out == "name\tn\na\t0\n"
