"""Requests for recommendations that arrive whole, answered without ASGI.

A task of asyncio, the messages of ASGI and what stands between them take as long as all that a
small model has to do. None of them is needed for a request that arrived whole: it waits for the
next pass itself, and its answer is written when the pass ends. Whatever else may come, such as a
body in parts, goes through the application; the answers are the same.
"""

import asyncio
import logging
import time
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from starlette.types import Scope

from sbrcli.serve.answers import Answer, RequestError, answer_error, read_question
from sbrcli.serve.service import BUG, RECOMMEND, Service

_MAX_BODY = 1 << 16
"""Bytes of a larger body do not arrive at once."""

_LOG = logging.getLogger("uvicorn.error")
"""Where the server reports errors of the application."""


class Connection(Protocol):
    """Where a request came from."""

    def send_answer(self, request: "DirectRequest", answer: Answer) -> None:
        """Write the answer to a request, unless the client has left."""
        ...


class _Unheard:
    """An event for which no task waits."""

    def set(self) -> None:
        """Do nothing."""


class DirectRequest:
    """A request that arrived whole. It receives its answer, and has a deadline.

    It stands where the protocol of uvicorn has its cycle of request and response, which is read as
    `response_complete`, and changed as `disconnected`, `keep_alive` and `message_event`.

    Args:
        path: answers it.
        connection: where it came from.
        scope: what ASGI knows of a request before its body.
        keep_alive: whether the connection stays open.
    """

    __slots__ = (
        "_begin",
        "_connection",
        "_path",
        "deadline",
        "disconnected",
        "keep_alive",
        "response_complete",
        "scope",
    )

    message_event = _Unheard()

    def __init__(
        self, path: "DirectPath", connection: Connection, scope: Scope, keep_alive: bool
    ) -> None:
        self._path, self.scope, self.keep_alive = path, scope, keep_alive
        self._connection: Connection | None = connection
        self.response_complete = self.disconnected = False
        self.deadline, self._begin = 0.0, time.perf_counter()

    @property
    def is_over(self) -> bool:
        """Whether it is answered."""
        return self.response_complete

    def done(self) -> bool:
        """Return whether it is answered."""
        return self.response_complete

    def end(self) -> None:
        """Answer that there was no answer in time."""
        if not self.response_complete:
            self.set_result(self._path.service.late_answer())

    def set_exception(self, exception: BaseException) -> None:
        """Answer with an error; a bug goes to the server's log."""
        if isinstance(exception, RequestError):
            self.set_result(answer_error(exception))
        else:
            _LOG.error("Exception in a request\n", exc_info=exception)
            self.set_result(BUG)

    def set_result(self, answer: Answer) -> None:
        """Count the request, and send its answer."""
        connection, self._connection = self._connection, None
        self.response_complete = True
        seconds = time.perf_counter() - self._begin
        self._path.service.count(self.scope, "recommend", answer, seconds)
        if connection is not None:
            connection.send_answer(self, answer)


class DirectPath:
    """Answers requests for recommendations that arrive whole.

    Args:
        service: answers them.
    """

    url = RECOMMEND.encode()

    def __init__(self, service: Service) -> None:
        self.service, config = service, service.config
        self._most = min(config.max_body, _MAX_BODY)
        # These ask for what only the application or the server's own way does.
        refused = {b"transfer-encoding", b"expect", b"upgrade"}
        if config.cors is not None:
            refused.add(b"origin")
        if config.log_requests:
            refused.add(b"x-forwarded-for")  # by which the server finds the client
        self._refused = frozenset(refused)

    def accepts(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Return whether a request with such headers, in lower case, may be answered here."""
        size = -1
        for name, value in headers:
            if name in self._refused:
                return False
            if name == b"content-length":
                size = int(value)
        return 0 <= size <= self._most

    def answer(self, request: DirectRequest, body: bytes, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a request for the next pass, or answer what is wrong with it."""
        service = self.service
        try:
            service.deadlines.add(request, loop)
            if service.token is not None:
                service.require_token(request.scope)
            service.batcher.add(read_question(body), request)
        except Exception as error:  # whatever it is, the client gets an answer
            request.set_exception(error)


def write_response(answer: Answer, defaults: Any, keep_alive: bool) -> bytes:
    """Return the response of HTTP.

    Args:
        answer: a JSON document.
        defaults: the headers of each response.
        keep_alive: whether the connection stays open.
    """
    parts = [_status_line(answer.status)]
    for name, value in defaults:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"content-type: application/json\r\ncontent-length: %d\r\n" % len(answer.body))
    for name, value in answer.headers.items():
        parts.append(f"{name}: {value}\r\n".encode())
    parts += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", answer.body)
    return b"".join(parts)


@lru_cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
