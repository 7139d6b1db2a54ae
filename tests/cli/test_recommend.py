"""`sbr recommend`: its words on a terminal, in a pipe and as JSON."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sbrcli.models.gru4rec.weights import GruShape
from tests.builders import make_run

IDS = ("10", "20", "30", "a,b")

TABLE = """\
Session

  item   title
 ──────────────
  20         -

Recommended

  rank   item    score   title
 ──────────────────────────────
     1   10     4.0000   Ten
     2   30     2.0000   -
     3   a,b    1.0000   -

"""

SESSION_TABLE = """\
Session 1

  rank   item    score
 ──────────────────────
     1   10     4.0000

"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that prefers 10 to 20 to 30 to a,b whatever came before: its scores are its biases."""
    return make_run(tmp_path / "sbr-work", ids=IDS, weights=preferring([4.0, 3.0, 2.0, 1.0]))


def preferring(bias: list[float]) -> dict[str, np.ndarray]:
    shape = GruShape(len(bias), (4,), "shared")
    weights = {name: np.zeros(size, np.float32) for name, size in shape.weight_shapes().items()}
    weights["output/bias"][:] = bias
    return weights


def unpadded(text: str) -> str:
    """Take out the spaces that fill a table's lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def give_input(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_pipe_gets_a_header_and_a_row_an_item(sbr, run):
    said = sbr("recommend", "--items", "20", "-k", 2)
    assert said.stdout == "rank\titem\tscore\n1\t10\t4.0\n2\t30\t2.0\n"
    assert (said.stderr, said.code) == ("run user-1x4 on dataset user\n", 0)


def test_a_person_gets_a_table(sbr, run, tmp_path):
    titles = tmp_path / "titles.csv"
    titles.write_text("item,title\n10,Ten\n")
    said = sbr("recommend", "--items", "20,99", "--titles", titles, terminal=True)
    assert unpadded(said.stdout) == TABLE
    assert (
        said.stderr
        == "warning: skipped items that the run does not know: 99\nrun user-1x4 on dataset user\n"
    )


def test_json_is_one_document_with_titles_where_there_are_any(sbr, tmp_path):
    make_run(
        tmp_path / "sbr-work",
        ids=IDS,
        titles=["Ten", None, "", None],
        weights=preferring([4.0, 3.0, 2.0, 1.0]),
    )
    said = sbr("recommend", "--items", "77,20", "--json")
    assert json.loads(said.stdout) == {
        "items": [
            {"rank": 1, "item": "10", "score": 4.0, "title": "Ten"},
            {"rank": 2, "item": "30", "score": 2.0, "title": ""},
            {"rank": 3, "item": "a,b", "score": 1.0},
        ],
        "unknown": ["77"],
        "session": [{"item": "20"}],
    }
    assert (
        said.stderr
        == "warning: skipped items that the run does not know: 77\nrun user-1x4 on dataset user\n"
    )


def test_the_sessions_own_items_come_again_with_include_seen(sbr, run):
    said = sbr("recommend", "--items", "10", "-k", 1, "--include-seen")
    assert said.stdout == "rank\titem\tscore\n1\t10\t4.0\n"


def test_ids_with_commas_are_given_as_a_json_array(sbr, run):
    said = sbr("recommend", "--items", '["a,b"]', "-k", 1, "--json")
    assert json.loads(said.stdout)["unknown"] == []


def test_no_known_id_at_all_is_a_data_error_with_nothing_on_stdout(sbr, run):
    said = sbr("recommend", "--items", "77,78", "--json")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: the run knows no item of the session: 77, 78\n"
        "hint: use the item ids of the log that the run was trained on\n"
    )


def test_sessions_from_standard_input_are_answered_in_blocks(sbr, run, monkeypatch):
    give_input(monkeypatch, '20\n77\n["a,b", "78"]\n')
    said = sbr("recommend", "-", "-k", 2)
    assert said.stdout == (
        "session\trank\titem\tscore\n"
        "1\t1\t10\t4.0\n1\t2\t30\t2.0\n\n"
        "\n"
        "3\t1\t10\t4.0\n3\t2\t20\t3.0\n\n"
    )
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "warning: session 2: the run knows no item of the session: 77\n"
        "warning: session 3: skipped items that the run does not know: 78\n"
    )
    assert said.code == 0


def test_sessions_from_a_file_are_answered_by_a_json_line_each(sbr, run, tmp_path):
    (tmp_path / "sessions.txt").write_text("20\n\n77\n")
    said = sbr("recommend", "sessions.txt", "-k", 1, "--json")
    assert [json.loads(line) for line in said.stdout.splitlines()] == [
        {
            "items": [{"rank": 1, "item": "10", "score": 4.0}],
            "unknown": [],
            "session": [{"item": "20"}],
        },
        {"items": [], "unknown": [], "session": []},
        {"items": [], "unknown": ["77"], "session": []},
    ]
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "warning: session 2: the run knows no item of the session: it is empty\n"
        "warning: session 3: the run knows no item of the session: 77\n"
    )


def test_a_person_gets_a_table_for_each_session(sbr, run, tmp_path):
    (tmp_path / "sessions.txt").write_text("20\n")
    said = sbr("recommend", "sessions.txt", "-k", 1, terminal=True)
    assert unpadded(said.stdout) == SESSION_TABLE


def test_sessions_of_which_none_has_a_known_id_end_with_exit_code_3(sbr, run, tmp_path):
    (tmp_path / "sessions.txt").write_text("77\n")
    said = sbr("recommend", "sessions.txt", "--json")
    document = '{"items": [], "unknown": ["77"], "session": []}\n'
    assert (said.stdout, said.code) == (document, 3)
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "warning: session 1: the run knows no item of the session: 77\n"
        "error: the run knows no item of any session in sessions.txt\n"
        "hint: use the item ids of the log that the run was trained on\n"
    )


def test_an_unknown_id_that_is_repeated_is_not_taken_for_a_known_one(sbr, run, tmp_path):
    (tmp_path / "sessions.txt").write_text("77,77\n78,77,78\n")
    said = sbr("recommend", "sessions.txt", "--json")
    unknown = [json.loads(line)["unknown"] for line in said.stdout.splitlines()]
    assert unknown == [["77"], ["78", "77"]]
    assert said.code == 3


def test_a_session_is_answered_before_the_next_one_is_written(run):
    arguments = [sys.executable, "-m", "sbrcli", "recommend", "-", "-k", "1", "--json"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for session, best in (("20", "10"), ("10", "20")):
            process.stdin.write(f"{session}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["items"][0]["item"] == best
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "message", "hint", "code"),
    [
        (
            [],
            "give the session as --items, or a FILE of sessions",
            "sbr recommend --items 3186,1270",
            2,
        ),
        (
            ["-", "--items", "1"],
            "give the session as --items, or a FILE of sessions, not both",
            "sbr recommend --items 3186,1270",
            2,
        ),
        (["--items", ","], "--items names no item", "sbr recommend --items 3186,1270", 2),
        (["--items", "1"], "no run in sbr-work", "make one with: sbr train", 5),
    ],
)
def test_wrong_words_are_reported_before_a_run_is_opened(sbr, words, message, hint, code):
    said = sbr("recommend", *words)
    assert (said.stdout, said.code) == ("", code)
    assert said.stderr == f"error: {message}\nhint: {hint}\n"


def test_a_log_of_events_is_refused_in_one_line(sbr, run, tmp_path):
    (tmp_path / "clicks.csv").write_text("user,item,time\n" + "1,10,978300760\n" * 100)
    said = sbr("recommend", "clicks.csv", "--json")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: clicks.csv is a log of events (columns user, item, time), and not sessions, one a "
        "line\n"
        "hint: a session of each value of column 1: awk -F',' 'NR > 1 { if (!($1 in s)) o[++n] = "
        '$1; s[$1] = s[$1] "," $2 } END { for (i = 1; i <= n; i++) print s[o[i]] }\' clicks.csv '
        "| sbr recommend -\n"
    )


EXAMPLE = "hint: write one session a line, item ids with commas between them, as in 3186,1270"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "SessionId\tItemId\tTime\n1\t10\t5\n",
            "error: /dev/stdin is a log of events (columns SessionId, ItemId, Time), and not "
            "sessions, one a line",
            "hint: a session of each value of column 1: awk -F'\\t' 'NR > 1 { if (!($1 in s)) "
            'o[++n] = $1; s[$1] = s[$1] "," $2 } END { for (i = 1; i <= n; i++) print s[o[i]] }\' '
            "/dev/stdin | sbr recommend -",
        ),
        (
            '{"item": 10}\n',
            "error: /dev/stdin holds JSON objects, as a log of events does, and not sessions",
            EXAMPLE,
        ),
        ("1\0000\0", "error: /dev/stdin is not text in UTF-8", EXAMPLE),
    ],
)
def test_a_log_on_standard_input_is_refused_too(sbr, run, monkeypatch, text, message, hint):
    give_input(monkeypatch, text)
    said = sbr("recommend", "-")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr.splitlines() == [message, hint]


def test_sessions_with_unknown_ids_are_named_a_few_times_and_then_counted(sbr, run, tmp_path):
    (tmp_path / "sessions").write_text("10,77\n" * 1204 + "10\n")
    said = sbr("recommend", "sessions", "-k", 1)
    assert said.code == 0
    named = [
        f"warning: session {number}: skipped items that the run does not know: 77"
        for number in range(1, 6)
    ]
    assert said.stderr.splitlines() == [
        "run user-1x4 on dataset user",
        *named,
        "warning: 1,199 more sessions are empty or contain ids that the run does not know: "
        "1,204 of 1,205 in all",
    ]


def test_a_k_below_1_is_a_configuration_error(sbr):
    said = sbr("recommend", "--items", "1", "-k", 0)
    assert (said.stderr, said.code) == ("error: k must be at least 1. Received: 0\n", 4)


def test_a_file_that_is_not_there_is_a_data_error(sbr, run):
    said = sbr("recommend", "none.txt", "--json")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: cannot read none.txt: No such file or directory\n"
        "hint: name a file of sessions, one a line, or - for standard input; items go with "
        "--items\n"
    )


def test_a_file_without_sessions_is_a_data_error(sbr, run):
    Path("none.txt").write_text("")
    said = sbr("recommend", "none.txt", "--json")
    assert (said.stdout, said.stderr, said.code) == (
        "",
        "error: none.txt contains no session\nhint: write one per line, as in 3186,1270\n",
        3,
    )


def test_a_run_whose_parts_do_not_fit_is_an_artefact_error(sbr, tmp_path):
    folder = make_run(tmp_path / "sbr-work", ids=IDS, shape=GruShape(5, (4,), "none"))
    said = sbr("recommend", "--items", "10")
    shown = folder.relative_to(tmp_path)
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        f"error: {shown} is damaged: it scores 5 items and names 4\n"
        "hint: train the run again with --overwrite\n"
    )


FALLBACK_TABLE = """\
Session 1

  rank   item    score
 ──────────────────────
     1   10     4.0000

