"""The protocol of each connection: uvicorn's, with limits, and a direct path for whole requests."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sbrcli.serve.answers import Answer
from sbrcli.serve.direct import DirectPath, DirectRequest, write_response

_MAX_HEADER_BYTES = 1 << 16

_HOLD_SECONDS = 0.02
"""How long a request whose body is still to come may be answered directly.

Many clients send the body right after the headers, but not together with them.
"""


class Connection(HttpToolsProtocol):
    """A connection that answers whole requests of one path itself, and others by uvicorn.

    It is closed if no request comes before the deadline, or if its headers do not end.
    """

    direct: DirectPath
    """Answers the whole requests; of a subclass."""

    _is_in_headers, _bytes = True, 0
    _held: bytes | None = None
    """The body so far of a request that is answered directly if it is whole."""

    _release: asyncio.TimerHandle | None = None
    """Ends the time in which the rest of that body must come."""

    _whole: tuple[DirectRequest, bytes] | None = None
    """Such a request and its body, found in the data that are being read."""

    def connection_made(self, transport: Any) -> None:  # pyright: ignore
        """Begin the time in which the first request must come."""
        super().connection_made(transport)
        seconds = self.direct.service.config.deadline
        self._first = self.loop.call_later(seconds, self._close_if_silent)

    def data_received(self, data: bytes) -> None:
        """Read data, and answer the request that they complete."""
        self._bytes += len(data)
        super().data_received(data)
        if self._whole is not None:
            (request, body), self._whole = self._whole, None
            self.direct.answer(request, body, self.loop)
        if self._held is not None and self._release is None:
            self._release = self.loop.call_later(_HOLD_SECONDS, self._use_application)
        if self._is_in_headers and self._bytes > _MAX_HEADER_BYTES:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Hold a request that may be answered directly; begin to answer any other."""
        self._is_in_headers = False
        if self.url == self.direct.url and self._may_be_direct():
            self._held = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Receive the end of a request."""
        self._is_in_headers, self._bytes = True, 0
        body = self._take_held()
        if body is None:
            super().on_message_complete()
            return
        scope: Any = self.scope
        scope["method"], scope["path"] = "POST", self.url.decode()
        parser: Any = self.parser
        request: Any = DirectRequest(self.direct, self, scope, parser.should_keep_alive())
        self.cycle = request
        self._whole = request, body

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for a request, and mark those in work: their client has left."""
        self._first.cancel()
        self._use_application()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection, after the answer to its request if there is one."""
        self._use_application()
        super().shutdown()

    def send_answer(self, request: DirectRequest, answer: Answer) -> None:
        """Write the answer to a request, unless the client has left."""
        if request.disconnected or self.transport.is_closing():
            return
        defaults = self.server_state.default_headers
        self.transport.write(write_response(answer, defaults, request.keep_alive))
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _take_held(self) -> bytes | None:
        """Return the body so far of a request that is held; None if there is no such one."""
        body, self._held = self._held, None
        if self._release is not None:
            self._release.cancel()
            self._release = None
        return body

    def _use_application(self) -> None:
        """Pass a request that is held on to the application, with the body so far."""
        body = self._take_held()
        if body is not None:
            super().on_headers_complete()
            if body:
                super().on_body(body)

    def _may_be_direct(self) -> bool:
        """Return whether a request of the path may be answered directly, by its headers.

        One whose client has not read earlier answers yet, or has not got them, must wait.
        """
        is_free = self.cycle is None or self.cycle.response_complete
        parser: Any = self.parser
        return (
            is_free
            and not self.flow.write_paused
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and self.direct.accepts(self.headers)
        )

    def _close_if_silent(self) -> None:
        is_silent = self.cycle is None and self._held is None
        if is_silent and not self.transport.is_closing():
            self.transport.close()


def protocol_of(direct: DirectPath) -> type[Connection]:
    """Return the protocol of the connections of a service.

    Args:
        direct: answers the whole requests.
    """
    return type("ServiceConnection", (Connection,), {"direct": direct})
