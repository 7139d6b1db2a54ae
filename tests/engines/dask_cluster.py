"""A Dask cluster of worker processes over tcp."""

from collections.abc import Iterator
from contextlib import contextmanager
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
