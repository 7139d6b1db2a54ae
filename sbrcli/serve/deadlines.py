"""How long requests may take, with one timer for all of them.

A timer for each request, as `asyncio.timeout` has it, takes a tenth of the time of a small answer.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Protocol

_EARLY_SECONDS = 0.001
"""How much too early a timer of uvloop may come."""


class Limited(Protocol):
    """What has a deadline."""

    deadline: float
    """By the event loop's clock; set when it is added."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, so that nothing is to be done at its deadline."""
        ...

    def end(self) -> None:
        """End it at its deadline, unless it has ended."""
        ...


class Deadlines:
    """Ends requests that take longer than some seconds.

    Args:
        seconds: how long each may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limited: deque[Limited] = deque()  # by deadline, as all may take as long
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> "_LimitedTask":
        """Return a context for a part of the current task; TimeoutError ends it at its deadline."""
        one = _LimitedTask(asyncio.current_task())
        self.add(one, asyncio.get_running_loop())
        return one

    def add(self, one: Limited, loop: asyncio.AbstractEventLoop) -> None:
        """End what begins now at its deadline.

        Args:
            one: what begins.
            loop: the event loop that runs.
        """
        limited = self._limited
        while limited and limited[0].is_over:
            limited.popleft()
        one.deadline = loop.time() + self._seconds
        limited.append(one)
        if self._timer is None:
            self._wait(loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at(self._limited[0].deadline, self._end, loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what has reached its deadline, and wait for the next one."""
        self._timer = None
        now = loop.time() + _EARLY_SECONDS
        while self._limited and (self._limited[0].is_over or self._limited[0].deadline <= now):
            self._limited.popleft().end()
        if self._limited:
            self._wait(loop)


class _LimitedTask:
    """A part of a task that has a deadline; the task is None when the part has ended."""

    __slots__ = ("_is_late", "deadline", "task")

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        self.task, self.deadline, self._is_late = task, 0.0, False

    @property
    def is_over(self) -> bool:
        """Whether the part has ended."""
        return self.task is None

    def end(self) -> None:
        """Cancel the task, unless the part has ended."""
        if self.task is not None:
            self._is_late = True
            self.task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        task, self.task = self.task, None
        if task is None or not self._is_late:
            return
        # A cancellation that comes from elsewhere, too, goes on.
        is_only_late = task.uncancel() == 0
        if is_only_late and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
