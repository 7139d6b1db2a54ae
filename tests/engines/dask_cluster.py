"""A Dask cluster of worker processes over tcp, and kernels whose worker dies."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import LocalCluster

QUIET: dict[str, Any] = {
    "threads_per_worker": 1,
    "host": "127.0.0.1",
    "protocol": "tcp",
    "dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "memory_limit": 0,
    "silence_logs": 60,
}


@contextmanager
def cluster_of(num_workers: int, failures: int = 10, **settings: Any) -> Iterator[LocalCluster]:
    """Yield a cluster whose workers are restarted when they die.

    Args:
        num_workers: the number of worker processes.
        failures: after how many deaths of its workers a task is given up.
        settings: of the workers.
    """
    patient = {
        "distributed.scheduler.allowed-failures": failures,
        "distributed.deploy.lost-worker-timeout": "10 minutes",  # else a slow restart is given up
    }
    with (
        dask.config.set(patient),
        LocalCluster(n_workers=num_workers, **QUIET, **settings) as cluster,
    ):
        yield cluster


class Dying:
    """A kernel that kills its worker, once per marker.

    Args:
        kernel: what it runs.
        marker: a file that the first worker to die creates.
        seconds: how long after the start of a kernel it dies; None for after the kernel.
    """

    def __init__(self, kernel: Callable[..., Any], marker: Path, seconds: float | None) -> None:
        self.__name__ = kernel.__name__
        self._kernel = kernel
        self._marker = marker
        self._seconds = seconds

    def __call__(self, *arguments: Any) -> Any:
        try:
            self._marker.touch(exist_ok=False)
        except FileExistsError:
            return self._kernel(*arguments)
        if self._seconds is not None:
            threading.Thread(target=_die, args=[self._seconds], daemon=True).start()
        result = self._kernel(*arguments)
        _die(self._seconds or 0)
        return result


class Deadly:
    """A kernel that kills every worker."""

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self.__name__ = kernel.__name__

    def __call__(self, *arguments: Any) -> Any:
        _die(0)


def _die(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
