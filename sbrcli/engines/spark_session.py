"""Start Spark's Java process, and run jobs in it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext  # pyright: ignore[reportMissingImports]
from pyspark.java_gateway import launch_gateway  # pyright: ignore[reportMissingImports]

from sbrcli.engines.spark_errors import JobError
from sbrcli.engines.spark_java import INSTALL_JAVA
from sbrcli.engines.spark_master import is_local
from sbrcli.engines.spark_task import Batch
from sbrcli.engines.task import HeldValues
from sbrcli.errors import ConfigError

_ANSWER_SECONDS = 20
"""How long Java may take for a short call; then it is taken for dead."""
_END_SECONDS = 10
_MAX_TASKS = 100
"""How many tasks of a job are searched for one that has failed."""
_OF_THIS_MACHINE = "127.0.0.1"


class Driver:
    """A Spark context; see `Jobs`.

    Java is called from other threads than the caller's: Ctrl-C would leave a call half done, and
    the next one would read its answer.

    Args:
        context: of PySpark.
        process: Java's; None if others have started it.
    """

    def __init__(self, context: Any, process: "subprocess.Popen[bytes] | None") -> None:
        self._context = context
        self._process = process
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="spark-driver")

    def share(self, values: HeldValues) -> Any:
        """Send values to all executors; return a broadcast."""
        return self._call(lambda: self._context.broadcast(values), None)

    def forget(self, shared: Any) -> None:
        """Delete a broadcast everywhere."""
        self._call(shared.destroy)

    @property
    def master(self) -> str:
        """Spark's name of the cluster."""
        return self._context.master

    def run(
        self, tasks: Sequence[Callable[[HeldValues], Any]], shared: Any, group: str
    ) -> list[Any]:
        """Return the results of tasks, in order; called in a thread of its own."""
        self._context.setJobGroup(group, group.partition("-")[0], interruptOnCancel=True)
        try:
            numbers = self._context.parallelize(range(len(tasks)), len(tasks))
            return numbers.map(Batch(tasks, shared)).collect()
        except Exception as error:  # Py4J's, Spark's or Python's
            raise JobError(_text_of(error), self._find_host(group)) from error

    def count_threads(self) -> int:
        """Return the number of tasks that can run at a time."""
        return self._call(self._count_threads)

    def cancel(self, group: str) -> None:
        """Cancel the jobs of a group; their processes are ended after two seconds."""
        self._call(lambda: self._context.cancelJobGroup(group))

    def are_running(self, group: str) -> bool:
        """Return whether tasks of a group still run, cancelled or not."""
        return self._call(lambda: self._count_running(group)) > 0

    def is_alive(self) -> bool:
        """Return whether Java answers, and takes jobs."""
        if self._process is not None and self._process.poll() is not None:
            return False
        try:
            return not self._call(lambda: self._context._jsc.sc().isStopped())
        except Exception:  # of many kinds
            return False

    def stop(self) -> None:
        """End the session."""
        with suppress(Exception):
            self._call(self._context.stop, _END_SECONDS)

    def close(self) -> None:
        """End what this object has started for itself."""
        self._caller.shutdown(wait=False, cancel_futures=True)

    def _call(self, function: Callable[[], Any], seconds: float | None = _ANSWER_SECONDS) -> Any:
        return self._caller.submit(function).result(seconds)

    def _count_threads(self) -> int:
        found = self._context._jsc.sc().statusStore().executorList(True)
        executors = [found.apply(at) for at in range(found.size())]
        return sum(one.maxTasks() for one in executors if one.isActive() and one.totalCores())

    def _find_host(self, group: str) -> str | None:
        """Return the host on which a task of a group has failed; None if Java does not say."""
        try:
            return self._call(lambda: self._find_host_of_failure(group))
        except Exception:  # of many kinds
            return None

    def _find_host_of_failure(self, group: str) -> str | None:
        tracker, store = self._context.statusTracker(), self._context._jsc.sc().statusStore()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
        for stage in [stage for job in jobs if job for stage in job.stageIds]:
            found = store.taskList(stage, 0, _MAX_TASKS)
            for task in [found.apply(at) for at in range(found.size())]:
                if task.status() == "FAILED":
                    return task.host()
        return None

    def _count_running(self, group: str) -> int:
        tracker = self._context.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
        stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
        return sum(stage.numActiveTasks for stage in stages if stage)


