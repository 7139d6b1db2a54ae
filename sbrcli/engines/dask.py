"""Dask: kernels run on the workers of a cluster, or on two processes of this machine."""

import asyncio
import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import reduce
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from dask import config as dask_config
from distributed import Client, Future, KilledWorker, LocalCluster

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.ahead import run_ahead
from sbrcli.engines.cluster import Cluster, Patience
from sbrcli.engines.dask_task import are_running, hold
from sbrcli.engines.dask_workers import Workers, find_workers, require_alike
from sbrcli.engines.quiet import quiet
from sbrcli.engines.task import HeldValues, Refused, Task
from sbrcli.errors import ConfigError, SbrError

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
_SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1TB",
    # A worker that dies is started again, which may take long where the machine is busy.
    "distributed.deploy.lost-worker-timeout": "10 minutes",
}
_LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")


class DaskEngine:
    """Runs kernels on the workers of a Dask cluster.

    A kernel whose worker dies runs again on another one. What all parts share is held by the
    scheduler, which can send it again.

    Args:
        client: of the cluster.
        cluster: for messages.
    """

    def __init__(self, client: Client, cluster: Cluster) -> None:
        self._client: Any = client  # its methods are typed as coroutines
        self._cluster = cluster

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield the kernel's result of each part; see `Engine.map`.

        Raises:
            EngineError: all workers have died, or several of them at one part.
        """
        values = self._submit(hold, HeldValues(shared))

        def submit(part: Any) -> Future:
            task = Task(kernel, part, self._cluster.worker)
            return self._submit(task, values, kernel.__name__)

        ahead = _AHEAD * max(1, self._count_threads())
        yield from run_ahead(parts, ahead, submit, self._take, self._drop)

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
        """Wait for a result, and return it.

        Raises:
            EngineError: there is no worker any more, or no scheduler.
        """
        result = self._wait_for(future)
        if isinstance(result, Refused):
            raise result.error
        future.release()
        return result

    def _wait_for(self, future: Future) -> Any:
        # A time limit of Dask's own could cancel a transfer halfway.
        loop = self._client.loop.asyncio_loop
        fetched = asyncio.run_coroutine_threadsafe(self._fetch(future), loop)
        patience = Patience(self._cluster, _LONELY_SECONDS)
        try:
            while True:
                with suppress(TimeoutError):
                    return fetched.result(timeout=_CHECK_SECONDS)
                if fetched.done():  # a kernel's own TimeoutError
                    return fetched.result()
                patience.observe(self._count_threads())
        except KilledWorker as error:
            raise self._cluster.has_lost_several() from error
        except SbrError:
            raise
        except Exception as error:  # a kernel's own, or one of many kinds of a lost connection
            if future.status == "error":
                raise
            raise self._cluster.is_lost() from error
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
            raise self._cluster.is_lost() from error

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
    with (
        quiet(_LOGGERS, "distributed"),
        dask_config.set(_SETTINGS),
        _connected(config) as (client, cluster),
    ):
        workers = find_workers(client, cluster.place, _CONNECT_SECONDS)
        require_alike(client, cluster, folder)
        yield DaskEngine(client, cluster), _fill_in(config, workers)


@contextmanager
def _connected(config: EngineConfig) -> Iterator[tuple[Client, Cluster]]:
    """Yield a client, and the cluster for messages."""
    address = config.cluster or dask_config.get("scheduler-address", None)
    if address is None:
        num_workers = max(_LOCAL_WORKERS, config.processes)
        with _started_here(num_workers) as cluster, Client(cluster) as client:
            yield client, _describe("the Dask cluster of this machine")
        return
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address}",
            hint="start it with dask scheduler; --cluster tcp://HOST:8786 names it",
        ) from error
    with client:
        yield client, _describe(f"the Dask cluster {address}")


def _describe(place: str) -> Cluster:
    start = "start the scheduler and its workers"
    return Cluster(place, worker="Dask worker", workers="workers", start=start)


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
