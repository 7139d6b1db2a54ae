"""Run kernels as the jobs of a Spark cluster; what needs Java is behind `Jobs`."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import reduce
from itertools import chain
from threading import Event
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from sbrcli.engines.ahead import run_ahead
from sbrcli.engines.cluster import Cluster, Patience
from sbrcli.engines.spark_errors import find_loss, find_misfit
from sbrcli.engines.spark_task import Failed
from sbrcli.engines.task import HeldValues, Refused, Task
from sbrcli.errors import EngineError, SbrError

_Result = TypeVar("_Result")

_AHEAD = 3
"""Parts per core of the executors that are submitted before the first result is taken."""
_JOBS_PER_ROUND = 4
"""In how many jobs as many parts are submitted as there are cores: each job costs the driver some
milliseconds, and is over when the last of its parts is."""
_RETRIES = 2
"""Repetitions after an error of the system, such as a shared disk that lags behind; those after
the death of an executor are not counted here."""
_CHECK_SECONDS = 2
"""How often a driver that waits looks for executors."""
_LONELY_SECONDS = 30
"""How long it waits without any executor, or for parts that were cancelled."""


class Jobs(Protocol):
    """A Spark cluster."""

    def share(self, values: HeldValues) -> Any:
        """Send values to all executors, once to each; return what stands for them."""
        ...

    def forget(self, shared: Any) -> None:
        """Delete what `share` has sent."""
        ...

    def run(
        self, tasks: Sequence[Callable[[HeldValues], Any]], shared: Any, group: str
    ) -> list[Any]:
        """Return the results of tasks, in order; called in a thread of its own.

        An exception is returned as `Failed`.

        Raises:
            JobError: executors have died, or do not fit, or the job was cancelled.
        """
        ...

    def count_threads(self) -> int:
        """Return the number of tasks that can run at a time."""
        ...

    def cancel(self, group: str) -> None:
        """Cancel the jobs of a group."""
        ...

    def are_running(self, group: str) -> bool:
        """Return whether tasks of a group still run, cancelled or not."""
        ...

    def is_alive(self) -> bool:
        """Return whether the cluster takes jobs."""
        ...


class SparkEngine:
    """Runs kernels on the executors of a Spark cluster.

    Args:
        jobs: of the cluster.
        cluster: for messages.
    """

    def __init__(self, jobs: Jobs, cluster: Cluster) -> None:
        self._jobs = jobs
        self._cluster = cluster

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield the kernel's result of each part; see `Engine.map`.

        Raises:
            EngineError: all executors have died, or several of them at one part.
        """
        if not parts:
            return
        threads = max(1, self._count_threads())
        size = -(-threads // _JOBS_PER_ROUND)
        ahead = -(-_AHEAD * threads // size)
        group, stopped = f"{kernel.__name__}-{uuid4().hex}", Event()
        values = self._called(self._jobs.share, HeldValues(shared))
        tasks = [Task(kernel, part, self._cluster.worker) for part in parts]
        pool = ThreadPoolExecutor(ahead, thread_name_prefix="spark-job")

        def submit(some: Sequence[Task]) -> Future[list[Any]]:
            return pool.submit(self._run, some, values, group, stopped)

        def drop(waiting: deque[Future[list[Any]]]) -> None:
            stopped.set()
            self._drop(waiting, group)
            pool.shutdown(wait=False, cancel_futures=True)

        batches = [tasks[begin : begin + size] for begin in range(0, len(tasks), size)]
        yield from chain.from_iterable(run_ahead(batches, ahead, submit, self._take, drop))
        with suppress(Exception):  # without executors, nothing is left to delete
            self._jobs.forget(values)

    def merge(
        self,
        kernel: Callable[..., _Result],
        parts: Sequence[Any],
        *shared: Any,
        combine: Callable[[_Result, _Result], _Result],
    ) -> _Result:
        """Return the combined results; see `Engine.merge`."""
        return reduce(combine, self.map(kernel, parts, *shared))

    def _run(self, tasks: Sequence[Task], values: Any, group: str, stopped: Event) -> list[Any]:
        """Return the results of tasks; those that have failed run again, perhaps elsewhere."""
        results = self._jobs.run(tasks, values, group)
        for _ in range(_RETRIES):
            failed = [at for at, result in enumerate(results) if isinstance(result, Failed)]
            if not failed or stopped.is_set():
                break
            again = self._jobs.run([tasks[at] for at in failed], values, group)
            for at, result in zip(failed, again, strict=True):
                results[at] = result
        return results

    def _take(self, future: Future[list[Any]]) -> list[Any]:
        """Wait for the results of a job, and return them.

        Raises:
            EngineError: there is no executor any more, or no driver.
        """
        results = self._wait_for(future)
        for result in results:
            if isinstance(result, Refused | Failed):
                raise result.error
        return results

    def _wait_for(self, future: Future[list[Any]]) -> list[Any]:
        patience = Patience(self._cluster, _LONELY_SECONDS)
        while True:
            with suppress(TimeoutError):
                future.exception(timeout=_CHECK_SECONDS)
            if future.done():
                break
            patience.observe(self._count_threads())
        try:
            return future.result()
        except Exception as error:  # Spark's errors are of many kinds
            explained = self._explain(error)
            if explained is None:
                raise
            raise explained from error

    def _explain(self, error: Exception) -> SbrError | None:
        """Return what the error of a job means; None if that is not known."""
        found = find_misfit(error, self._cluster, EngineError) or find_loss(error, self._cluster)
        if found is not None:
            return found
        return None if self._jobs.is_alive() else self._cluster.is_lost()

    def _count_threads(self) -> int:
        return self._called(self._jobs.count_threads)

    def _called(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a method returns.

        Raises:
            EngineError: the driver does not answer.
        """
        try:
            return method(*arguments)
        except SbrError:
            raise
        except Exception as error:  # of many kinds, if Java is gone
            if self._jobs.is_alive():
                raise
            raise self._cluster.is_lost() from error

    def _drop(self, futures: deque[Future[list[Any]]], group: str) -> None:
        """Cancel what waits and what runs, which must end before its folders are deleted."""
        if not futures:
            return
        deadline = time.monotonic() + _LONELY_SECONDS
        for future in futures:
            future.cancel()
        with suppress(Exception):  # the driver is gone
            # A job that begins just now may escape the first attempt.
            while time.monotonic() < deadline and self._jobs.is_alive():
                self._jobs.cancel(group)
                is_over = all(future.done() for future in futures)
                if is_over and not self._jobs.are_running(group):
                    return
                time.sleep(0.1)
