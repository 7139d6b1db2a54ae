"""`sbr guide`: the manual on a terminal, in a pipe and as JSON."""

import json

import pytest

from sbrcli.cli import terminal_pages
from sbrcli.cli.completion import complete_words
from sbrcli.guide.pages import TOPICS
from tests.cli.test_startup import SLOW, modules_of
from tests.documents import PAGES

LOGS = "What sbr reads: formats, columns, times, ids, bad rows and large files."


def test_without_a_topic_the_topics_are_listed(sbr):
    said = sbr("guide")
    assert (said.code, said.stderr) == (0, "")
    header, first, *_ = said.stdout.splitlines()
    assert header == "topic\tabout"
    assert first == f"logs\t{LOGS}"
    assert [line.split("\t")[0] for line in said.stdout.splitlines()[1:]] == list(TOPICS)


def test_a_terminal_lists_the_topics_in_a_table(sbr):
    lines = sbr("guide", terminal=True).stdout.splitlines()
    assert lines[0] == "Guide (sbr guide TOPIC shows a page)"
    assert lines[2].split() == ["topic", "about"]
    assert all(len(line) <= 80 for line in lines)


def test_a_pipe_gets_the_markdown_of_a_page(sbr):
    for page in PAGES:
        assert sbr("guide", page.stem).stdout == page.read_text(encoding="utf-8")


def test_json_lists_topics_or_holds_a_page(sbr):
    topics = json.loads(sbr("guide", "--json").stdout)["topics"]
    assert topics[0] == {"topic": "logs", "title": "Logs", "summary": LOGS}
    page = json.loads(sbr("guide", "sessions", "--json").stdout)
    assert (page["topic"], page["title"]) == ("sessions", "Sessions and splits")
    assert page["text"].startswith("# Sessions and splits\n\nHow events become sessions")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("evalution", "did you mean: sbr guide evaluation"),
        ("Splits", "did you mean: sbr guide sessions"),
        ("json", "did you mean: sbr guide artefacts"),
        ("xyzzy", "sbr guide lists the topics"),
    ],
)
def test_an_unknown_topic_is_a_usage_error_that_names_a_known_one(sbr, word, hint):
    said = sbr("guide", word)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == f"error: no such topic: {word}\nhint: {hint}\n"


def test_topics_are_completed():
    assert complete_words(TOPICS)("re") == ["results", "reference"]


def test_the_guide_loads_nothing_slow():
    for words in ([], ["logs"], ["logs", "--json"]):
        assert not modules_of("guide", *words) & (SLOW | {"numpy", "safetensors"})


def test_a_page_on_a_terminal_has_no_marks_of_markdown(sbr):
    text = sbr("guide", "logs", terminal=True).stdout
    assert text.startswith("Logs\n")
    assert "    sbr stats events.csv --event view\n" in text
    assert "see sbr guide sessions." in " ".join(text.split())
    assert not [mark for mark in ("# ", "`", "|---", "**", "](") if mark in text]


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_of_a_page_is_wider_than_the_terminal(sbr, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for topic in ("results", "evaluation", "artefacts", "training"):
        lines = sbr("guide", topic, terminal=True).stdout.splitlines()
        assert max(map(len, lines)) <= min(columns, 100)


def test_no_cell_of_a_table_is_cut_at_80_columns(sbr):
    lines = sbr("guide", "results", terminal=True).stdout.splitlines()
    row = ["gru4rec", ".2352", ".0787", ".0395\u2013.1229", ".1130", "45", "%", ".85", "20,000"]
    assert [line.split() for line in lines if "20,000" in line] == [row]


def test_code_is_never_broken_on_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    terminal_pages.print_page("```sh\nsbr stats ratings.dat --session gap:3600\n```\n")
    assert "    sbr stats ratings.dat --session gap:3600\n" in capsys.readouterr().out


def test_the_text_of_an_external_link_is_followed_by_its_address(capsys):
    terminal_pages.print_page("See [the paper](https://arxiv.org/abs/1511.06939).\n")
    assert capsys.readouterr().out == "See the paper (https://arxiv.org/abs/1511.06939).\n"
