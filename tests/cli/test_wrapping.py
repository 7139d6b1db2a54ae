"""Lines on a terminal are broken between words, and commands never."""

import pytest

from sbrcli.cli import output
from sbrcli.cli.output import Output
from sbrcli.cli.wrapping import wrap_words


def test_a_line_that_fits_stays_as_it_is():
    line = "epoch 1/8  loss 5.478  30 s"
    assert wrap_words(line, len(line)) == line


def test_words_are_not_broken_and_gaps_between_them_stay():
    assert wrap_words("epoch 1/8  loss 5.478, --checkpoint-minutes 3", 22) == (
        "epoch 1/8  loss 5.478,\n--checkpoint-minutes 3"
    )


def test_a_number_keeps_its_unit():
    assert wrap_words("loss 1.98  0.4 s, 12 min left, 33 % of it", 14) == (
        "loss 1.98\n0.4 s, 12 min\nleft, 33 % of\nit"
    )


def test_a_word_wider_than_the_terminal_is_left_whole():
    assert wrap_words("see sbr-work/datasets/user, there", 10) == (
        "see\nsbr-work/datasets/user,\nthere"
    )


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (
            "hint: choose again with: sbr evaluate --run a --split valid --hybrid",
            ["hint: choose again with:", "sbr evaluate --run a --split valid --hybrid"],
        ),
        (
            "hint: sbr train --resume --name 'my run' continues it, --overwrite starts again",
            [
                "hint:",
                "sbr train --resume --name 'my run'",
                "continues it, --overwrite",
                "starts again",
            ],
        ),
        (
            "wrote sbr-work/datasets/user; sbr train trains on it",
            ["wrote sbr-work/datasets/user;", "sbr train trains on it"],
        ),
        (
            "hint: if the first part alone has the header: cat a b | sbr stats -",
            ["hint: if the first part alone", "has the header:", "cat a b | sbr stats -"],
        ),
    ],
)
def test_a_command_stands_in_one_line(line, lines):
    assert wrap_words(line, 30).split("\n") == lines


def test_ideographs_take_two_cells():
    assert wrap_words("日本 日本", 8) == "日本\n日本"


def test_notes_and_warnings_wrap_on_a_terminal_alone(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    for is_terminal, joint in ((True, "\n"), (False, " ")):
        monkeypatch.setattr(output, "is_terminal", lambda _stream, answer=is_terminal: answer)
        Output().warn("one two three four")
        Output().note("five six seven eight nine")
        assert capsys.readouterr().err == (
            f"warning: one two{joint}three four\nfive six seven eight{joint}nine\n"
        )
