"""The protocol of each connection: uvicorn's, with limits, and a direct path for whole requests."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sbrcli.serve.answers import Answer
from sbrcli.serve.direct import DirectPath, DirectRequest, write_response

_MAX_HEADER_BYTES = 1 << 16


def protocol_of(direct: DirectPath) -> type[HttpToolsProtocol]:
    """Return a protocol that answers whole requests of one path itself, and others by uvicorn.

    It closes connections on which no request comes before the deadline, and those with endless
    headers.

    Args:
        direct: the path.
    """
    seconds = direct.service.config.deadline

    class Protocol(HttpToolsProtocol):
        _is_in_headers, _bytes = True, 0
        _held: bytes | None = None
        """The body so far of a request that is answered directly if it is whole."""

        _whole: tuple[DirectRequest, bytes] | None = None
        """Such a request and its body, found in the data that are being read."""

        def connection_made(self, transport: Any) -> None:  # pyright: ignore
            super().connection_made(transport)
            self._first = self.loop.call_later(seconds, self._close_if_silent)

        def data_received(self, data: bytes) -> None:
            self._bytes += len(data)
            super().data_received(data)
            if self._whole is not None:
                (request, body), self._whole = self._whole, None
                direct.answer(request, body, self.loop)
            if self._held is not None:  # the rest comes later
                body, self._held = self._held, None
                super().on_headers_complete()
                if body:
                    super().on_body(body)
            if self._is_in_headers and self._bytes > _MAX_HEADER_BYTES:
                self.transport.close()

        def on_headers_complete(self) -> None:
            self._is_in_headers = False
            if self.url == direct.url and self._may_be_direct():
                self._held = b""
            else:
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self._held is None:
                super().on_body(body)
            else:
                self._held += body

        def on_message_complete(self) -> None:
            self._is_in_headers, self._bytes = True, 0
            body, self._held = self._held, None
            if body is None:
                super().on_message_complete()
                return
            scope: Any = self.scope
            scope["method"], scope["path"] = "POST", self.url.decode()
            parser: Any = self.parser
            request: Any = DirectRequest(direct, self, scope, parser.should_keep_alive())
            self.cycle = request
            self._whole = request, body

        def connection_lost(self, exc: Exception | None) -> None:
            self._first.cancel()
            super().connection_lost(exc)

        def send_answer(self, request: DirectRequest, answer: Answer) -> None:
            """Write the answer to a request, unless the client has left."""
            if request.disconnected or self.transport.is_closing():
                return
            defaults = self.server_state.default_headers
            self.transport.write(write_response(answer, defaults, request.keep_alive))
            if not request.keep_alive:
                self.transport.close()
            self.on_response_complete()

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
                and direct.accepts(self.headers)
            )

        def _close_if_silent(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Protocol
