"""The demo: the commands it shows, their results, and that its log has something to learn."""

import json
import re

import numpy as np
import pytest

from sbrcli.log import synthetic
from sbrcli.log.synthetic import NEXT_PART, PARTS, draw_films, write_demo_log
from tests.conftest import Said

MADE_UP = (
    "Wrote a synthetic log of watched films to sbr-demo/ratings.dat, and their titles to "
    "sbr-demo/movies.dat.\n"
)
NOT_SERVED = """
To ask over HTTP, install the extra serve (pip install '.[serve]'), and run
  sbr serve --workdir sbr-demo &
  curl localhost:8000/v1/recommend -d '{"items": ["1", "2", "3"], "k": 5}'
"""
GOODBYE = """
That was the full pipeline. With your own log:
  sbr stats YOUR-LOG
  sbr preprocess YOUR-LOG
  sbr train && sbr evaluate
  sbr recommend --items ID,ID,ID
  sbr serve
sbr COMMAND --help explains a command, and sbr guide is the manual.
"""


@pytest.fixture
def few_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log be a small one."""
    monkeypatch.setattr(synthetic, "NUM_USERS", 20)


def test_the_demo_goes_the_whole_way_and_says_what_to_type_next(sbr, tmp_path):
    said = sbr("demo", "--json")
    assert said.code == 0
    shown = [line for line in said.stderr.splitlines() if line.startswith("$ ")]
    assert shown == [
        "$ sbr stats sbr-demo/ratings.dat",
        "$ sbr preprocess sbr-demo/ratings.dat --titles sbr-demo/movies.dat --workdir sbr-demo",
        "$ sbr train --hsz 50 --epochs 5 --workdir sbr-demo",
        "$ sbr evaluate --workdir sbr-demo",
        "$ sbr recommend --items 1,2,3 -k 5 --workdir sbr-demo",
        "$ sbr serve --workdir sbr-demo --port 0 &",
        shown[-1],
    ]
    assert re.fullmatch(
        r"\$ curl localhost:\d+/v1/recommend "
        r"""-d '\{"items": \["1", "2", "3"\], "k": 5\}'""",
        shown[-1],
    )
    assert "The service has ended; without --port 0 it listens on port 8000.\n" in said.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"sbr-demo"}

    documents = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(documents) == 6
    evaluated, recommended, served = documents[3:]
    assert served == recommended
    # The next part of the saga, which follows with this chance, is the best possible guess.
    assert evaluated["metrics"]["recall@1"] > 0.9 * NEXT_PART
    assert recommended["items"][0] == {
        "rank": 1,
        "item": "4",
        "score": recommended["items"][0]["score"],
        "title": "Dust Road, part 4",
    }


@pytest.mark.usefixtures("few_viewers")
def test_the_demo_uses_another_work_directory_when_told(sbr, tmp_path, monkeypatch):
    monkeypatch.setattr("sbrcli.cli.demo._commands", lambda ratings, *_: [["stats", ratings]])
    monkeypatch.setattr("sbrcli.cli.serve.find_spec", lambda _name: None)
    said = sbr("-w", "elsewhere", "demo")
    assert "$ sbr stats elsewhere/ratings.dat\n" in said.stderr
    assert (tmp_path / "elsewhere" / "ratings.dat").exists()


def test_a_file_where_the_demos_folder_must_be_is_one_clear_line(sbr, tmp_path):
    (tmp_path / "sbr-demo").write_text("mine")
    said = sbr("demo")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: cannot write the demo's log to sbr-demo: File exists\n"
        "hint: run sbr demo in a folder of your own, or name another with --workdir\n"
    )


@pytest.mark.usefixtures("few_viewers")
def test_the_demo_stops_where_a_command_fails(sbr, monkeypatch):
    monkeypatch.setattr("sbrcli.cli.demo._commands", lambda *_: [["stats", "gone"], ["stats"]])
    assert sbr("demo") == Said(
        "",
        f"{MADE_UP}\n$ sbr stats gone\n"
        "error: gone: no such file\nhint: check the name and the folder\n",
        3,
    )


@pytest.mark.usefixtures("few_viewers")
def test_the_demo_ends_with_what_to_type_next(sbr, monkeypatch):
    monkeypatch.setattr("sbrcli.cli.demo._commands", lambda *_: [])
    monkeypatch.setattr("sbrcli.cli.serve.find_spec", lambda _name: None)
    assert sbr("demo") == Said("", MADE_UP + NOT_SERVED + GOODBYE, 0)
    assert sbr("demo", "--quiet") == Said("", "", 0)


@pytest.mark.usefixtures("few_viewers")
def test_the_demo_log_has_the_same_bytes_each_time(tmp_path):
    first, second = write_demo_log(tmp_path / "a"), write_demo_log(tmp_path / "b")
    assert first.ratings.read_bytes() == second.ratings.read_bytes()
    assert first.titles.read_text().splitlines()[3] == "4::Dust Road, part 4::Western"


def test_the_next_part_follows_as_often_as_it_should():
    rng = np.random.default_rng(1)
    films = np.array([film for _ in range(300) for film in [*draw_films(rng, 50), -9]])
    inner = (films[:-1] >= 0) & (films[:-1] % PARTS < PARTS - 1) & (films[1:] >= 0)
    share = np.mean(films[1:][inner] == films[:-1][inner] + 1)
    assert abs(share - NEXT_PART) < 4 * np.sqrt(NEXT_PART * (1 - NEXT_PART) / inner.sum())
