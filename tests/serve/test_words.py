"""The words of the service that no other test meets."""

import asyncio
import json
from pathlib import Path

import pytest

from sbrcli.config.serving import ServeConfig
from sbrcli.serve.answers import RequestError
from sbrcli.serve.openapi import OPENAPI
from sbrcli.serve.peers import Peers
from tests.serve.served import Served

METRICS = """\
Requests, by endpoint and status.
Seconds to an answer.
Sessions recommended for.
Sessions answered with the most popular items.
Items of sessions that the run does not know.
Items of sessions that requests held.
The run that is served.
"""

SUMMARIES = [
    "Recommend what follows one session, or each of up to 10,000.",
    "Append events to a session that the service remembers, and recommend what follows.",
    "Forget a session.",
    "Find items by the words of their titles; without words, the most popular ones.",
    "List the items most similar to one, by the network's output table, of a blend by "
    "that of its first network (`network`); of baselines, by shared sessions.",
    "Describe the run that is served.",
    "The process answers.",
    "Requests are answered.",
    "Metrics for Prometheus.",
    "This document.",
]

RESPONSES = {
    "What sbr recommend --json prints; a list for several sessions.",
    "The recommendation for the whole session.",
    "It is forgotten.",
    "The items.",
    "The items, the most similar first; their scores are cosines.",
    "The run.",
    "The request is not what it should be.",
    "The token is missing or wrong.",
    "There is no such thing.",
    "The body is too large.",
    "The run knows no item of the session.",
    "Too many requests are waiting.",
    "Not ready, or no answer in time.",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_the_description_says_what_each_endpoint_does():
    methods = [one for path in OPENAPI["paths"].values() for one in path.values()]
    assert [one["summary"] for one in methods] == SUMMARIES
    found = {answer["description"] for one in methods for answer in one["responses"].values()}
    assert found - set(SUMMARIES) == RESPONSES


def test_the_fields_that_need_a_table_say_so():
    body = OPENAPI["paths"]["/v1/recommend"]["post"]["requestBody"]
    for schema in body["content"]["application/json"]["schema"]["oneOf"]:
        fields = schema["properties"]
        assert fields["where"]["description"] == (
            "Conditions on attributes, such as in_stock=1; all must hold. They need "
            "the service's --items-table."
        )
        assert fields["max_per"]["description"] == (
            "How many items with the same value of an attribute are recommended at "
            "most. It needs the service's --items-table."
        )


def test_each_metric_is_described(served: Served):
    served.post("/v1/recommend", {"items": ["10"]})
    text = served.ask("GET", "/metrics")[1]
    for line in METRICS.splitlines():
        assert line in text or "Multiprocess metric" in text


def test_the_page_may_load_nothing_from_elsewhere(served: Served):
    assert served.ask("GET", "/")[2]["content-security-policy"] == POLICY


def test_a_worker_that_does_not_answer_is_said_to_restart(tmp_path: Path):
    peers = Peers(tmp_path, 0, 2)
    theirs = next(name for name in "abcdefgh" if not peers.is_own(name))
    with pytest.raises(RequestError) as raised:
        asyncio.run(peers.ask(theirs, "forget", b""))
    assert raised.value.status == 503
    assert raised.value.message == "the worker that keeps this session is restarting"
    assert raised.value.hint == "ask again in a moment"


def test_too_many_waiting_requests_are_refused():
    from sbrcli.serve.answers import read_question
    from sbrcli.serve.batching import Batcher
    from sbrcli.serve.session_store import SessionStore

    async def ask_thrice() -> list[object]:
        batcher = Batcher(lambda: None, SessionStore(1, 1), 2, lambda _: None)  # type: ignore[arg-type, return-value]
        batcher._running = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
        question = read_question(b'{"items": []}')
        asked = [asyncio.ensure_future(batcher.ask(question)) for _ in range(3)]
        await asyncio.sleep(0)
        found = await asyncio.gather(asked[2], return_exceptions=True)
        for one in asked[:2]:
            one.cancel()
        batcher.close()
        return found

    [refused] = asyncio.run(ask_thrice())
    assert isinstance(refused, RequestError)
    assert (refused.status, refused.message) == (429, "too many requests are waiting")


def test_before_the_run_is_loaded_requests_are_put_off(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    from sbrcli.serve.service import Service

    class Nothing:
        count_sessions = staticmethod(lambda _: None)

    service = Service(ServeConfig(), None, Peers(tmp_path), Nothing())  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="the run is being loaded"):
        _ = service.model


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "name"),
    [
        ("GET", "/v1/runs/current", "_describe_run", "run"),
        ("POST", "/v1/recommend", "_recommend", "recommend"),
    ],
)
def test_a_fault_of_our_own_is_no_traceback_to_the_client(
    tmp_path: Path, monkeypatch, method: str, path: str, endpoint: str, name: str
):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    from sbrcli.serve.service import Service

    counted = []

    class Counting:
        count_sessions = staticmethod(lambda _: None)
        count_request = staticmethod(lambda *words: counted.append(words[:2]))

    async def fail(_request: object) -> object:
        raise ZeroDivisionError("ours")

    sent = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    service = Service(ServeConfig(), None, Peers(tmp_path), Counting())  # type: ignore[arg-type]
    monkeypatch.setattr(service, endpoint, fail)
    scope = {
        **{"type": "http", "method": method, "path": path, "query_string": b""},
        **{"headers": [], "scheme": "http", "server": ("x", 80), "root_path": ""},
    }
    with pytest.raises(ZeroDivisionError):  # which the server writes to its log
        asyncio.run(service.application()(scope, receive, send))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"]) == {"error": "a bug in sbr; its log has the details"}
    assert counted == [(name, 500)]


def test_several_workers_need_a_system_that_forks(tmp_path: Path, monkeypatch):
    import os
    import socket

    from sbrcli.errors import UsageError
    from sbrcli.reporter import SILENT
    from sbrcli.serve.supervisor import _Group

    monkeypatch.delattr(os, "fork")
    with socket.socket() as unused, pytest.raises(UsageError) as raised:
        _Group(None, ServeConfig(workers=2), None, SILENT, unused, tmp_path)  # type: ignore[arg-type]
    assert str(raised.value) == "this system cannot run several workers"
    assert raised.value.hint == "use --workers 1"