Session 2, most popular items

  rank   item   score
 ─────────────────────
     1   30     1,200

"""


def make_popular_run(tmp_path: Path, **more) -> Path:
    """A run of which 30 is the most popular item, then 20 and a,b alike, then 10."""
    weights = preferring([4.0, 3.0, 2.0, 1.0])
    counts = np.array([2, 5, 1200, 5])
    return make_run(tmp_path / "sbr-work", ids=IDS, weights=weights, train_count=counts, **more)


def test_with_a_fallback_an_unknown_session_gets_the_most_popular_items(sbr, tmp_path):
    make_popular_run(tmp_path)
    said = sbr("recommend", "--items", "77,78", "-k", 3, "--fallback", "popularity")
    assert said.stdout == "rank\titem\tscore\n1\t30\t1200\n2\t20\t5\n3\ta,b\t5\n"
    assert said.stderr == (
        "warning: the run knows no item of the session: 77, 78; recommending its most popular "
        "items\n"
        "run user-1x4 on dataset user\n"
    )
    assert said.code == 0


def test_the_json_of_a_fallback_is_flagged(sbr, tmp_path):
    make_popular_run(tmp_path, titles=[None, None, "Thirty", None])
    said = sbr("recommend", "--items", "77", "-k", 1, "--fallback", "popularity", "--json")
    assert json.loads(said.stdout) == {
        "items": [{"rank": 1, "item": "30", "score": 1200, "title": "Thirty"}],
        "unknown": ["77"],
        "session": [],
        "fallback": "popularity",
    }


def test_a_fallback_changes_nothing_where_an_item_is_known(sbr, tmp_path):
    make_popular_run(tmp_path)
    words = ("recommend", "--items", "77,20", "--json")
    assert sbr(*words, "--fallback", "popularity") == sbr(*words)


def test_an_empty_session_is_answered_with_a_fallback(sbr, tmp_path):
    make_popular_run(tmp_path)
    said = sbr("recommend", "--items", "", "-k", 1, "--fallback", "popularity")
    assert (said.stdout, said.code) == ("rank\titem\tscore\n1\t30\t1200\n", 0)
    assert said.stderr.splitlines()[0] == (
        "warning: the run knows no item of the session: it is empty; recommending its most popular "
        "items"
    )


def test_fallbacks_among_many_sessions_are_counted_at_the_end(sbr, tmp_path, monkeypatch):
    make_popular_run(tmp_path)
    give_input(monkeypatch, "20\n77\n\n10,78\n")
    said = sbr("recommend", "-", "-k", 1, "--fallback", "popularity")
    assert said.stdout == (
        "session\trank\titem\tscore\n"
        "1\t1\t10\t4.0\n\n2\t1\t30\t1200\n\n3\t1\t30\t1200\n\n4\t1\t20\t3.0\n\n"
    )
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "warning: session 4: skipped items that the run does not know: 78\n"
        "warning: the run knows no item of 2 of 4 sessions; they were answered with its most "
        "popular items\n"
    )
    assert said.code == 0


def test_sessions_that_are_all_answered_by_the_fallback_are_no_error(sbr, tmp_path):
    make_popular_run(tmp_path)
    (tmp_path / "sessions").write_text("77\n")
    said = sbr("recommend", "sessions", "-k", 1, "--fallback", "popularity", "--json")
    assert json.loads(said.stdout)["items"] == [{"rank": 1, "item": "30", "score": 1200}]
    assert said.code == 0


def test_a_person_sees_which_session_got_the_most_popular_items(sbr, tmp_path):
    make_popular_run(tmp_path)
    (tmp_path / "sessions").write_text("20\n77\n")
    words = ("recommend", "sessions", "-k", 1, "--fallback", "popularity")
    assert unpadded(sbr(*words, terminal=True).stdout) == FALLBACK_TABLE


def test_a_person_sees_no_empty_table_of_an_unknown_sessions_titles(sbr, tmp_path):
    make_popular_run(tmp_path, titles=["Ten", "Twenty", "Thirty", None])
    words = ("recommend", "--items", "Forty", "-k", 1, "--fallback", "popularity")
    assert unpadded(sbr(*words, terminal=True).stdout).startswith("Most popular items\n")


def test_another_fallback_is_a_usage_error(sbr):
    said = sbr("recommend", "--items", "1", "--fallback", "random")
    assert (said.stdout, said.code) == ("", 2)
    assert "random" in said.stderr and "popularity" in said.stderr


def test_why_names_the_events_in_a_table_in_a_pipe_and_as_json(sbr, tmp_path):
    make_run(tmp_path / "sbr-work", ids=IDS, titles=["Ten", None, None, None])
    said = sbr("recommend", "--items", "10", "-k", 1, "--why", "--only", "20")
    header, row = said.stdout.splitlines()
    assert header == "rank\titem\tscore\ttitle\twhy"
    assert row.split("\t")[4] == '[["10", 1.0]]'
    shown = sbr("recommend", "--items", "10", "-k", 1, "--why", terminal=True).stdout
    assert "100 % Ten" in shown
    document = json.loads(sbr("recommend", "--items", "10", "-k", 1, "--why", "--json").stdout)
    why = [{"position": 1, "item": "10", "share": 1.0, "change": None, "title": "Ten"}]
    assert document["items"][0]["why"] == why


def test_many_sessions_have_their_reasons_too(sbr, tmp_path, monkeypatch):
    make_popular_run(tmp_path)
    give_input(monkeypatch, "20\n77\n")
    said = sbr("recommend", "-", "-k", 1, "--why", "--fallback", "popularity")
    assert said.stdout == (
        'session\trank\titem\tscore\twhy\n1\t1\t10\t4.0\t[["20", 1.0]]\n\n2\t1\t30\t1200\t[]\n\n'
    )
