"""`sbr recommend` by titles: the asked items are named, and items are found by words."""

import json

import pytest

from tests.builders import make_run
from tests.cli.test_recommend import preferring, unpadded
from tests.cli.test_startup import modules_of

FILMS = ["Matrix, The (1999)", "Back to the Future (1985)", "Back to the Future Part II (1989)"]
NAMED = "run user-1x4 on dataset user\n"


@pytest.fixture
def run(tmp_path):
    return make_run(
        tmp_path / "sbr-work",
        ids=["10", "20", "30"],
        titles=FILMS,
        weights=preferring([3.0, 2.0, 1.0]),
    )


def test_a_title_is_taken_for_the_item_that_alone_has_it_and_this_is_reported(sbr, run):
    said = sbr("recommend", "--items", "matrix, the (1999),30", "-k", 1)
    assert said.stdout == "rank\titem\tscore\ttitle\n1\t20\t2.0\tBack to the Future (1985)\n"
    assert said.stderr == (
        "'matrix, the (1999)' is the title of item 10, which is used\n"
        "after: Matrix, The (1999); Back to the Future Part II (1989)\n" + NAMED
    )
    document = json.loads(sbr("recommend", "--items", "30,x", "--json").stdout)
    assert document["session"] == [{"item": "30", "title": "Back to the Future Part II (1989)"}]
    assert document["unknown"] == ["x"]


def test_a_part_of_a_title_is_never_guessed_and_the_hint_names_the_ids(sbr, run):
    said = sbr("recommend", "--items", "Back to the Future")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: the run knows no item of the session: Back to the Future\n"
        "hint: ids with such a title: 20 Back to the Future (1985); "
        "30 Back to the Future Part II (1989)\n"
    )
    said = sbr("recommend", "--items", "Alien")
    assert said.stderr == (
        "error: the run knows no item of the session: Alien\n"
        "hint: use the item ids of the log that the run was trained on; sbr recommend --find WORDS "
        "finds them by title\n"
    )


def test_a_person_sees_the_titles_of_the_session(sbr, run, tmp_path):
    said = sbr("recommend", "--items", "10,30", terminal=True)
    assert unpadded(said.stdout).startswith(
        "Session\n\n  item   title\n ──────────────────────────────────────────\n"
        "  10     Matrix, The (1999)\n"
    )
    (tmp_path / "sessions").write_text("10,20,10,30\n")
    said = sbr("recommend", "sessions", terminal=True)
    assert " ".join(said.stdout.split()).startswith(
        "Session 1, after …; Back to the Future (1985); Matrix, The (1999); Back to the Future "
        "Part II (1989) rank item score title "
    )


def test_items_are_found_by_words_of_their_titles(sbr, run):
    said = sbr("recommend", "--find", "the future", "-k", 1)
    assert said.stdout == "item\tevents\ttitle\n20\t1\tBack to the Future (1985)\n"
    assert said.stderr == "1 more; -k shows more\n" + NAMED
    document = json.loads(sbr("recommend", "user-1x4", "--find", "the future", "--json").stdout)
    assert document == {
        "found": [
            {"item": "20", "events": 1, "title": "Back to the Future (1985)"},
            {"item": "30", "events": 1, "title": "Back to the Future Part II (1989)"},
        ],
        "matches": 2,
    }


def test_where_nothing_is_found_this_is_reported_and_is_no_failure(sbr, run, tmp_path):
    said = sbr("recommend", "--find", "alien", "--json")
    assert (said.stdout, said.code) == ('{"found": [], "matches": 0}\n', 0)
    assert said.stderr == "no item contains: alien\n" + NAMED
    make_run(tmp_path / "bare", ids=["a", "b"])
    said = sbr("recommend", "--find", "b", "--workdir", "bare", "--json")
    assert json.loads(said.stdout)["found"] == [{"item": "b", "events": 1}]
    said = sbr("recommend", "--find", "alien", "--workdir", "bare")
    assert said.stderr.startswith(
        "no item contains: alien; the run has no titles: name them with --titles FILE\n"
    )


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["--find", " "], "--find names no word", 2),
        (["--find", "x", "--items", "1"], "--find cannot be combined with a session", 2),
        (["nothing", "--find", "x"], "--find cannot be combined with a session", 2),
    ],
)
def test_wrong_words_are_reported_before_a_run_is_opened(sbr, words, message, code):
    said = sbr("recommend", *words)
    assert (said.stdout, said.code) == ("", code)
    assert said.stderr == (f'error: {message}\nhint: sbr recommend --find "back to the future"\n')


def test_finding_needs_neither_pandas_nor_pyarrow(run):
    modules = modules_of("recommend", "--find", "x", "--quiet")
    assert not modules & {"tensorflow", "pandas", "pyarrow"}
