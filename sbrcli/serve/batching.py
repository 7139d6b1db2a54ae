"""Answer requests that arrive together in one pass of the model."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sbrcli.serve.answer_texts import Tally, Written
from sbrcli.serve.answers import Answer, Events, Question, RequestError, answer_error
from sbrcli.serve.model import ServedModel
from sbrcli.serve.session_store import SessionStore

MAX_TOGETHER = 64
"""Requests answered in one pass."""

QUICK_REQUEST = 2**24
"""Multiplications, some 2 ms of one core, of a request that is answered on the event loop."""

QUICK_PASS = 2**26
"""Multiplications of all requests that are answered in one pass on the event loop.

A pass on a thread of its own competes with the event loop for Python's lock: at 3,416 items x 100
units each request then takes half as long again. A longer pass is worth its thread, as the service
goes on to read requests and to answer those about its health meanwhile.
"""


COLLECT_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Forget:
    """A stored session that is to be forgotten."""

    session_id: str


Work = Question | Events | Forget


class Reply(Protocol):
    """What receives the answer to a request; a future of asyncio is one."""

    def done(self) -> bool:
        """Return whether nothing is waited for any more: the time is up, or the client has left."""
        ...

    def set_result(self, result: Answer, /) -> None:
        """Receive the answer."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Receive the error with which the request ended."""
        ...


class _Waiting(NamedTuple):
    work: Work
    answer: Reply


class Batcher:
    """Collects requests while the model is busy, and answers them together when it is free.

    A request that finds the model free is scored with all that arrive in the same turn of the
    event loop, and in the next ones as long as each brings some: at once, if none comes.

    Args:
        model: returns the model of the moment.
        store: the sessions that grow by requests; used by one pass at a time.
        most_waiting: how many requests may wait.
        count: called with the tally of each pass.
    """

    def __init__(
        self,
        model: Callable[[], ServedModel],
        store: SessionStore,
        most_waiting: int,
        count: Callable[[Tally], None],
    ) -> None:
        self._model, self._store, self._most_waiting = model, store, most_waiting
        self._count = count
        self._waiting: list[_Waiting] = []
        self._together: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "model")

    async def ask(self, work: Work) -> Answer:
        """Answer a request.

        Raises:
            RequestError: no run is loaded yet, or too many wait already.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.add(work, answer)
        return await answer

    def add(self, work: Work, reply: Reply) -> None:
        """Queue a request for the next pass, which gives the reply its answer.

        Raises:
            RequestError: no run is loaded yet, or too many wait already.
        """
        self._model()
        if len(self._waiting) >= self._most_waiting:
            raise RequestError(429, "too many requests are waiting", "ask again in a moment")
        self._waiting.append(_Waiting(work, reply))
        if self._running is None:
            self._begin()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._running.add_done_callback(self._end)

    async def _run(self) -> None:
        """Answer requests until none waits."""
        while self._waiting:
            await self._collect()
            model = self._model()
            is_quick = self._take(model)
            works = [one.work for one in self._together]
            if is_quick:
                answers = self._answer(model, works)
            else:
                loop = asyncio.get_running_loop()
                answers = await loop.run_in_executor(self._thread, self._answer, model, works)
            for one, answer in zip(self._together, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)
            await asyncio.sleep(0)  # the answers leave, and requests arrive

    async def _collect(self) -> None:
        """Wait while each turn of the event loop brings further requests, for 2 ms at most.

        A request of a pass of sixteen takes half the time of one of a pass of four.
        """
        deadline, count = time.perf_counter() + COLLECT_SECONDS, 0
        while count < len(self._waiting) < MAX_TOGETHER and time.perf_counter() < deadline:
            count = len(self._waiting)
            await asyncio.sleep(0)

    def _end(self, run: "asyncio.Task[None]") -> None:
        """Begin again after a bug, with which the requests of the last pass are answered."""
        self._running = None
        error = None if run.cancelled() else run.exception()
        for one in self._together:
            if not one.answer.done():
                one.answer.set_exception(error or RequestError(503, "not ready"))
        if self._waiting and not run.cancelled():
            self._begin()

    def _take(self, model: ServedModel) -> bool:
        """Take the requests of the next pass, and return whether it is quick."""
        # Those that are done have passed their deadline, or their client has left.
        waiting = [one for one in self._waiting if not one.answer.done()]
        count, together = 0, 0.0
        for one in waiting[:MAX_TOGETHER]:
            work = 0 if isinstance(one.work, Forget) else model.work(one.work)
            together += work
            if work > QUICK_REQUEST or (together > QUICK_PASS and count):
                break
            count += 1
        is_quick = count > 0 or not waiting
        count = count or MAX_TOGETHER
        self._together, self._waiting = waiting[:count], waiting[count:]
        return is_quick

    def _answer(self, model: ServedModel, works: Sequence[Work]) -> list[Answer]:
        """Answer requests, with one model."""
        questions = [work for work in works if isinstance(work, Question)]
        others = [work for work in works if not isinstance(work, Question)]
        answered = iter(model.answer_questions(questions))
        changed = iter(self._change_sessions(model, others))
        answers: list[Answer] = []
        tally = Tally()
        for work in works:
            found = next(answered if isinstance(work, Question) else changed)
            if isinstance(found, RequestError):
                found = answer_error(found)
            elif isinstance(found, Written):
                tally.add(found.tally)
                found = found.to_answer()
            answers.append(found)
        self._count(tally)
        return answers

    def _change_sessions(
        self, model: ServedModel, works: Sequence[Events | Forget]
    ) -> list[Written | RequestError | Answer]:
        """Add events to stored sessions and forget some; different sessions grow together."""
        found: list[Written | RequestError | Answer] = []
        together: dict[str, Events] = {}

        def grow() -> None:
            pairs = [(self._store.take(name), events) for name, events in together.items()]
            found.extend(model.add_events(pairs) if pairs else ())
            together.clear()

        for work in works:
            if isinstance(work, Forget) or work.session_id in together:
                grow()
            if isinstance(work, Forget):
                found.append(self._forget(work.session_id))
            else:
                together[work.session_id] = work
        grow()
        return found

    def _forget(self, session_id: str) -> Answer:
        if self._store.remove(session_id):
            return Answer(204, b"")
        return answer_error(RequestError(404, f"no such session: {session_id}"))
