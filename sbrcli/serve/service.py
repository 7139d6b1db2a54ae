"""The endpoints of the service, as an ASGI application."""

import asyncio
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from sbrcli.config.serving import ServeConfig
from sbrcli.errors import SbrError
from sbrcli.serve.answers import (
    Answer,
    RequestError,
    answer_error,
    answer_json,
    as_request_error,
    read_events,
    read_question,
)
from sbrcli.serve.batching import Batcher, Forget
from sbrcli.serve.deadlines import Deadlines
from sbrcli.serve.fast_path import Exchange, FastPath, header_of, read_body
from sbrcli.serve.metrics import Metrics, write_metrics
from sbrcli.serve.model import ServedModel, describe_run, find_item
from sbrcli.serve.openapi import MAX_FOUND, OPENAPI
from sbrcli.serve.page import PAGE_FILES, read_page_file
from sbrcli.serve.peers import Peers
from sbrcli.serve.session_store import SessionStore

Endpoint = Callable[[Any], Awaitable[Answer]]

RECOMMEND = "/v1/recommend"

BUG = answer_error(RequestError(500, "a bug in sbr; its log has the details"))

_NO_TOKEN = ("health", "page")
"""Endpoints that need no token; the page asks the others with the one that its user gives."""


class Service:
    """Answers requests about one run at a time.

    Args:
        config: the limits.
        token: what requests must carry; None if nothing.
        peers: the workers, of which each keeps the sessions that it owns.
        metrics: counts requests.
    """

    def __init__(
        self, config: ServeConfig, token: str | None, peers: Peers, metrics: Metrics
    ) -> None:
        self.config, self.token, self.peers, self.metrics = config, token, peers, metrics
        self.is_ready = False
        self.deadlines = Deadlines(config.deadline)
        self._model: ServedModel | None = None
        store = SessionStore(config.max_sessions, config.session_minutes * 60)
        self.batcher = Batcher(
            lambda: self.model, store, config.max_waiting, metrics.count_sessions
        )

    @property
    def model(self) -> ServedModel:
        """The run that is served now.

        Raises:
            RequestError: none is loaded yet.
        """
        if self._model is None:
            raise RequestError(503, "the run is being loaded", "ask again in a moment")
        return self._model

    def use(self, model: ServedModel) -> None:
        """Serve another run from now on; requests that are being answered end with the old one."""
        self._model = model
        self.metrics.name_run(model.run.name)

    def application(self) -> Any:
        """Return the ASGI application."""
        routes = [
            self._route(RECOMMEND, "recommend", self._recommend, "POST"),
            self._route("/v1/sessions/{id:path}/events", "events", self._add_events, "POST"),
            self._route("/v1/sessions/{id:path}", "sessions", self._forget, "DELETE"),
            self._route("/v1/items", "items", self._find_items),
            self._route("/v1/items/{id:path}/similar", "similar", self._find_similar),
            self._route("/v1/runs/current", "run", self._describe_run),
            self._route("/health/live", "health", self._is_live),
            self._route("/health/ready", "health", self._is_ready_now),
            self._route("/metrics", "metrics", self._write_metrics),
            self._route("/openapi.json", "openapi", self._openapi),
            *(self._route(path, "page", self._show_page) for path in PAGE_FILES),
        ]
        handlers: Any = {HTTPException: _no_such_endpoint, 500: _answer_bug}
        starlette = Starlette(routes=routes, exception_handlers=handlers)

        async def recommend(request: Exchange) -> Answer:
            return await self._answer_counted(request, "recommend", self._recommend)

        application: Any = FastPath(starlette, RECOMMEND, recommend, BUG)
        if self.config.cors is not None:
            application = CORSMiddleware(
                application,
                allow_origins=[origin.strip() for origin in self.config.cors.split(",")],
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["authorization", "content-type"],
            )
        return application

    def _route(self, path: str, name: str, endpoint: Endpoint, method: str = "GET") -> Route:
        async def handle(request: Request) -> Response:
            answer = await self._answer_counted(request, name, endpoint)
            headers = {"content-type": "application/json"} | dict(answer.headers)
            return Response(answer.body, answer.status, headers)

        return Route(path, handle, methods=[method])

    async def _answer_counted(self, request: Exchange, name: str, endpoint: Endpoint) -> Answer:
        """Answer a request, count it, and log it if that is asked for."""
        begin = time.perf_counter()
        answer = BUG
        try:
            answer = await self._answer(request, name, endpoint)
        finally:  # also of a bug, which `_answer_bug` answers
            self.count(request.scope, name, answer, time.perf_counter() - begin)
        return answer

    def count(self, scope: Scope, name: str, answer: Answer, seconds: float) -> None:
        """Count a request that was answered, and log it if that is asked for."""
        self.metrics.count_request(name, answer.status, seconds)
        if self.config.log_requests:
            _log(scope, answer, seconds)

    async def _answer(self, request: Exchange, name: str, endpoint: Endpoint) -> Answer:
        """Answer a request, or say what is wrong with it."""
        try:
            with self.deadlines.limit():
                if name not in _NO_TOKEN and self.token is not None:
                    self.require_token(request.scope)
                return await endpoint(request)
        except RequestError as error:
            return answer_error(error)
        except TimeoutError:
            return self.late_answer()
        except ClientDisconnect:
            return Answer(499, b"")

    def late_answer(self) -> Answer:
        """Return the answer to a request at its deadline."""
        words = f"no answer within {self.config.deadline:g} seconds"
        return answer_error(RequestError(503, words, "ask again in a moment"))

    def require_token(self, scope: Scope) -> None:
        """Check the token of a request.

        Raises:
            RequestError: it is missing or wrong.
        """
        wanted = f"Bearer {self.token}".encode()
        if not hmac.compare_digest(header_of(scope, b"authorization"), wanted):
            raise RequestError(
                401, "the token is missing or wrong", "send the header Authorization: Bearer TOKEN"
            )

    async def _recommend(self, request: Exchange) -> Answer:
        body = await read_body(request, self.config.max_body)
        return await self.batcher.ask(read_question(body))

    async def _add_events(self, request: Request) -> Answer:
        body = await read_body(request, self.config.max_body)
        session_id = _id_of(request)
        events = read_events(session_id, body)
        if not self.peers.is_own(session_id):
            return await self.peers.ask(session_id, "events", body)
        return await self.batcher.ask(events)

    async def answer_peer(self, session_id: str, what: str, body: bytes) -> Answer:
        """Answer for another worker about a session that this one owns."""
        try:
            if what == "forget":
                return await self.batcher.ask(Forget(session_id))
            return await self.batcher.ask(read_events(session_id, body))
        except RequestError as error:
            return answer_error(error)

    async def _forget(self, request: Request) -> Answer:
        session_id = _id_of(request)
        if not self.peers.is_own(session_id):
            return await self.peers.ask(session_id, "forget", b"")
        return await self.batcher.ask(Forget(session_id))

    async def _find_items(self, request: Request) -> Answer:
        most = _read_number(request, "limit", 20, MAX_FOUND)
        words = request.query_params.get("q", "")
        found = await asyncio.to_thread(self.model.find, words, most)
        return answer_json({"items": found})

    async def _find_similar(self, request: Request) -> Answer:
        model = self.model
        k = _read_number(request, "k", 10, MAX_FOUND)
        place = find_item(model, unquote(str(request.path_params["id"])))
        try:
            return answer_json(await asyncio.to_thread(model.similar, place, k))
        except SbrError as error:
            raise as_request_error(error) from error

    async def _describe_run(self, _request: Request) -> Answer:
        return answer_json(describe_run(self.model))

    async def _is_live(self, _request: Request) -> Answer:
        return answer_json({"status": "live"})

    async def _is_ready_now(self, _request: Request) -> Answer:
        if not self.is_ready:
            raise RequestError(503, "not ready")
        return answer_json({"status": "ready"})

    async def _write_metrics(self, _request: Request) -> Answer:
        body, content_type = await asyncio.to_thread(write_metrics)
        return Answer(200, body, {"content-type": content_type})

    async def _openapi(self, _request: Request) -> Answer:
        return answer_json(OPENAPI)

    async def _show_page(self, request: Request) -> Answer:
        return read_page_file(request.url.path)


