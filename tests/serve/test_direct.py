"""Requests that arrive whole are answered without ASGI, and all others by the application."""

import asyncio
import contextlib
import inspect
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

from sbrcli.config.serving import ServeConfig
from sbrcli.serve.answers import Answer, RequestError
from sbrcli.serve.deadlines import Deadlines
from sbrcli.serve.direct import DirectPath, DirectRequest
from sbrcli.serve.http_protocol import protocol_of
from sbrcli.serve.service import Service
from tests.serve.conftest import make_films
from tests.serve.served import Served, serving

BODY = b'{"items": ["10"]}'
FOUND = Answer(200, b'{"items": []}')


def request(body: bytes = BODY, *headers: bytes, line: bytes = b"POST /v1/recommend") -> bytes:
    lines = [line + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Transport(asyncio.Transport):
    """Remembers what is written; each write is what one call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.may_read, self.is_closed = True, False

    def write(self, data: Any) -> None:
        assert not self.is_closed
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        self.may_read = False

    def resume_reading(self) -> None:
        self.may_read = True


class Line:
    """A connection to a service whose batcher only collects what it is asked."""

    def __init__(self, *, token: str | None = None, **options: Any) -> None:
        config = ServeConfig(**options)
        self.asked: list[tuple[Any, DirectRequest]] = []
        self.counted: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.bodies: list[bytes] = []
        service: Any = SimpleNamespace(
            config=config,
            token=token,
            deadlines=Deadlines(config.deadline),
            batcher=SimpleNamespace(add=self._add),
            count=lambda _scope, name, answer, _: self.counted.append((name, answer.status)),
        )
        service.late_answer = lambda: Service.late_answer(service)
        service.require_token = lambda scope: Service.require_token(service, scope)
        self.state, self.transport = ServerState(), Transport()
        self.state.default_headers = [(b"date", b"today")]
        configured = uvicorn.Config(
            self._application, interface="asgi3", log_config=None, access_log=False
        )
        self.protocol: Any = protocol_of(DirectPath(service))(configured, self.state, {})
        self.protocol.connection_made(self.transport)

    def _add(self, work: Any, reply: DirectRequest) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append((work, reply))

    async def _application(self, _scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            body += message.get("body", b"")
        self.bodies.append(body)
        headers = [(b"content-length", b"8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ordinary"})

    @property
    def text(self) -> bytes:
        return b"".join(self.transport.written)

    async def send(self, *parts: bytes) -> None:
        """Receive data, with a few turns of the event loop after each part."""
        for part in parts:
            self.protocol.data_received(part)
            for _ in range(5):
                await asyncio.sleep(0)


def on_a_line(test: Callable[[Line], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        line = Line(**options)
        await test(line)
        if line.protocol.parser is not None:
            line.protocol.connection_lost(None)

    asyncio.run(run())


def test_a_whole_request_is_answered_in_one_write_and_without_a_task():
    async def ask(line: Line) -> None:
        await line.send(request())
        [(question, reply)] = line.asked
        assert question.sessions == [["10"]]
        assert not line.state.tasks
        reply.set_result(FOUND)
        assert line.transport.written == [
            b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: application/json\r\n"
            b'content-length: 13\r\n\r\n{"items": []}'
        ]
        assert line.counted == [("recommend", 200)]
        assert not line.transport.is_closed
        await line.send(request())
        assert len(line.asked) == 2

    on_a_line(ask)


@pytest.mark.parametrize(
    ("parts", "options"),
    [
        ([request()[:-5], request()[-5:]], {}),
        ([request()[: -len(BODY)], BODY], {}),
        ([request()[:50], request()[50:60], request()[60:]], {}),
        ([request().replace(b"1.1", b"1.0")], {}),
        ([request(line=b"POST /v1/recommend?k=5")], {}),
        ([request(line=b"PUT /v1/recommend")], {}),
        ([request(line=b"POST /v1/sessions/a/events")], {}),
        ([request(BODY, b"Expect: 100-continue")], {}),
        ([request(BODY, b"Connection: upgrade", b"Upgrade: h2c")], {}),
        ([request(BODY, b"Origin: https://shop.example")], {"cors": "*"}),
        ([request(BODY, b"X-Forwarded-For: 1.2.3.4")], {"log_requests": True}),
        ([request(BODY + b" " * 70_000)], {}),
        ([request(BODY + b" " * 100)], {"max_body": 100}),
        (
            [
                b"POST /v1/recommend HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                b'11\r\n{"items": ["10"]}\r\n0\r\n\r\n'
            ],
            {},
        ),
    ],
)
def test_anything_else_goes_to_the_application_as_it_is(parts: list[bytes], options: Any):
    async def ask(line: Line) -> None:
        await line.send(*parts)
        assert line.bodies[0].strip() == (b"" if b"h2c" in parts[0] else BODY)
        assert line.text.endswith(b"ordinary")
        assert not line.asked

    on_a_line(ask, **options)


def test_headers_without_a_meaning_here_are_no_hindrance():
    async def ask(line: Line) -> None:
        await line.send(request(BODY, b"Origin: https://a.example", b"X-Forwarded-For: 1.2.3.4"))
        assert len(line.asked) == 1

    on_a_line(ask)


def test_requests_in_a_row_are_answered_in_their_order():
    async def ask(line: Line) -> None:
        await line.send(request() + request(b'{"items": ["20"]}') + request(line=b"GET /a"))
        assert (len(line.asked), line.text) == (1, b"")
        assert not line.transport.may_read
        line.asked[0][1].set_result(FOUND)
        for _ in range(10):
            await asyncio.sleep(0)
        answers = line.text.split(b"HTTP/1.1 200 OK")[1:]
        assert [text.partition(b"\r\n\r\n")[2] for text in answers] == [
            FOUND.body,
            b"ordinary",
            b"ordinary",
        ]
        assert line.bodies == [b'{"items": ["20"]}', BODY]
        assert line.transport.may_read

    on_a_line(ask)


def test_a_request_after_one_in_parts_waits_for_it():
    async def ask(line: Line) -> None:
        await line.send(request()[:-5])
        line.protocol.data_received(request()[-5:] + request())
        assert not line.asked
        for _ in range(10):
            await asyncio.sleep(0)
        assert line.bodies == [BODY, BODY]

    on_a_line(ask)


def test_a_connection_is_closed_after_the_answer_if_it_must_be():
    async def ask(line: Line) -> None:
        await line.send(request(BODY, b"Connection: close"))
        line.asked[0][1].set_result(FOUND)
        assert line.text.endswith(b'\r\nconnection: close\r\n\r\n{"items": []}')
        assert line.transport.is_closed

    on_a_line(ask)


def test_a_service_that_ends_answers_what_has_arrived():
    async def ask(line: Line) -> None:
        await line.send(request())
        line.protocol.shutdown()
        assert not line.transport.is_closed
        line.asked[0][1].set_result(FOUND)
        assert line.text.endswith(b'\r\nconnection: close\r\n\r\n{"items": []}')
        assert line.transport.is_closed

    on_a_line(ask)


def test_a_service_that_ends_closes_what_is_answered():
    async def ask(line: Line) -> None:
        await line.send(request())
        line.asked[0][1].set_result(FOUND)
        line.protocol.shutdown()
        assert line.transport.is_closed

    on_a_line(ask)


def test_what_is_answered_after_its_client_has_left_is_counted_only():
    async def ask(line: Line) -> None:
        await line.send(request())
        line.transport.close()
        line.protocol.connection_lost(None)
        line.asked[0][1].set_result(FOUND)
        assert (line.text, line.counted) == (b"", [("recommend", 200)])

    on_a_line(ask)


def test_nothing_is_written_after_the_answer_to_garbage():
    async def ask(line: Line) -> None:
        await line.send(request() + b"\x00\x00\x00")
        assert line.text.startswith(b"HTTP/1.1 400 ")
        line.asked[0][1].set_result(FOUND)
        assert line.text.count(b"HTTP/1.1") == 1

    on_a_line(ask)


def test_a_late_request_is_answered_at_its_deadline_and_not_again():
    async def ask(line: Line) -> None:
        await line.send(request())
        reply = line.asked[0][1]
        await asyncio.sleep(0.1)
        assert line.text.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1\r\n" in line.text
        assert line.text.endswith(
            b'\r\n\r\n{"error": "no answer within 0.05 seconds", "hint": "ask again in a moment"}'
        )
        assert reply.done()
        reply.end()
        assert line.counted == [("recommend", 503)]

    on_a_line(ask, deadline=0.05)


def test_answered_requests_have_no_deadline_left():
    async def ask(line: Line) -> None:
        for _ in range(3):
            await line.send(request())
            line.asked[-1][1].set_result(FOUND)
        await asyncio.sleep(0.1)
        assert line.counted == 3 * [("recommend", 200)]

    on_a_line(ask, deadline=0.05)


def test_what_is_wrong_is_answered_at_once():
    async def ask(line: Line) -> None:
        await line.send(request(b'{"item": 1}'))
        line.error = RequestError(429, "too many", "later")
        await line.send(request())
        assert line.counted == [("recommend", 400), ("recommend", 429)]
        assert b"retry-after: 1\r\n" in line.text
        assert line.text.endswith(b'{"error": "too many", "hint": "later"}')

    on_a_line(ask)


def test_a_bug_is_answered_and_goes_to_the_log(caplog: pytest.LogCaptureFixture):
    async def ask(line: Line) -> None:
        line.error = ZeroDivisionError("ours")
        with caplog.at_level(logging.ERROR):
            await line.send(request())
        assert line.text.endswith(b'{"error": "a bug in sbr; its log has the details"}')
        assert line.counted == [("recommend", 500)]

    on_a_line(ask)
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_the_token_is_asked_for():
    async def ask(line: Line) -> None:
        await line.send(request(), request(BODY, b"Authorization: Bearer other"))
        assert line.counted == 2 * [("recommend", 401)]
        await line.send(request(BODY, b"Authorization: Bearer secret"))
        assert len(line.asked) == 1

    on_a_line(ask, token="secret")


def test_a_client_that_does_not_read_gets_no_further_answers():
    async def ask(line: Line) -> None:
        line.protocol.pause_writing()
        await line.send(request())
        assert (line.asked, line.text) == ([], b"")
        line.protocol.resume_writing()
        for _ in range(5):
            await asyncio.sleep(0)
        assert line.text.endswith(b"ordinary")

    on_a_line(ask)


def test_uvicorns_protocol_is_as_the_direct_path_needs_it():
    """Where this fails, read `sbrcli/serve/http_protocol.py` beside the new uvicorn.

    The direct path puts a `DirectRequest` where uvicorn has its `RequestResponseCycle`, and calls
    or overrides what is named here.
    """
    protocol = httptools_impl.HttpToolsProtocol
    words = {
        "on_headers_complete": ["self.cycle = RequestResponseCycle(", "existing_cycle is None"],
        "on_body": ["self.cycle.body += body"],
        "on_message_complete": ["self.cycle.more_body = False"],
        "on_response_complete": ["self.pipeline.pop()", "self.flow.resume_reading()"],
        "shutdown": ["self.cycle is None or self.cycle.response_complete"],
        "connection_lost": ["self.cycle.disconnected = True", "self.cycle.message_event.set()"],
        "data_received": ["self.parser.feed_data(data)"],
    }
    for name, parts in words.items():
        source = inspect.getsource(getattr(protocol, name))
        for part in parts:
            assert part in source, f"uvicorn {uvicorn.__version__} has changed {name}: {part}"
    # `on_headers_complete` makes cycles of its own; of the one before it reads what stands above.
    del words["on_headers_complete"]
    used = {"response_complete", "disconnected", "message_event", "keep_alive", "body", "more_body"}
    found = set()
    for name in words:
        source = inspect.getsource(getattr(protocol, name))
        found |= {word.split("cycle.")[1] for word in _words(source) if "self.cycle." in word}
    assert found <= used, f"uvicorn {uvicorn.__version__} uses more of a cycle: {found - used}"


def _words(source: str) -> list[str]:
    for sign in "():=+":
        source = source.replace(sign, " ")
    return [word.replace(".set", "") for word in source.split()]


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workdir = tmp_path_factory.mktemp("direct") / "work"
    make_films(workdir)
    with serving(workdir) as service:
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
        exchange(service, request()[:-5], request()[-5:])
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
    """Thousands of sessions take a while; the end comes while they are scored."""
    make_films(tmp_path / "work")
    sessions = json.dumps({"sessions": [["10", "20", "30"]] * 3000, "k": 40}).encode()
    assert len(sessions) < 65_536
    with serving(tmp_path / "work") as service, contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
            for _ in range(3)
        ]
        for connection in opened:
            connection.sendall(request(sessions))
        service.process.terminate()
        for connection in opened:
            text = b"".join(iter(lambda one=connection: one.recv(65_536), b""))
            assert text.startswith(b"HTTP/1.1 200 OK\r\n")
            assert text.endswith(b"}]")
        assert service.process.wait(60) == 0
