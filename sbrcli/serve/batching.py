"""Answer requests that arrive together in one pass of the model, on a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sbrcli.serve.answers import Answer, Question, RequestError, answer_error, answer_json
from sbrcli.serve.model import Events, ServedModel
from sbrcli.serve.session_store import SessionStore

MAX_TOGETHER = 64
"""Requests answered in one pass."""


@dataclass(slots=True)
class _Waiting:
    work: Question | Events
    answer: "asyncio.Future[Answer]"


class Batcher:
    """Collects requests while the model is busy, and answers them together when it is free.

    A request that finds the model free is scored at once, with all that arrived in the same turn
    of the event loop, so that none waits for company.

    Args:
        model: returns the model of the moment.
        store: the sessions that grow by requests; used on the model's thread alone.
        most_waiting: how many requests may wait.
        count: called with the documents of a pass that are no errors.
    """

    def __init__(
        self,
        model: Callable[[], ServedModel],
        store: SessionStore,
        most_waiting: int,
        count: Callable[[list[dict[str, Any]]], None],
    ) -> None:
        self._model, self._store, self._most_waiting = model, store, most_waiting
        self._count = count
        self._waiting: list[_Waiting] = []
        self._is_busy = False
        self._thread = ThreadPoolExecutor(1, "model")

    async def ask(self, work: Question | Events) -> Answer:
        """Answer a request.

        Raises:
            RequestError: too many wait already.
        """
        if len(self._waiting) >= self._most_waiting:
            raise RequestError(429, "too many requests are waiting", "ask again in a moment")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(_Waiting(work, answer))
        if not self._is_busy and len(self._waiting) == 1:
            loop.call_soon(self._begin)
        return await answer

    async def forget(self, session_id: str) -> bool:
        """Forget a stored session, and return whether there was one."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._store.remove, session_id)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        """Hand the waiting requests to the model."""
        # Those that are done have passed their deadline, or their client has left.
        waiting = [one for one in self._waiting if not one.answer.done()]
        together, self._waiting = waiting[:MAX_TOGETHER], waiting[MAX_TOGETHER:]
        if self._is_busy or not together:
            return
        self._is_busy = True
        loop = asyncio.get_running_loop()
        work = [one.work for one in together]
        running = loop.run_in_executor(self._thread, self._answer, work)
        running.add_done_callback(lambda done: self._end(together, done))

    def _end(self, together: Sequence[_Waiting], done: "asyncio.Future[list[Answer]]") -> None:
        """Set the answers of the requests, and begin with those that came meanwhile."""
        self._is_busy = False
        error = None if done.cancelled() else done.exception()
        for place, one in enumerate(together):
            if one.answer.done():
                continue
            if done.cancelled() or error is not None:
                one.answer.set_exception(error or RequestError(503, "not ready"))
            else:
                one.answer.set_result(done.result()[place])
        self._begin()

    def _answer(self, works: Sequence[Question | Events]) -> list[Answer]:
        """Answer requests, on the model's thread."""
        model = self._model()
        questions = [work for work in works if isinstance(work, Question)]
        answered = iter(model.answer_questions(questions))
        answers: list[Answer] = []
        for work in works:
            if isinstance(work, Question):
                document = next(answered)
            else:
                document = model.add_events(self._store.take(work.session_id), work)
            if isinstance(document, RequestError):
                answers.append(answer_error(document))
                continue
            self._count(document if isinstance(document, list) else [document])
            answers.append(answer_json(document))
        return answers
