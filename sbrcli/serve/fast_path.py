"""The way of the most frequent request through ASGI, beside Starlette's routes.

A route of Starlette makes objects for the request, its headers and the response, which costs a
third as much as all that a small model has to do.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sbrcli.serve.answers import Answer, RequestError


class Exchange(Protocol):
    """A request of ASGI; those of Starlette are such ones too."""

    @property
    def scope(self) -> Any:
        """What is known of the request before its body."""
        ...

    @property
    def receive(self) -> Callable[[], Awaitable[Message]]:
        """Return the next part of the body."""
        ...


@dataclass(slots=True)
class _Plain:
    scope: Scope
    receive: Receive


class FastPath:
    """Answers POST requests of one path; any other goes on to the application.

    Args:
        app: the application.
        path: the path.
        answer: answers its requests.
        bug: answered if that raises an error, which then goes on to the server's log.
    """

    def __init__(
        self,
        app: ASGIApp,
        path: str,
        answer: Callable[[Exchange], Awaitable[Answer]],
        bug: Answer,
    ) -> None:
        self._app, self._path, self._answer, self._bug = app, path, answer, bug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        is_own = scope["type"] == "http" and scope["path"] == self._path
        if not is_own or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(_Plain(scope, receive))
        except Exception:  # a bug: the client gets an answer, the log a traceback
            await _send(self._bug, send)
            raise
        await _send(answer, send)


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    if answer.headers:
        headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def header_of(scope: Scope, name: bytes) -> bytes:
    """Return a header of a request, the first one of this name in lower case; empty if none."""
    return next((value for own, value in scope["headers"] if own == name), b"")


async def read_body(request: Exchange, most: int) -> bytes:
    """Read the body of a request.

    Args:
        request: the request.
        most: how many bytes it may have.

    Raises:
        RequestError: it has more.
        ClientDisconnect: the client has left.
    """
    stated = header_of(request.scope, b"content-length")
    body, size, is_complete = b"", int(stated) if stated.isdigit() else 0, False
    while size <= most and not is_complete:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        is_complete = not message.get("more_body", False)
        body += message.get("body", b"")
        size = len(body)
    if size > most:
        raise RequestError(
            413, f"the body is larger than {most:,} bytes", "send fewer sessions in one request"
        )
    return body
