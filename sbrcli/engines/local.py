"""The default engine: kernels run in this process, or in several on this machine."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import reduce
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.ahead import run_ahead
from sbrcli.errors import EngineError

_Result = TypeVar("_Result")

_AHEAD = 2
"""Parts per process that are submitted before the first result is taken."""


class LocalEngine:
    """Runs kernels in this process.

    Args:
        pool: further processes to run them in; None runs them here, without copies of the parts.
        processes: the number of further processes.
    """

    def __init__(self, pool: ProcessPoolExecutor | None = None, processes: int = 1) -> None:
        self._pool = pool
        self._ahead = _AHEAD * processes

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield the kernel's result of each part; see `Engine.map`.

        Raises:
            EngineError: a process has died.
        """
        if self._pool is None:
            for part in parts:
                yield kernel(part, *shared)
            return
        pool = self._pool
        try:
            yield from run_ahead(
                parts,
                self._ahead,
                lambda part: pool.submit(kernel, part, *shared),
                Future.result,
                _drop,
            )
        except BrokenProcessPool as error:
            raise EngineError(
                "a process that worked on a part of the log has died",
                hint="it may have run out of memory: lower --memory or --processes. A program of "
                'your own needs the line if __name__ == "__main__":',
            ) from error

    def merge(
        self,
        kernel: Callable[..., _Result],
        parts: Sequence[Any],
        *shared: Any,
        combine: Callable[[_Result, _Result], _Result],
    ) -> _Result:
        """Return the combined results; see `Engine.merge`."""
        return reduce(combine, self.map(kernel, parts, *shared))


def _drop(waiting: Iterable[Future[Any]]) -> None:
    """Cancel what waits; what runs must end before the folders that it writes to are deleted."""
    wait_for([future for future in waiting if not future.cancel()])


HERE = LocalEngine()
"""This process alone."""


@contextmanager
def started(
    config: EngineConfig,
    folder: Path | None = None,  # noqa: ARG001
) -> Iterator[tuple[LocalEngine, EngineConfig]]:
    """Yield an engine with the configured processes, which end with the context."""
    processes = config.processes
    if processes == 1:
        yield HERE, config
        return
    _start_quiet_tracker()
    # A forked process would inherit the locks of PyArrow's threads.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawning, initializer=_prepare_process) as pool:
        yield LocalEngine(pool, processes), config


def require_guarded(processes: int) -> None:
    """Check that this is not a process that imports the program of its parent before it works.

    Raises:
        EngineError: it is: the program starts its work when it is imported.
    """
    if processes > 1 and getattr(multiprocessing.current_process(), "_inheriting", False):
        raise EngineError(
            "each of several processes imports the program, which starts its work again",
            hint='start it below a line: if __name__ == "__main__":',
        )


def _start_quiet_tracker() -> None:
    """Start Python's tracker of semaphores such that it says nothing after a `kill -9`."""
    quiet = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(quiet)  # which the tracker is started with
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(quiet)


def _prepare_process() -> None:
    """Leave Ctrl-C to the parent process, and end when it ends, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=end_with_parent, daemon=True).start()