def _text_of(error: Exception) -> str:
    try:
        return str(error)  # asks Java for it
    except Exception:  # Java may be gone
        return type(error).__name__


@contextmanager
def joined(cluster: str | None) -> Iterator[Driver | None]:
    """Yield the driver of the session that this program already has; None if it has none.

    Args:
        cluster: the option --cluster.

    Raises:
        ConfigError: the session is of another cluster.
    """
    context = SparkContext._active_spark_context
    if context is None:
        yield None
        return
    if cluster not in (None, context.master):
        raise ConfigError(
            f"this program has a Spark session already, of {context.master}",
            hint="leave out the cluster, or stop the session first",
        )
    driver = Driver(context, None)
    try:
        yield driver
    finally:
        driver.close()


@contextmanager
def driven(master: str, folder: Path, seconds: float | None) -> Iterator[Driver]:
    """Yield the driver of a session, which ends with the context; Java ends with it.

    Args:
        master: Spark's name of the cluster.
        folder: for Java's log, and what a session of this machine writes.
        seconds: how long to wait for the cluster; None for as long as Spark does.

    Raises:
        ConfigError: Java does not start.
        TimeoutError: the cluster does not answer.
        Exception: Spark refuses.
    """
    conf = SparkConf(loadDefaults=False)
    for name, value in _settings(master, folder).items():
        conf.set(name, value)
    path_before, starter = list(sys.path), ThreadPoolExecutor(1, thread_name_prefix="spark-start")
    launched = starter.submit(_launch, conf, folder / "spark.log")
    try:
        gateway = launched.result()
        # Elsewhere than in the main thread, Spark does not take over Ctrl-C.
        context = starter.submit(SparkContext, conf=conf, gateway=gateway).result(seconds)
        if is_local(master):
            context.pythonExec = sys.executable
        driver = Driver(context, gateway.proc)
        try:
            yield driver
        finally:
            driver.stop()
            driver.close()
    finally:
        with suppress(ConfigError):
            _end(launched.result())
        starter.shutdown(wait=False)
        sys.path[:] = path_before


def _settings(master: str, folder: Path) -> Mapping[str, str]:
    """Return what does not follow from the user's own spark-defaults.conf."""
    found = {
        "spark.master": master,
        "spark.app.name": "sbr",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # The second copy of a part would go on writing after the first one is done.
        "spark.speculation": "false",
        "spark.driver.maxResultSize": "0",
    }
    if is_local(master):
        found |= {
            "spark.local.dir": str(folder),
            "spark.driver.host": _OF_THIS_MACHINE,
            "spark.driver.bindAddress": _OF_THIS_MACHINE,
        }
    return found


def _launch(conf: Any, log: Path) -> Any:
    """Start Java, and return the gateway to it.

    Raises:
        ConfigError: it has ended at once.
    """
    with log.open("wb") as file:
        try:
            return launch_gateway(conf, {"stdout": file, "stderr": subprocess.STDOUT})
        except Exception as error:  # Py4J's, or the system's
            lines = log.read_text(errors="replace").split("\n")
            said = next((line for line in lines if "rror" in line or "xception" in line), error)
            raise ConfigError(
                f"Spark's Java process has ended at its start: {said}", hint=INSTALL_JAVA
            ) from error


def _end(gateway: Any) -> None:
    """End Java, which ends by itself when its input is closed, and forget it."""
    process = gateway.proc
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    if process is None:  # of spark-submit
        return
    process.stdin.close()
    deadline = time.monotonic() + _END_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
    with suppress(Exception):
        gateway.shutdown()
