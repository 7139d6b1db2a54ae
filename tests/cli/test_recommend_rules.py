"""`sbr recommend` with rules: what is said of them on stderr, in a pipe and as JSON."""

import json
from pathlib import Path

import pytest

import sbrcli
from sbrcli.errors import ConfigError
from tests.builders import make_run
from tests.cli.test_recommend import IDS, give_input, preferring

TABLE = "item,in_stock,price,kind\n10,1,5,x\n20,0,9,x\n30,1,7,y\n"


@pytest.fixture(autouse=True)
def run(tmp_path: Path) -> Path:
    """A run that prefers 10 to 20 to 30 to a,b whatever came before."""
    (tmp_path / "items.csv").write_text(TABLE)
    (tmp_path / "ids.txt").write_text('20,30\n["a,b"]\n\n')
    return make_run(tmp_path / "sbr-work", ids=IDS, weights=preferring([4.0, 3.0, 2.0, 1.0]))


def items_of(stdout: str) -> list[str]:
    return [line.split("\t")[1] for line in stdout.splitlines()[1:]]


def test_items_are_listed_on_the_command_line_or_in_a_file(sbr):
    assert items_of(sbr("recommend", "--items", "10", "--only", "20,a").stdout) == ["20"]
    only = ("--only", "10", "--only", "@ids.txt")
    assert items_of(sbr("recommend", "--items", "30", *only).stdout) == ["10", "20", "a,b"]
    assert items_of(sbr("recommend", "--items", "20", "--exclude", "@ids.txt").stdout) == ["10"]


def test_what_each_rule_removed_is_reported_and_unknown_ids_are_named(sbr):
    words = ("--only", "10,30,x", "--exclude", "30,x1,x2,x3,x4,x5,x6")
    said = sbr("recommend", "--items", "20", "-k", 2, *words)
    assert said.stdout == "rank\titem\tscore\n1\t10\t4.0\n"
    assert said.stderr == (
        "warning: the run does not know 1 of the 3 ids of --only: x\n"
        "warning: the run does not know 6 of the 7 ids of --exclude: x1, x2, x3, x4, x5 "
        "and 1 more\n"
        "candidates removed: 1 by seen, 1 by only, 1 by exclude\n"
        "warning: 1 of 2 items: the rules leave no more items\n"
        "run user-1x4 on dataset user\n"
    )


def test_the_json_counts_the_unknown_ids_of_each_list(sbr, monkeypatch):
    words = ("--only", "10,30,x,x", "--exclude", "30", "--json")
    known = json.loads(sbr("recommend", "--items", "20", *words).stdout)
    assert known["unknown_in_rules"] == {"only": 1}
    give_input(monkeypatch, "20\n77\n")
    said = sbr("recommend", "-", "--fallback", "popularity", *words, "--exclude", "y,z")
    found = [json.loads(line)["unknown_in_rules"] for line in said.stdout.splitlines()]
    assert found == [{"only": 1, "exclude": 2}] * 2
    said = sbr("recommend", "--items", "20", "--only", "10,30", "--json")
    assert "unknown_in_rules" not in json.loads(said.stdout)


def test_the_json_says_it_too_and_python_gives_the_same(sbr, run):
    options = ("--exclude", "10", "--items-table", "items.csv", "--where", "in_stock=1")
    said = sbr("recommend", "--items", "20", "-k", 3, *options, "--max-per", "kind=1", "--json")
    document = json.loads(said.stdout)
    assert document == {
        "items": [{"rank": 1, "item": "30", "score": 2.0}],
        "unknown": [],
        "session": [{"item": "20"}],
        "removed": {"seen": 1, "exclude": 1, "where in_stock=1": 1, "max-per kind=1": 0},
        "short": "rules",
    }
    assert said.stderr == (
        "items.csv: ids in column item; it has 3 of the run's 4 items\n"
        "candidates removed: 1 by seen, 1 by exclude, 1 by where in_stock=1, 0 by max-per kind=1\n"
        "warning: 1 of 3 items: the rules leave no more items\n"
        "run user-1x4 on dataset user\n"
    )
    recommender = sbrcli.load(run)
    rules = recommender.rules(
        exclude=[10], items_table="items.csv", where=["in_stock=1"], max_per={"kind": 1}
    )
    assert (
        recommender.recommend(["20"], k=3, rules=rules).to_document()
        | {
            "items": document["items"],
            "unknown": [],
            "session": document["session"],
        }
        == document
    )


