"""Dask: kernels run on the workers of a cluster, or on two processes of this machine."""

import asyncio
import logging
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import reduce
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from dask import config as dask_config
from distributed import Client, Future, KilledWorker, LocalCluster

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.dask_task import HeldValues, Refused, Task, are_running, hold
from sbrcli.engines.dask_workers import Workers, find_workers, require_alike
from sbrcli.errors import ConfigError, EngineError, SbrError

_Result = TypeVar("_Result")

_AHEAD = 3
"""Parts per thread of the workers that are submitted before the first result is taken."""
_RETRIES = 2
"""Repetitions after an error of the system, such as a shared disk that lags behind; those after
the death of a worker are not counted here."""
_CONNECT_SECONDS = 20
_CHECK_SECONDS = 2
"""How often a client that waits looks for workers."""
_LONELY_SECONDS = 30
"""How long it waits without any worker."""
_LOCAL_WORKERS = 2
_LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")


class DaskEngine:
    """Runs kernels on the workers of a Dask cluster.

    A kernel whose worker dies runs again on another one. What all parts share is held by the
    scheduler, which can send it again.

    Args:
        client: of the cluster.
        place: the cluster, for messages.
    """

    def __init__(self, client: Client, place: str) -> None:
        self._client: Any = client  # its methods are typed as coroutines
        self._place = place

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield the kernel's result of each part; see `Engine.map`.

        Raises:
            EngineError: all workers have died, or several of them at one part.
        """
        waiting: deque[Future] = deque()
        try:
            ahead = _AHEAD * max(1, self._count_threads())
            values, rest = self._submit(hold, HeldValues(shared)), iter(parts)
            while True:
                for part in islice(rest, ahead - len(waiting)):
                    waiting.append(self._submit(Task(kernel, part), values, kernel.__name__))
                if not waiting:
                    return
                result = self._take(waiting[0])
                waiting.popleft().release()
                if isinstance(result, Refused):
                    raise result.error
                yield result
        finally:
            self._drop(waiting)

    def merge(
        self,
        kernel: Callable[..., _Result],
        parts: Sequence[Any],
        *shared: Any,
        combine: Callable[[_Result, _Result], _Result],
    ) -> _Result:
        """Return the combined results; see `Engine.merge`."""
        return reduce(combine, self.map(kernel, parts, *shared))

    def _submit(self, function: Callable[..., Any], argument: Any, name: str = "hold") -> Future:
        return self._client.submit(
            function, argument, key=f"{name}-{uuid4().hex}", pure=False, retries=_RETRIES
        )

    def _take(self, future: Future) -> Any:
        """Wait for a result.

        Raises:
            EngineError: there is no worker any more, or no scheduler.
        """
        # A time limit of Dask's own could cancel a transfer halfway.
        loop = self._client.loop.asyncio_loop
        fetched = asyncio.run_coroutine_threadsafe(self._fetch(future), loop)
        last_seen = time.monotonic()
        try:
            while True:
                with suppress(TimeoutError):
                    return fetched.result(timeout=_CHECK_SECONDS)
                if fetched.done():  # a kernel's own TimeoutError
                    return fetched.result()
                if self._count_threads():
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > _LONELY_SECONDS:
                    raise EngineError(
                        f"all workers of {self._place} have died",
                        hint="start workers, and run the command again; if they ran out of memory, "
                        "give more parts with a lower --memory",
                    )
        except KilledWorker as error:
            raise EngineError(
                f"several workers of {self._place} have died at the same part of the log",
                hint="they may have run out of memory: lower --memory, which makes smaller parts",
            ) from error
        except SbrError:
            raise
        except Exception as error:
            if future.status == "error":
                raise
            raise self._lost() from error
        finally:
            fetched.cancel()

    async def _fetch(self, future: Future) -> Any:
        return await self._client.gather(future, asynchronous=True)

    def _count_threads(self) -> int:
        """Return the number of threads of all workers.

        Raises:
            EngineError: the scheduler does not answer.
        """
        try:
            return sum(self._client.nthreads().values())
        except (OSError, RuntimeError, ValueError) as error:
            raise self._lost() from error

    def _lost(self) -> EngineError:
        return EngineError(
            f"the connection to {self._place} is lost",
            hint="start the scheduler and its workers, and run the command again",
        )

    def _drop(self, futures: deque[Future]) -> None:
        """Cancel what waits, and let what runs end before its folders are deleted."""
        if not futures:
            return
        keys, deadline = [future.key for future in futures], time.monotonic() + _LONELY_SECONDS
        with suppress(Exception):  # the scheduler or a worker is gone
            self._client.cancel(list(futures))
            while time.monotonic() < deadline and any(
                self._client.run(are_running, keys, on_error="ignore").values()
            ):
                time.sleep(0.1)


@contextmanager
def started(config: EngineConfig, folder: Path) -> Iterator[tuple[DaskEngine, EngineConfig]]:
    """Yield an engine on a cluster, and the configuration with what its workers have.

    Args:
        config: names the scheduler, or leaves it to the environment. Without one, a cluster of this
            machine starts, which ends with the context.
        folder: on scratch, which all workers must see.

    Raises:
        ConfigError: the scheduler does not answer, has no worker, or a worker cannot take part.
    """
    with _quiet(), _connected(config) as (client, place):
        workers = find_workers(client, place, _CONNECT_SECONDS)
        require_alike(client, folder)
        yield DaskEngine(client, place), _fill_in(config, workers)


@contextmanager
def _connected(config: EngineConfig) -> Iterator[tuple[Client, str]]:
    """Yield a client, and the cluster's name for messages."""
    address = config.cluster or dask_config.get("scheduler-address", None)
    if address is None:
        num_workers = max(_LOCAL_WORKERS, config.processes)
        with _started_here(num_workers) as cluster, Client(cluster) as client:
            yield client, "the Dask cluster of this machine"
        return
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address}",
            hint="start it with dask scheduler; --cluster tcp://HOST:8786 names it",
        ) from error
    with client:
        yield client, f"the Dask cluster {address}"


def _started_here(num_workers: int) -> LocalCluster:
    """Start a cluster of this machine, whose processes leave Ctrl-C to this one.

    Each worker takes what its parts need, which follows from --memory: a limit that kills it would
    also count the files that are mapped.
    """
    with _without_ctrl_c():
        return LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tcp",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Delay Ctrl-C; the threads and processes that start meanwhile never receive it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it would lift the delay in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fill_in(config: EngineConfig, workers: Workers) -> EngineConfig:
    """Return a configuration with the threads and, by default, half the memory of workers."""
    memory = config.memory
    if memory is None and workers.memory is not None:
        memory = workers.memory // 2
    return replace(config, cluster=None, processes=workers.num_threads, memory=memory)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave it to this module to report what happens to a cluster."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        large = {"distributed.admin.large-graph-warning-threshold": "1TB"}
        with dask_config.set(large), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
