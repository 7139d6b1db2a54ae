"""Whole requests are answered without ASGI, and all others by the application."""

import asyncio
import inspect
import logging
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http import httptools_impl

from sbrcli.serve import http_protocol
from sbrcli.serve.answers import RequestError
from tests.serve.line import BODY, CHUNKED, FOUND, Line, on_a_line, request


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
    ("sent", "options"),
    [
        (request().replace(b"1.1", b"1.0"), {}),
        (request(line=b"POST /v1/recommend?k=5"), {}),
        (request(line=b"PUT /v1/recommend"), {}),
        (request(line=b"POST /v1/sessions/a/events"), {}),
        (request(BODY, b"Expect: 100-continue"), {}),
        (request(BODY, b"Connection: upgrade", b"Upgrade: h2c"), {}),
        (request(BODY, b"Origin: https://shop.example"), {"cors": "*"}),
        (request(BODY, b"X-Forwarded-For: 1.2.3.4"), {"log_requests": True}),
        (request(BODY + b" " * 70_000), {}),
        (request(BODY + b" " * 100), {"max_body": 100}),
        (CHUNKED, {}),
    ],
)
def test_anything_else_goes_to_the_application_as_it_is(sent: bytes, options: Any):
    async def ask(line: Line) -> None:
        await line.send(sent)
        assert line.bodies[0].strip() == (b"" if b"h2c" in sent else BODY)
        assert line.text.endswith(b"ordinary")
        assert not line.asked

    on_a_line(ask, **options)


PARTS = [
    [request()[:-5], request()[-5:]],
    [request()[: -len(BODY)], BODY],
    [request()[:50], request()[50:60], request()[60:]],
    [bytes([one]) for one in request()],
]


@pytest.mark.parametrize("parts", PARTS)
def test_a_body_may_come_soon_after_the_headers(parts: list[bytes]):
    async def ask(line: Line) -> None:
        line.receive(*parts)
        [(question, reply)] = line.asked
        assert question.sessions == [["10"]]
        assert not line.state.tasks
        reply.set_result(FOUND)
        line.receive(*parts)
        assert len(line.asked) == 2

    on_a_line(ask)


@pytest.mark.parametrize("parts", [*PARTS[:3], [*PARTS[3][:-3], request()[-3:]]])
def test_a_body_that_comes_late_goes_to_the_application(
    parts: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http_protocol, "_HOLD_SECONDS", 0.01)

    async def ask(line: Line) -> None:
        for _ in range(2):
            line.receive(*parts[:-1])
            assert not line.state.tasks
            await asyncio.sleep(0.05)
            assert len(line.state.tasks) == 1
            await line.send(parts[-1])
        assert line.bodies == [BODY, BODY]
        assert line.text.count(b"ordinary") == 2
        assert not line.asked

    on_a_line(ask)


def test_a_client_that_leaves_before_the_body_is_the_applications():
    async def ask(line: Line) -> None:
        await line.send(request()[:-5])
        line.transport.close()
        line.protocol.connection_lost(None)
        for _ in range(5):
            await asyncio.sleep(0)
        assert line.left == 1

    on_a_line(ask)


def test_a_service_that_ends_waits_for_the_rest_of_a_body():
    async def ask(line: Line) -> None:
        line.receive(request()[:-5])
        line.protocol.shutdown()
        assert not line.transport.is_closed
        await line.send(request()[-5:])
        assert line.bodies == [BODY]
        assert line.text.endswith(b"connection: close\r\n\r\nordinary")
        assert line.transport.is_closed

    on_a_line(ask)


def test_a_connection_that_waits_for_its_first_body_is_not_silent():
    async def ask(line: Line) -> None:
        line.receive(request()[:-5])
        line.protocol._close_if_silent()
        assert not line.transport.is_closed
        line.receive(request()[-5:])
        assert len(line.asked) == 1

    on_a_line(ask)


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
        await asyncio.sleep(0.05)
        line.protocol.data_received(request()[-5:] + request())
        assert not line.asked
        for _ in range(10):
            await asyncio.sleep(0)
        assert line.bodies == [BODY, BODY]

    on_a_line(ask)


def test_a_connection_is_closed_after_the_answer_if_it_must_be():
    async def ask(line: Line) -> None:
        line.receive(request(BODY, b"Connection: close")[:-5], BODY[-5:])
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
            line.receive(request())
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
    assert record.message == "Exception in a request\n"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_the_token_is_asked_for():
    async def ask(line: Line) -> None:
        line.receive(request(), request(BODY, b"Authorization: Bearer other"))
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
