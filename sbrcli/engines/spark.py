"""Spark: kernels run on the executors of a cluster, or in a session of this machine."""

import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.cluster import Cluster
from sbrcli.engines.quiet import quiet
from sbrcli.engines.shared_folder import shown
from sbrcli.engines.spark_engine import Jobs, SparkEngine
from sbrcli.engines.spark_errors import find_misfit
from sbrcli.engines.spark_master import (
    has_no_answer,
    is_local,
    read_master,
    require_answer,
)
from sbrcli.engines.spark_task import Failed, Look
from sbrcli.engines.task import HeldValues
from sbrcli.errors import ConfigError

_PROBE_SECONDS = 10
_CONNECT_SECONDS = 75
"""Spark itself tries for a minute."""
_EXECUTOR_SECONDS = 60
"""How long to wait for the first executor."""
_CHECK_SECONDS = 0.5
_SETTLE_SECONDS = 2
"""How long the number of cores must stay the same until it counts as that of the cluster."""
_LOCAL_PROCESSES = 2
_LOGGERS = ("py4j", "py4j.clientserver", "py4j.java_gateway", "pyspark")


@dataclass(frozen=True, slots=True)
class Seen:
    """What executors have together.

    Args:
        num_threads: the number of kernels that run at a time.
        memory: what is free on their hosts, in bytes; None if one of them does not say.
    """

    num_threads: int
    memory: int | None


@contextmanager
def started(config: EngineConfig, folder: Path) -> Iterator[tuple[SparkEngine, EngineConfig]]:
    """Yield an engine on a cluster, and the configuration with what its executors have.

    Args:
        config: names the master. Without one, a session of this machine starts. Either ends with
            the context.
        folder: on scratch, which all executors must see.

    Raises:
        ConfigError: the master does not answer, has no executor, or one cannot take part.
    """
    with quiet(_LOGGERS, "pyspark"), _connected(config, folder) as (jobs, cluster, is_here):
        seen = find_executors(jobs, cluster, folder, None if is_here else _SETTLE_SECONDS)
        memory = config.memory
        if memory is None and seen.memory is not None and not is_here:
            memory = seen.memory // 2
        has = replace(config, cluster=None, processes=seen.num_threads, memory=memory)
        yield SparkEngine(jobs, cluster), has


@contextmanager
def _connected(config: EngineConfig, folder: Path) -> Iterator[tuple[Jobs, Cluster, bool]]:
    """Yield a session's driver, the cluster for messages, and whether it is this machine."""
    master = read_master(config.cluster, max(_LOCAL_PROCESSES, config.processes))
    require_answer(master, _PROBE_SECONDS)
    from sbrcli.engines.spark_session import driven, joined  # which load pyspark

    with joined(config.cluster) as found:
        if found is not None:
            yield found, _describe(found.master), is_local(found.master)
            return
    here, reached = is_local(master), False
    try:
        with driven(master, folder, None if here else _CONNECT_SECONDS) as driver:
            reached = True
            yield driver, _describe(master), here
    except TimeoutError as error:
        if reached:
            raise
        raise has_no_answer(master) from error


def _describe(master: str) -> Cluster:
    here = is_local(master)
    place = "the Spark session of this machine" if here else f"the Spark cluster {master}"
    more = "give more memory to Java (spark.driver.memory)"
    start = more if here else "start the master and its workers"
    return Cluster(place, worker="Spark executor", workers="executors", start=start)


def find_executors(jobs: Jobs, cluster: Cluster, folder: Path, settle: float | None) -> Seen:
    """Wait for executors, check that they can take part, and return what they have.

    Executors that join later are checked with their first part.

    Args:
        jobs: the cluster.
        cluster: for messages.
        folder: an absolute path.
        settle: how many seconds the number of cores must stay the same; None does not wait.

    Raises:
        ConfigError: there is none, or one lacks something.
    """
    with shown(folder) as token:
        # Some clusters start executors for a job only.
        found = _look(jobs, cluster, [Look(folder, token)])
        threads = jobs.count_threads()
        if settle is not None:
            threads = _wait_until_settled(jobs, settle)
            found += _look(jobs, cluster, [Look(folder, token)] * (2 * threads))
        for host, _, version, file in found:
            cluster.require_seen(f"on {host}", version, file, folder)
    free = {host: memory for host, memory, _, _ in found}
    sizes = [size for size in free.values() if size is not None]
    return Seen(max(1, threads), sum(sizes) if len(sizes) == len(free) else None)


def _look(
    jobs: Jobs, cluster: Cluster, looks: Sequence[Look]
) -> list[tuple[str, int | None, str, str | None]]:
    """Return what executors see.

    Raises:
        ConfigError: there is none, or it cannot run Python with sbr.
    """
    group, pool = f"look-{secrets.token_hex(8)}", ThreadPoolExecutor(1)
    try:
        waiting = pool.submit(jobs.run, looks, jobs.share(HeldValues(())), group)
        _wait_for_executor(jobs, cluster, waiting)
        answers = waiting.result()
    except ConfigError:
        raise
    except Exception as error:  # Spark's errors are of many kinds
        misfit = find_misfit(error, cluster, ConfigError)
        if misfit is None:
            raise
        raise misfit from error
    finally:
        with suppress(Exception):
            jobs.cancel(group)
        pool.shutdown(wait=False, cancel_futures=True)
    return [_opened(answer) for answer in answers]


def _wait_for_executor(jobs: Jobs, cluster: Cluster, waiting: Future[Any]) -> None:
    """Wait until a job is done, or until there has been no executor for too long.

    Raises:
        ConfigError: there is none.
    """
    last_seen = time.monotonic()
    while not wait([waiting], timeout=_CHECK_SECONDS).done:
        now = time.monotonic()
        if jobs.count_threads():
            last_seen = now
        elif now - last_seen > _EXECUTOR_SECONDS:
            raise ConfigError(
                f"{cluster.place} has no free executor",
                hint="start workers with sbin/start-worker.sh ADDRESS, or wait until others end",
            )


def _opened(answer: Any) -> Any:
    if isinstance(answer, Failed):
        raise answer.error
    return answer


def _wait_until_settled(jobs: Jobs, seconds: float) -> int:
    """Return the number of cores once it stays the same; workers start one after the other."""
    threads, since = jobs.count_threads(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.1)
        now = jobs.count_threads()
        if now != threads:
            threads, since = now, time.monotonic()
    return threads