def test_of_a_group_at_most_n_are_recommended(sbr):
    options = ("--items-table", "items.csv", "--max-per", "kind=1")
    said = sbr("recommend", "--items", "a,b,77", *options, "--items", '["a,b"]')
    assert said.code == 2
    said = sbr("recommend", "--items", '["a,b"]', *options, "-k", 2)
    assert items_of(said.stdout) == ["10", "30"]
    assert "candidates removed: 1 by seen, 1 by max-per kind=1\n" in said.stderr


def test_what_was_removed_from_many_sessions_is_counted_at_the_end(sbr, monkeypatch):
    give_input(monkeypatch, "20\n30\n77\n")
    said = sbr("recommend", "-", "-k", 2, "--exclude", "20,30", "--json")
    first, second, third = map(json.loads, said.stdout.splitlines())
    assert [one["item"] for one in first["items"]] == ["10", "a,b"]
    assert first["removed"] == second["removed"] == {"seen": 1, "exclude": 1}
    assert (third["removed"], third["short"]) == ({}, "unknown")
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "warning: session 3: the run knows no item of the session: 77\n"
        "in all 3 sessions, candidates removed: 2 by seen, 2 by exclude\n"
    )


def test_sessions_with_fewer_items_are_counted_by_reason(sbr, monkeypatch):
    give_input(monkeypatch, "20\n20,30\n10\n")
    said = sbr("recommend", "-", "-k", 3, "--exclude", "10")
    assert said.stderr.splitlines()[2:] == [
        "warning: fewer than 3 items for 1 of 3 sessions: the run has no more items",
        "warning: fewer than 3 items for 1 of 3 sessions: the rules leave no more items",
    ]


@pytest.mark.parametrize(
    ("words", "message", "hint", "code"),
    [
        (
            ["--only", ","],
            "--only names no item",
            "--only 3186,1270, or --only @FILE with ids on its lines",
            2,
        ),
        (
            ["--where", "in_stock=1"],
            "the table of the items' attributes is missing. Received: --where in_stock=1",
            "name it: --items-table FILE",
            2,
        ),
        (
            ["--items-table", "items.csv"],
            "--items-table does nothing alone. Received: items.csv",
            "--where in_stock=1 or --max-per category=3 uses it",
            2,
        ),
        (
            ["--where", "in_stock"],
            "where must be a column, one of = != < <= > >=, and a value. Received: in_stock",
            "--where in_stock=1 --where 'price<=20'",
            2,
        ),
        (
            ["--max-per", "kind"],
            "max-per must be a column, = and a number. Received: kind",
            "--max-per category=3",
            2,
        ),
        (["--max-per", "kind=0"], "max-per must be at least 1. Received: kind=0", None, 4),
        (
            ["--find", "x", "--only", "10"],
            "--find lists all items, and no rule changes that",
            'sbr recommend --find "back to the future"',
            2,
        ),
        (
            ["--exclude", "@latin.txt"],
            "latin.txt is not text in UTF-8",
            "write item ids, one a line or separated by commas",
            3,
        ),
        (
            ["--items-table", "others.csv", "--where", "a=1"],
            "others.csv: its column item holds no item of the run",
            "name the column with the ids of the log item_id",
            3,
        ),
    ],
)
def test_rules_that_cannot_be_used_are_errors(sbr, words, message, hint, code):
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    Path("others.csv").write_text("item,a\n99,1\n")
    session = [] if "--find" in words else ["--items", "10"]
    said = sbr("recommend", *session, *words)
    assert (said.stdout, said.code) == ("", code)
    assert said.stderr == f"error: {message}\n" + (f"hint: {hint}\n" if hint else "")


def test_in_python_conditions_need_a_table(run):
    with pytest.raises(ConfigError) as error:
        sbrcli.load(run).rules(where=["in_stock=1"])
    assert str(error.value) == "where and max_per need items_table, the table of the attributes"
