"""The workers of one service: each keeps the stored sessions that it owns, and asks for others."""

import asyncio
import contextlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

from sbrcli.serve.answers import Answer, RequestError

_MAX_BYTES = 1 << 26
"""A longer line between workers is an error."""

AnswerPeer = Callable[[str, str, bytes], Awaitable[Answer]]


class Peers:
    """Who owns which session; a worker listens on a socket of its own in a folder that all share.

    Args:
        folder: the folder of the sockets.
        own: this worker's number.
        count: the number of workers.
    """

    def __init__(self, folder: Path, own: int = 0, count: int = 1) -> None:
        self._folder, self._own, self._count = folder, own, count
        self._server: asyncio.Server | None = None

    @property
    def is_first(self) -> bool:
        """Whether this worker speaks for all of them."""
        return self._own == 0

    def is_own(self, session_id: str) -> bool:
        """Return whether this worker keeps a session."""
        return self._owner(session_id) == self._own

    async def ask(self, session_id: str, what: str, body: bytes) -> Answer:
        """Ask the worker that owns a session.

        Args:
            session_id: the session.
            what: "events" or "forget".
            body: the request's body.

        Raises:
            RequestError: it does not answer.
        """
        # The body may be in any encoding of JSON.
        question = {"session": session_id, "what": what, "body": b64encode(body).decode()}
        writer = None
        try:
            reader, writer = await asyncio.open_unix_connection(
                self._path(self._owner(session_id)), limit=_MAX_BYTES
            )
            writer.write(json.dumps(question).encode() + b"\n")
            answer = json.loads(await reader.readline())
            return Answer(answer["status"], answer["body"].encode(), answer["headers"])
        except (OSError, ValueError) as error:
            raise RequestError(
                503, "the worker that keeps this session is restarting", "ask again in a moment"
            ) from error
        finally:
            if writer is not None:
                writer.close()

    async def listen(self, answer: AnswerPeer) -> None:
        """Begin to answer the other workers."""
        if self._count == 1:
            return

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, ValueError):
                asked = json.loads(await reader.readline())
                found = await answer(asked["session"], asked["what"], b64decode(asked["body"]))
                document = {
                    "status": found.status,
                    "body": found.body.decode(),
                    "headers": dict(found.headers),
                }
                writer.write(json.dumps(document).encode() + b"\n")
                await writer.drain()
            writer.close()

        path = Path(self._path(self._own))
        path.unlink(missing_ok=True)  # of a worker that was killed
        self._server = await asyncio.start_unix_server(handle, str(path), limit=_MAX_BYTES)

    def close(self) -> None:
        """Stop answering the other workers."""
        if self._server is not None:
            self._server.close()

    def _owner(self, session_id: str) -> int:
        return zlib.crc32(session_id.encode("utf-8", "surrogatepass")) % self._count

    def _path(self, worker: int) -> str:
        return str(self._folder / f"worker-{worker}")
