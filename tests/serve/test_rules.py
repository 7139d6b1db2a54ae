"""The rules of a business in requests: those of `sbr recommend`, with a table of attributes."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from tests.serve.conftest import IDS, make_films
from tests.serve.served import PATIENCE_SECONDS, Served, serving
from tests.serve.test_running import wait_until

VISITORS = count()

TABLE = "item_id,stock,genre\n" + "".join(
    f"{item},{number % 2},{'abc'[number % 3]}\n" for number, item in enumerate(IDS[:30])
)


@pytest.fixture(scope="module")
def table(films: Path) -> Path:
    path = films / "items.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture(scope="module")
def shop(films: Path, table: Path) -> Iterator[Served]:
    with serving(films, "--items-table", table) as service:
        yield service


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"where": ["stock=1"]}, ["--where", "stock=1"]),
        ({"max_per": {"genre": 1}}, ["--max-per", "genre=1"]),
        (
            {"where": ["stock = 0", "genre!=c"], "max_per": {"genre": 2}, "exclude": ["30"]},
            ["--where", "stock=0", "--where", "genre!=c", "--max-per", "genre=2", "--exclude", 30],
        ),
        (
            {
                "where": ["genre!=c"],
                "only": ["10", "30", "50", "zz"],
                "exclude": ["yy", "xx", "30"],
            },
            ["--where", "genre!=c", "--only", "10,30,50,zz", "--exclude", "yy,xx,30"],
        ),
        (
            {"where": ["stock=0"], "only": ["10", "30", "50", "90"], "include_seen": True},
            ["--where", "stock=0", "--only", "10,30,50,90", "--include-seen"],
        ),
    ],
)
def test_attributes_rule_as_in_recommend(shop: Served, films: Path, table: Path, sbr, body, words):
    found = shop.post("/v1/recommend", {"items": ["10", "250"], "k": 8} | body)
    said = sbr(
        *("-w", films, "recommend", "--items", "10,250", "-k", 8, "--items-table", table, "--json"),
        *words,
    )
    assert found == json.loads(said.stdout)
    assert found["items"]
    assert found["removed"]
    assert ("unknown_in_rules" in found) == ("zz" in body.get("only", []))
    several = {"sessions": [["zz"], ["10", "250"]], "k": 8}
    assert shop.post("/v1/recommend", several | body)[1] == found
    events, path = {"k": 8} | body, f"/v1/sessions/{next(VISITORS)}/events"
    shop.post(path, events | {"items": ["10"]})
    assert shop.post(path, events | {"items": ["250"]}) == found
    assert "removed" not in shop.post(path, {"items": ["40"]})


def test_a_session_that_grows_is_explained_as_in_recommend(shop: Served):
    asked = {"k": 3, "where": ["stock=0"], "explain": True}
    shop.post("/v1/sessions/why/events", {"items": ["10", "zz"]})
    found = shop.post("/v1/sessions/why/events", asked | {"items": ["250", "40"]})
    whole = {"items": ["10", "zz", "250", "40"]}
    assert found == shop.post("/v1/recommend", asked | whole)
    assert found["items"][0]["why"]


def test_events_with_a_wrong_rule_are_not_appended(shop: Served):
    path = "/v1/sessions/unchanged/events"
    shop.post(path, {"items": ["10"]})
    for wrong in ({"where": ["price=1"]}, {"max_per": {"price": 1}}, {"where": ["stock"]}):
        status, document, _ = shop.ask("POST", path, {"items": ["250"]} | wrong)
        assert status == 400, document
    found = shop.post(path, {"items": ["40"]})
    assert [one["item"] for one in found["session"]] == ["10", "40"]


def test_requests_of_several_rules_keep_their_own(shop: Served):
    def stocks(found: dict) -> set[int]:
        return {IDS.index(row["item"]) % 2 for row in found["items"]}

    for _ in range(2):
        for wanted in (0, 1):
            body = {"items": ["10"], "where": [f"stock={wanted}"]}
            assert stocks(shop.post("/v1/recommend", body)) == {wanted}
        assert stocks(shop.post("/v1/recommend", {"items": ["10"]})) == {0, 1}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"where": "stock=1"}, 'where must be a list of at most 20 conditions. Received: "stock'),
        ({"where": [1]}, "where must be a list of at most 20 conditions. Received: [1]"),
        ({"where": ["stock=1"] * 21}, "where must be a list of at most 20 conditions."),
        ({"where": ["stock"]}, "where must be a column, one of = != < <= > >=, and a value."),
        ({"where": ["price=1"]}, "items.csv has no column price"),
        ({"where": ["stock=red"]}, "its column stock is of the type int64, and 'red' is not."),
        ({"where": ["stock=\ud800"]}, "its column stock is of the type int64"),
        (
            {"max_per": {"genre": "2"}},
            "max_per must have a whole number from 1 to 999,999,999 for each of at most 20 "
            'columns. Received: {"genre": "2"}',
        ),
        ({"max_per": 3}, "max_per must have a whole number from 1 to 999,999,999 for each of"),
        ({"max_per": {"genre": 0}}, "max_per must have a whole number from 1 to 999,999,999"),
        ({"max_per": {"genre": 10**9}}, "max_per must have a whole number from 1 to 999,999,999"),
        ({"max_per": {" ": 1}}, "max_per must have a whole number from 1 to 999,999,999"),
        ({"max_per": {"price": 1}}, "items.csv has no column price"),
    ],
)
def test_a_wrong_rule_is_answered_in_words(shop: Served, body: dict, error: str):
    for path in ("/v1/recommend", "/v1/sessions/wrong/events"):
        status, document, _ = shop.ask("POST", path, {"items": ["10"]} | body)
        assert status == 400
        assert error in document["error"]
        if "whole number" in error:
            assert document["hint"] == 'such as {"max_per": {"category": 3}}'
        if "a column, one of" in error:
            assert document["hint"] == 'such as {"where": ["in_stock=1", "price<=20"]}'
        assert "--" not in document.get("hint", "")
    assert "Traceback" not in "".join(shop.lines)


def test_text_that_is_no_unicode_equals_nothing(shop: Served):
    found = shop.post("/v1/recommend", {"items": ["10"], "where": ["genre=\ud800"]})
    assert (found["items"], found["short"]) == ([], "rules")


def test_without_a_table_attributes_are_refused(served: Served):
    for rule in ({"where": ["stock=1"]}, {"max_per": {"genre": 1}}):
        status, document, _ = served.ask("POST", "/v1/recommend", {"items": ["10"]} | rule)
        assert (status, document["hint"]) == (400, "start the service with --items-table FILE")
        assert document["error"] == "where and max_per need the table of the items' attributes"
    found = served.post("/v1/recommend", {"items": ["10"], "where": [], "max_per": {}})
    assert "removed" not in found


def test_a_table_that_changes_is_read_again(tmp_path: Path):
    make_films(tmp_path / "work")
    table = tmp_path / "items.csv"
    table.write_text("item_id,stock\n20,1\n30,0\n")
    asked = {"items": ["10"], "where": ["stock=1"]}
    with serving(tmp_path / "work", "--follow", "--items-table", table) as service:
        assert service.lines[0].startswith("run films")
        service.wait_for_line("items.csv: ids in column item_id; it has 2 of the run's 40 items")

        def found() -> list[str]:
            return [row["item"] for row in service.post("/v1/recommend", asked)["items"]]

        assert found() == ["20"]
        (tmp_path / "next.csv").write_text("item_id,stock\n20,0\n30,1\n40,0\n")
        (tmp_path / "next.csv").replace(table)
        wait_until(lambda: found() == ["30"], f"30 within {PATIENCE_SECONDS} s")
        table.write_text("nothing")
        service.wait_for_line("the newer run is not served: ")
        assert found() == ["30"]


def test_several_workers_say_once_how_the_table_was_read(films: Path, table: Path):
    with serving(films, "--workers", 3, "--items-table", table) as service:
        assert service.post("/v1/recommend", {"items": ["10"], "where": ["stock=1"]})["items"]
        said = [line for line in service.lines if "ids in column" in line]
    assert [line.strip() for line in said] == [
        "items.csv: ids in column item_id; it has 30 of the run's 40 items"
    ]


def test_a_table_that_cannot_be_read_ends_the_service(sbr, tmp_path, monkeypatch):
    make_films(tmp_path / "sbr-work")
    said = sbr("serve", "--port", 0, "--items-table", "none.csv")
    assert (said.code, said.stdout) == (3, "")
    assert "none.csv" in said.stderr
    found = find_spec
    monkeypatch.setattr(
        "sbrcli.cli.serve.find_spec", lambda name: None if name == "pyarrow" else found(name)
    )
    said = sbr("serve", "--items-table", "none.csv")
    assert said.code == 4
    assert "sbr serve needs packages that are not installed: pyarrow\n" in said.stderr
