"""What the service answers: the documents of `sbr recommend --json`, to the bit."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.serve.conftest import IDS
from tests.serve.served import Served


def recommended(sbr, films: Path, *words: object) -> list[dict]:
    said = sbr("-w", films, "recommend", *words, "--json")
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_one_session_is_answered_as_recommend_does(served: Served, films: Path, sbr):
    found = served.post("/v1/recommend", {"items": ["10", "250", "zz"], "k": 5})
    [wanted] = recommended(sbr, films, "--items", "10,250,zz", "-k", 5)
    assert found == wanted
    assert found["unknown"] == ["zz"]


def test_rules_are_those_of_recommend(served: Served, films: Path, sbr):
    body = {"items": ["10"], "k": 3, "only": ["20", "30", 40], "exclude": ["30"]}
    found = served.post("/v1/recommend", body)
    words = ("--items", "10", "-k", 3, "--only", "20,30,40", "--exclude", "30")
    [wanted] = recommended(sbr, films, *words)
    assert found == wanted
    assert {row["item"] for row in found["items"]} == {"20", "40"}
    assert found["short"] == "rules"


def test_seen_items_and_the_fallback_are_those_of_recommend(served: Served, films: Path, sbr):
    found = served.post("/v1/recommend", {"items": ["10"], "k": 40, "include_seen": True})
    [wanted] = recommended(sbr, films, "--items", "10", "-k", 40, "--include-seen")
    assert found == wanted
    found = served.post("/v1/recommend", {"items": ["zz"], "k": 2, "fallback": "popularity"})
    [wanted] = recommended(sbr, films, "--items", "zz", "-k", 2, "--fallback", "popularity")
    assert found == wanted
    assert [row["item"] for row in found["items"]] == ["10", "20"]


def test_several_sessions_are_answered_in_their_order(served: Served, films: Path, sbr, tmp_path):
    sessions = [["10", "20"], ["zz"], ["300"], ["10"] * 7]
    found = served.post("/v1/recommend", {"sessions": sessions, "k": 4})
    (tmp_path / "sessions").write_text("\n".join(map(",".join, sessions)))
    assert found == recommended(sbr, films, tmp_path / "sessions", "-k", 4)
    assert served.post("/v1/recommend", {"sessions": []}) == []


def test_what_raised_an_item_is_explained_as_recommend_does(served: Served, films: Path, sbr):
    body = {"items": ["10", "250", "40"], "k": 2, "explain": True}
    [wanted] = recommended(sbr, films, "--items", "10,250,40", "-k", 2, "--why")
    assert served.post("/v1/recommend", body) == wanted
    assert wanted["items"][0]["why"]


def test_similar_items_are_those_of_similar(served: Served, films: Path, sbr):
    found = served.ask("GET", "/v1/items/70/similar?k=3")[1]
    said = sbr("-w", films, "similar", "70", "-k", 3, "--json")
    assert found["items"] == json.loads(said.stdout)["items"]
    assert (found["item"], found["title"]) == ("70", "Film 7 (1907)")
    status, document, _ = served.ask("GET", "/v1/items/zz/similar")
    assert (status, document["error"]) == (404, "the run does not know the item zz")


def test_requests_that_arrive_together_keep_their_bits(served: Served):
    draw = random.Random(5)
    bodies = [
        {"items": draw.choices(IDS, k=draw.randint(1, 12)), "k": draw.randint(1, 9)}
        for _ in range(120)
    ]
    alone = [served.post("/v1/recommend", body) for body in bodies]
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(lambda body: served.post("/v1/recommend", body), bodies))
    assert together == alone


def test_a_session_that_grows_is_answered_as_a_whole(served: Served):
    # Some of these ids belong to either worker, and requests reach any of them.
    for name in ("anna", "b%2Fc", "carl", "42", "%C3%BC"):
        for end, events in ((1, ["10"]), (3, ["250", "zz"]), (4, ["40"])):
            path = f"/v1/sessions/{name}/events"
            found = served.post(path, {"items": events, "k": 3})
            whole = ["10", "250", "zz", "40"][:end]
            assert found == served.post("/v1/recommend", {"items": whole, "k": 3})
        assert served.ask("DELETE", f"/v1/sessions/{name}")[0] == 204
        status, document, _ = served.ask("DELETE", f"/v1/sessions/{name}")
        assert (status, "no such session: " in document["error"]) == (404, True)
        assert served.post(path, {"items": ["20"]})["session"] == [
            {"item": "20", "title": "Film 2 (1902)"}
        ]


def test_items_are_found_by_title_and_id(served: Served):
    found = served.ask("GET", "/v1/items?q=1907")[1]
    assert found == {"items": [{"item": "70", "title": "Film 7 (1907)", "train_count": 94}]}
    assert found == served.ask("GET", "/v1/items?q=70&limit=1")[1]
    popular = served.ask("GET", "/v1/items?limit=2")[1]["items"]
    assert [row["item"] for row in popular] == ["10", "20"]


def test_the_run_is_described(served: Served):
    found = served.ask("GET", "/v1/runs/current")[1]
    assert (found["run"], found["model"], found["items"]) == ("films", "gru4rec", 40)


def test_health_and_metrics_are_shown(served: Served):
    assert served.ask("GET", "/health/live")[:2] == (200, {"status": "live"})
    assert served.ask("GET", "/health/ready")[:2] == (200, {"status": "ready"})
    served.post("/v1/recommend", {"items": ["zz"], "fallback": "popularity"})
    status, text, headers = served.ask("GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    assert 'sbr_run_info{run="films"} 1.0' in text
    assert 'sbr_requests_total{endpoint="recommend",status="200"}' in text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(values["sbr_fallback_sessions_total"]) >= 1
    assert float(values["sbr_unknown_items_total"]) >= 1


def test_each_request_is_a_line_of_json_in_the_log(served: Served):
    served.post("/v1/sessions/logged/events", {"items": ["10"]})
    line = json.loads(served.wait_for_line("/logged/"))
    assert (line["method"], line["path"]) == ("POST", "/v1/sessions/logged/events")
    assert line["status"] == 200
    assert line["seconds"] > 0


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "the body is no JSON: "),
        (b"[1]", 400, "the body must be a JSON object. Received: [1]"),
        (b'{"items": ["1"], "n": 3}', 400, "no such field: n"),
        (b"{}", 400, "give one session as items, or several as sessions"),
        (b'{"items": [], "sessions": []}', 400, "give one session as items, or several"),
        (b'{"items": "10"}', 400, 'items must be a list of item ids. Received: "10"'),
        (b'{"items": [true]}', 400, "items must be a list of item ids. Received: [true]"),
        (b'{"sessions": 3}', 400, "sessions must be a list of at most 10,000 sessions"),
        (b'{"sessions": [[]], "explain": 1}', 400, "explain must be true or false."),
        (
            b'{"sessions": [' + b"[]," * 10 + b'[]], "explain": true}',
            400,
            "sessions must be a list of at most 10 sessions",
        ),
        (b'{"sessions": [3]}', 400, "sessions must be a list of item ids. Received: 3"),
        (b'{"items": ["10"], "k": 0}', 400, "k must be a whole number from 1 to 1,000."),
        (b'{"items": ["10"], "k": true}', 400, "k must be a whole number from 1 to 1,000."),
        (b'{"items": ["10"], "only": 1}', 400, "only must be a list of item ids. Received: 1"),
        (b'{"items": ["10"], "include_seen": 1}', 400, "include_seen must be true or false."),
        (b'{"items": ["10"], "fallback": "x"}', 400, "fallback must be one of popularity"),
        (b'{"items": ["zz"]}', 422, "the run knows no item of the session: zz"),
        (b'{"items": []}', 422, "the run knows no item of the session: it is empty"),
        (b" " * 5001, 413, "the body is larger than 5,000 bytes"),
        (b"[" * 4999, 400, "the body is no JSON"),
        (b"\xff\xfe", 400, "the body is no JSON"),
    ],
)
def test_a_wrong_request_is_answered_in_words(served: Served, body: bytes, status: int, error: str):
    found, document, headers = served.ask("POST", "/v1/recommend", body)
    assert (found, headers["content-type"]) == (status, "application/json")
    assert error in document["error"]
    assert "Traceback" not in json.dumps(document)
    if found == 413:
        assert document["hint"] == "send fewer sessions in one request"


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nope", 404, "no such endpoint: GET /nope"),
        ("GET", "/v1/recommend", 405, "no such method of this endpoint: GET /v1/recommend"),
        ("GET", "/v1/items?limit=0", 400, "limit must be a whole number from 1 to 100."),
        ("GET", "/v1/items/70/similar?k=x", 400, "k must be a whole number from 1 to 100."),
        ("POST", f"/v1/sessions/{'x' * 201}/events", 400, "a session id has 1 to 200 characters"),
    ],
)
def test_a_wrong_path_is_answered_in_words(
    served: Served, method: str, path: str, status: int, error: str
):
    body = {"items": ["10"]} if method == "POST" else None
    found, document, _ = served.ask(method, path, body)
    assert found == status
    assert error in document["error"]
    if path == "/nope":
        assert document["hint"] == "GET /openapi.json lists the endpoints"


def test_events_without_items_are_refused(served: Served):
    status, document, _ = served.ask("POST", "/v1/sessions/x/events", {"k": 3})
    assert (status, document["error"]) == (400, "items is missing")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_each_worker_reads_the_encodings_of_json(served: Served, encoding: str):
    body = json.dumps({"items": ["10", "ü"], "k": 2}, ensure_ascii=False).encode(encoding)
    wanted = served.post("/v1/recommend", {"items": ["10", "ü"], "k": 2})
    assert served.post("/v1/recommend", body) == wanted
    for number in range(6):  # of which each worker owns some
        assert served.post(f"/v1/sessions/{encoding}-{number}/events", body) == wanted


def test_sessions_that_grow_at_the_same_time_keep_their_bits(served: Served):
    draw = random.Random(8)
    sessions = [draw.choices([*IDS, "zz"], k=draw.randint(1, 6)) for _ in range(24)]

    def grow(number: int) -> list[tuple[int, object]]:
        path = f"/v1/sessions/crowd-{number}/events"
        bodies = [{"items": [item], "k": 3 + number % 2} for item in sessions[number]]
        return [served.ask("POST", path, body)[:2] for body in bodies]

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(grow, range(len(sessions))))
    for number, (session, answers) in enumerate(zip(sessions, found, strict=True)):
        for end, answer in enumerate(answers, 1):
            body = {"items": session[:end], "k": 3 + number % 2}
            assert answer == served.ask("POST", "/v1/recommend", body)[:2]
