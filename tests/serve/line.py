"""A connection to a service that only collects what it is asked, without a socket."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from sbrcli.config.serving import ServeConfig
from sbrcli.serve.answers import Answer
from sbrcli.serve.deadlines import Deadlines
from sbrcli.serve.direct import DirectPath, DirectRequest
from sbrcli.serve.http_protocol import protocol_of
from sbrcli.serve.service import Service

BODY = b'{"items": ["10"]}'
FOUND = Answer(200, b'{"items": []}')


CHUNKED = (
    b"POST /v1/recommend HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'11\r\n{"items": ["10"]}\r\n0\r\n\r\n'
)


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
        self.left = 0
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
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            more = message.get("more_body", False)
            body += message.get("body", b"")
        self.bodies.append(body)
        headers = [(b"content-length", b"8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ordinary"})

    @property
    def text(self) -> bytes:
        return b"".join(self.transport.written)

    def receive(self, *parts: bytes) -> None:
        """Receive data, part by part, in one turn of the event loop."""
        for part in parts:
            self.protocol.data_received(part)

    async def send(self, data: bytes) -> None:
        """Receive data; tasks then have a few turns of the event loop."""
        self.receive(data)
        for _ in range(10):
            await asyncio.sleep(0)


def on_a_line(test: Callable[[Line], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        line = Line(**options)
        await test(line)
        if line.protocol.parser is not None:
            line.protocol.connection_lost(None)

    asyncio.run(run())
