"""A running service answers requests directly as it does through the application."""

import contextlib
import json
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.serve.conftest import IDS, make_films
from tests.serve.line import BODY, CHUNKED, request
from tests.serve.served import Served, serving


@pytest.fixture(scope="module")
def direct(films: Path) -> Iterator[Served]:
    with serving(films) as service:
        yield service


def exchange(service: Served, *parts: bytes, answers: int = 1) -> list[tuple[bytes, bytes]]:
    """Send parts one by one; return the head, without the date, and the body of each answer."""
    found, text = [], b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        while len(found) < answers:
            while b"\r\n\r\n" not in text:
                text += connection.recv(65_536)
            head, _, text = text.partition(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date: ")]
            size = int(next(line.split()[1] for line in lines if line.startswith(b"content-len")))
            while len(text) < size:
                text += connection.recv(65_536)
            found.append((b"\n".join(lines), text[:size]))
            text = text[size:]
    return found


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b'{"sessions": [["10", "30"], ["400"]], "k": 3, "exclude": ["20"]}',
        b'{"items": ["no such"]}',
        b"{",
        b'{"items": ["10"], "k": 0}',
    ],
)
def test_a_whole_request_is_answered_as_one_in_parts(direct: Served, body: bytes):
    whole = exchange(direct, request(body))
    assert exchange(direct, *(bytes([one]) for one in request(body))) == whole
    chunked = b"POST /v1/recommend HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert exchange(direct, chunked + chunks) == whole


def test_whole_requests_that_arrive_together_have_the_bits_of_recommend(
    direct: Served, films: Path, sbr, tmp_path: Path
):
    draw = random.Random(5)
    sessions = [draw.choices(IDS, k=draw.randint(1, 12)) for _ in range(60)]
    (tmp_path / "sessions").write_text("".join(",".join(one) + "\n" for one in sessions))
    said = sbr("-w", films, "recommend", tmp_path / "sessions", "--json", "-k", 7)
    wanted = [json.loads(line) for line in said.stdout.splitlines()]
    sent = [request(json.dumps({"items": one, "k": 7}).encode()) for one in sessions]
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda one: exchange(direct, one), sent))
    assert [json.loads(body) for [(_, body)] in found] == wanted


def test_a_row_of_requests_on_one_connection_is_answered_in_order(direct: Served):
    bodies = [b'{"items": ["%d"], "k": 1}' % (10 * number) for number in range(1, 11)]
    apart = [exchange(direct, request(body))[0] for body in bodies]
    live = request(b"", line=b"GET /health/live")
    row = b"".join(request(body) + live for body in bodies)
    found = exchange(direct, row, answers=20)
    assert found[0::2] == apart
    assert {body for _, body in found[1::2]} == {b'{"status": "live"}'}


def test_whole_requests_are_counted_and_logged_as_others(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--log-requests") as service:
        exchange(service, request())
        exchange(service, CHUNKED)
        exchange(service, request(b"{"))
        exchange(service, request(BODY, b"X-Forwarded-For: 1.2.3.4"))
        _, metrics, _ = service.ask("GET", "/metrics")
        service.wait_for_line('"status": 400')
        service.wait_for_line('"client": "1.2.3.4"')
    logged = [json.loads(line) for line in service.lines if '"/v1/recommend"' in line]
    assert [line["status"] for line in logged] == [200, 200, 400, 200]
    assert len({tuple(line) for line in logged}) == 1
    assert [line["client"] for line in logged] == 3 * ["127.0.0.1"] + ["1.2.3.4"]
    assert logged[0]["bytes"] == logged[1]["bytes"]
    assert 'sbr_requests_total{endpoint="recommend",status="200"} 3.0' in metrics
    assert 'sbr_requests_total{endpoint="recommend",status="400"} 1.0' in metrics
    assert 'sbr_request_seconds_count{endpoint="recommend"} 4.0' in metrics
    assert "sbr_sessions_total 3.0" in metrics


def test_requests_in_flight_are_answered_when_the_service_ends(tmp_path: Path):
    """Hundreds of sessions take a while; the end comes while they are scored."""
    make_films(tmp_path / "work")
    sessions = json.dumps({"sessions": [["10", "20", "30"]] * 700, "k": 5}).encode()
    with (
        serving(tmp_path / "work", "--deadline", 300) as service,
        contextlib.ExitStack() as stack,
    ):
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
            for _ in range(3)
        ]
        for connection in opened:  # so that the service has accepted it
            connection.sendall(request())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        for connection in opened:
            connection.sendall(request(sessions))
        service.process.terminate()
        for connection in opened:
            text = b"".join(iter(lambda one=connection: one.recv(65_536), b""))
            assert b"HTTP/1.1 200 OK\r\n" in text
            assert text.endswith(b"}]")
        assert service.process.wait(60) == 0