async def _answer_bug(_request: Request, _error: Exception) -> Response:
    """Answer that there was an internal error; the bug goes to the log."""
    return Response(BUG.body, BUG.status, {"content-type": "application/json"})


def _id_of(request: Request) -> str:
    """Return the session id of a path."""
    session_id = unquote(str(request.path_params["id"]))
    if not session_id or len(session_id) > 200:
        raise RequestError(400, "a session id has 1 to 200 characters")
    return session_id


def _read_number(request: Request, name: str, default: int, most: int) -> int:
    """Return a whole number of the query, from 1 to `most`."""
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= most:
        raise RequestError(
            400, f"{name} must be a whole number from 1 to {most}. Received: {text[:60]}"
        )
    return int(text)


async def _no_such_endpoint(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    words = {404: "no such endpoint", 405: "no such method of this endpoint"}.get(status, "refused")
    message = f"{words}: {request.method} {request.url.path}"
    answer = answer_error(RequestError(status, message, "GET /openapi.json lists the endpoints"))
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    return Response(answer.body, status, {"content-type": "application/json"} | dict(headers))


def _log(scope: Scope, answer: Answer, seconds: float) -> None:
    """Write a request as one line of JSON to stderr."""
    line = {
        "time": time.time(),
        "method": scope["method"],
        "path": scope["path"],
        "status": answer.status,
        "seconds": round(seconds, 6),
        "bytes": len(answer.body),
        "client": scope["client"][0] if scope.get("client") else None,
    }
    sys.stderr.write(json.dumps(line) + "\n")
