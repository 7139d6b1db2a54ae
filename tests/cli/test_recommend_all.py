"""`sbr recommend --all` and `--user`: lists for everybody, of a dataset or of a log."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import sbrcli
from sbrcli.sessions import Sessions
from sbrcli.workflow import recommend_all
from sbrcli.workflow.latest_sessions import OwnedSessions
from tests.builders import make_run, write_ratings
from tests.cli.test_evaluate import DAY, run  # noqa: F401  a fixture
from tests.cli.test_recommend import preferring
from tests.reporters import RecordingReporter

pytestmark = pytest.mark.usefixtures("run")


def lines_of(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_each_user_of_the_dataset_gets_a_list(sbr):
    said = sbr("recommend", "--all", "--out", "recs.jsonl", "-k", 2, "--json")
    assert json.loads(said.stdout) == {
        "out": "recs.jsonl",
        "sessions": 5,
        "rows": 1,
        "short": {"items": 5},
        "fallback": 0,
        "unknown_events": 0,
        "removed": None,
    }
    assert said.stderr == "run user-1x4 on dataset user\n"
    last = {"user": "5", "items": [{"rank": 1, "item": "7", "score": 1.0}]}
    assert lines_of("recs.jsonl") == [
        *({"user": user, "items": []} for user in ("1", "2", "3", "4")),
        last,
    ]


def test_csv_and_parquet_have_a_row_per_item(sbr):
    words = ("recommend", "--all", "-k", 2, "--include-seen")
    assert sbr(*words, "--out", "recs.csv").stdout == (
        "what\tvalue\nout\trecs.csv\nsessions\t5\nrows\t10\n"
    )
    sbr(*words, "--out", "recs.parquet")
    rows = list(csv.DictReader(Path("recs.csv").read_text().splitlines()))
    assert rows[:2] == [
        {"user": "1", "rank": "1", "item": "5", "score": "3.0"},
        {"user": "1", "rank": "2", "item": "6", "score": "2.0"},
    ]
    table = pq.read_table("recs.parquet")
    assert [str(kind) for kind in table.schema.types] == ["string", "int32", "string", "float"]
    written = [{name: str(value) for name, value in row.items()} for row in table.to_pylist()]
    assert written == rows


def test_of_a_log_each_user_gets_a_list_and_the_log_is_read_as_that_of_the_dataset(sbr):
    write_ratings(Path("today.dat"), f"8 6 {200 * DAY}, 7 99 5, 8 5 {201 * DAY}, 9 99 7, 7 6 6")
    said = sbr("recommend", "--all", "today.dat", "--out", "recs.jsonl", "-k", 2, terminal=True)
    assert lines_of("recs.jsonl") == [
        {"user": "7", "items": [{"rank": 1, "item": "5", "score": 3.0},
                                {"rank": 2, "item": "7", "score": 1.0}]},
        {"user": "8", "items": [{"rank": 1, "item": "7", "score": 1.0}]},
        {"user": "9", "items": []},
    ]  # fmt: skip
    shown = [" ".join(line.split()) for line in said.stdout.splitlines()]
    assert "events of unknown items, skipped 2" in shown
    assert "sessions with fewer items: the run has no more 1" in shown
    assert "sessions with fewer items: the run knows no item of theirs 1" in shown
    assert said.stderr.startswith("read as MovieLens 1M")


def test_unknown_users_get_the_most_popular_items_and_are_flagged(sbr):
    write_ratings(Path("today.dat"), "8 6 1, 9 99 7")
    words = ("recommend", "--all", "today.dat", "-k", 1, "--fallback", "popularity")
    said = sbr(*words, "--out", "recs.jsonl", "--json")
    assert lines_of("recs.jsonl")[1] == {
        "user": "9",
        "items": [{"rank": 1, "item": "5", "score": 1.0}],
        "fallback": "popularity",
    }
    assert json.loads(said.stdout)["fallback"] == 1
    assert "sessions answered by the fallback\t1\n" in sbr(*words, "--out", "recs.csv").stdout
    sbr(*words, "--out", "recs.parquet")
    assert Path("recs.csv").read_text().splitlines()[1:] == ["8,1,5,3.0,0", "9,1,5,1.0,1"]
    assert pq.read_table("recs.parquet")["fallback"].to_pylist() == [False, True]


def test_rules_apply_to_everybody_and_what_they_removed_is_counted(sbr):
    words = ("recommend", "--all", "-k", 1, "--out", "recs.jsonl", "--exclude", "7")
    said = sbr(*words, "--json")
    found = json.loads(said.stdout)
    assert (found["rows"], found["short"]) == (0, {"items": 4, "rules": 1})
    assert found["removed"] == {"seen": 14, "exclude": 1}
    shown = sbr(*words, terminal=True).stdout
    assert "sessions with fewer items: the rules leave no more" in shown
    assert "Candidates removed" in shown


def test_one_user_gets_what_the_file_has(sbr):
    said = sbr("recommend", "--user", 5, "--json")
    assert json.loads(said.stdout) == {
        "items": [{"rank": 1, "item": "7", "score": 1.0}],
        "unknown": [],
        "session": [{"item": "5"}, {"item": "6"}],
    }
    write_ratings(Path("today.dat"), "8 6 1, 8 99 7")
    said = sbr("recommend", "--user", 8, "today.dat", "-k", 1)
    assert said.stdout == "rank\titem\tscore\n1\t5\t3.0\n"
    assert "warning: skipped 1 of 2 events: the run does not know the item\n" in said.stderr


def prepared(sbr, tmp_path: Path, rule: str, log: Path, *options: object) -> None:
    """Prepare a dataset by another session rule, and make a run of it, which is the latest."""
    words = ("--min-item-support", 1, "--valid-days", 0, "--test-days", 0, "--name", "other")
    assert sbr("preprocess", log, "--session", rule, *words, *options).code == 0
    manifest = json.loads(Path("sbr-work/datasets/other/manifest.json").read_text())
    dataset = {"name": "other", "fingerprint": manifest["fingerprint"]}
    weights = preferring([3.0, 2.0, 1.0])
    make_run(tmp_path / "sbr-work", name="z", ids=("5", "6", "7"), weights=weights, dataset=dataset)


def test_of_sessions_that_end_at_pauses_the_latest_of_each_user_counts(sbr, tmp_path):
    log = write_ratings(Path("gaps.dat"), "1 5 0, 1 6 1, 1 7 9000, 1 6 9001, 2 5 0, 2 7 1")
    prepared(sbr, tmp_path, "gap:3600", log)
    said = sbr("recommend", "--all", log, "--out", "recs.jsonl", "-k", 1, "--run", "z", "--json")
    assert json.loads(said.stdout)["sessions"] == 2
    assert [(one["user"], one["items"][0]["item"]) for one in lines_of("recs.jsonl")] == [
        ("1", "5"),
        ("2", "6"),
    ]
    said = sbr("recommend", "--all", "--out", "recs.jsonl", "--run", "z")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: dataset other does not keep the users of its sessions, which end at pauses\n"
        "hint: name the log, from which the latest session of each user is taken: sbr recommend "
        "--all LOG --out recs.parquet\n"
    )


def test_of_a_user_the_newest_events_count_as_in_the_dataset(sbr, tmp_path):
    log = write_ratings(Path("large.dat"), "1 5 0, 1 6 1, 1 7 2, 2 6 0, 2 7 1")
    prepared(sbr, tmp_path, "user", log, "--max-user-events", 2)
    for words in ((log,), ()):
        said = sbr("recommend", "--all", *words, "--out", "recs.jsonl", "--run", "z", "-k", 1)
        assert said.code == 0
        # 5 is liked best; of user 1 it is no longer among the events.
        assert [one["items"][0]["item"] for one in lines_of("recs.jsonl")] == ["5", "5"]


def test_sessions_that_the_log_names_are_each_answered(sbr, tmp_path):
    rows = ("a,5,0", "a,6,1", "b,7,0", "b,5,1")
    Path("named.csv").write_text("session_id,item_id,timestamp\n" + "\n".join(rows) + "\n")
    prepared(sbr, tmp_path, "column", Path("named.csv"))
    for log in ([], ["named.csv"]):
        sbr("recommend", "--all", *log, "--out", "recs.jsonl", "-k", 1, "--run", "z")
        assert [(one["session"], one["items"][0]["item"]) for one in lines_of("recs.jsonl")] == [
            ("a", "7"),
            ("b", "6"),
        ]


@pytest.mark.parametrize("split", ["last", "time"])
def test_a_session_in_several_splits_is_taken_once_and_whole(sbr, tmp_path, split):
    log = write_ratings(
        Path("l.dat"), f"1 5 0, 1 6 1, 1 7 {99 * DAY}, 1 5 {99 * DAY}, 2 5 0, 2 6 1, 2 5 2"
    )
    words = ("--split", split, *(("--test-days", 10) if split == "time" else ()))
    words = (*words, "--valid-days", 0, "--min-item-support", 1, "--name", "other")
    assert sbr("preprocess", log, *words).code == 0
    dataset = json.loads(Path("sbr-work/datasets/other/manifest.json").read_text())
    make_run(
        tmp_path / "sbr-work",
        name="z",
        ids=("5", "6"),
        weights=preferring([2.0, 1.0]),
        dataset={"name": "other", "fingerprint": dataset["fingerprint"]},
    )
    said = sbr("recommend", "--all", "--out", "r.csv", "--run", "z", "--include-seen", "--json")
    found = json.loads(said.stdout)
    assert (found["sessions"], found["rows"]) == (2, 4)


def test_part_by_part_everybody_gets_what_each_gets_alone(run, tmp_path, monkeypatch):  # noqa: F811
    folder = make_run(tmp_path / "other", ids=[str(index) for index in range(300)])
    recommender = sbrcli.load(folder)
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, 100)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    items = rng.integers(-1, 300, offsets[-1]).astype(np.int32)
    owned = OwnedSessions(
        "user", [f"u{n}" for n in range(100)], Sessions(items, offsets, np.zeros(len(items)))
    )
    reporter = RecordingReporter()
    config = recommend_all.RecommendConfig(k=7, fallback="popularity")
    files = []
    for events, sessions, rows in ((2**20, 2**14, 2**22), (20, 9, 2**22), (2**20, 9, 7)):
        monkeypatch.setattr(recommend_all, "_EVENTS_TOGETHER", events)
        monkeypatch.setattr(recommend_all, "_SESSIONS_TOGETHER", sessions)
        monkeypatch.setattr(recommend_all, "_ROWS_TOGETHER", rows)
        out = tmp_path / "recs.jsonl"
        found = recommend_all.recommend_all(recommender, owned, out, config, None, reporter)
        assert found.rows == 700
        files.append(lines_of(str(out)))
    assert reporter.done == [("recommend", 100, 100)] * 3
    for place, line in enumerate(files[0]):
        session = items[offsets[place] : offsets[place + 1]]
        alone = recommender.recommend(session[session >= 0], k=7, fallback="popularity")
        assert [one["item"] for one in line["items"]] == [one.item for one in alone.items]
        scores = [one.score for one in alone.items]
        for other in files:
            assert [one["score"] for one in other[place]["items"]] == pytest.approx(
                scores, abs=2e-6
            )


@pytest.mark.parametrize(
    ("words", "message", "hint", "code"),
    [
        (["--all"], "--all needs --out, the file to write", True, 2),
        (["--all", "--out", "r.txt"], "out must end in .parquet, .csv or .jsonl. Received: r.txt",
         False, 4),
        (["--all", "--out", "no/r.csv"],
         "out must be a file in a folder that is there. Received: no/r.csv", False, 4),
        (["--out", "r.csv", "--items", "5"], "--out goes with --all", True, 2),
        (["--user", "5", "--out", "r.csv"], "--out goes with --all", True, 2),
        (["--all", "--user", "5", "--out", "r.csv"], "--all and --user exclude each other",
         "omit one of them", 2),
        (["--all", "--items", "5"], "--all cannot be combined with --items", True, 2),
        (["--user", "5", "--find", "a"], "--user cannot be combined with --find", True, 2),
        (["--all", "--titles", "t.csv"], "--all cannot be combined with --titles", True, 2),
        (["--items", "5", "--sep", ","],
         "options that say how a log is read need --all or --user",
         "sbr recommend --all --out recs.parquet LOG", 2),
        (["--all", "--out", "r.csv", "--sep", ","],
         "options that say how a log is read need a log",
         "sbr recommend --all --out recs.parquet LOG", 2),
        (["--user", "77"], "there is no user 77 among 5",
         "write the id of the user as in the log, such as 1", 3),
        (["--all", "others.dat", "--out", "r.csv"], "the run knows no item of any of 1 sessions",
         "use the item ids of the log that the run was trained on", 3),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_an_error_and_leaves_nothing(sbr, words, message, hint, code):
    write_ratings(Path("others.dat"), "8 98 1, 8 99 7")
    said = sbr("recommend", *words)
    assert (said.stdout, said.code) == ("", code)
    hint = "sbr recommend --all --out recs.parquet" if hint is True else hint
    lines = [f"error: {message}", *([f"hint: {hint}"] if hint else [])]
    assert said.stderr.splitlines()[-len(lines) :] == lines
    assert not list(Path().glob("*r.csv*"))


def test_a_file_that_cannot_be_written_is_an_artefact_error(sbr, monkeypatch):
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", refuse)
    said = sbr("recommend", "--all", "--out", "recs.jsonl")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: cannot write recs.jsonl: No space left on device\nhint: name another file\n"
    )
    assert not list(Path().glob("*recs*"))


def test_the_argument_may_name_the_run_if_no_such_file_exists(sbr):
    said = sbr("recommend", "user-1x4", "--all", "--out", "recs.jsonl", "--json")
    assert json.loads(said.stdout)["sessions"] == 5
    found = sbr("recommend", "user-1x4", "--user", "5", "--json")
    assert found.stdout == sbr("recommend", "--user", "5", "--json").stdout
    said = sbr("recommend", "user-1x5", "--all", "--out", "recs.jsonl")
    assert (said.code, said.stderr.splitlines()[0]) == (3, "error: user-1x5: no such file")
