"""A Spark cluster of this machine: a master and workers, each a process."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = "127.0.0.1"

needs_spark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("pyspark") is None or shutil.which("java") is None,
        reason="Spark is not installed: it needs pyspark and Java",
    ),
]
"""Marks of the tests that start Spark."""


def with_path(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which other processes find sbr and its tests."""
    path = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    return environment | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}


class SparkCluster:
    """A master, and workers of one core each.

    Args:
        folder: for logs and what executors write.
        environment: of the processes.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = with_path(environment)
        words = ("master.Master", "--host", HERE, "--port", "0")
        self.master = self._start("master", *words)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.address = self._read("master", r"Starting Spark master at (spark://\S+)")

    def add_worker(self) -> None:
        """Start a worker, and wait until the master knows it."""
        name = f"worker-{len(self.workers)}"
        options = ("--host", HERE, "--cores", "1", "--memory", "1g")
        folder = ("--work-dir", str(self._folder / name))
        self.workers.append(self._start(name, "worker.Worker", *options, *folder, self.address))
        self._read(name, "Successfully registered with master")

    def kill(self, *processes: "subprocess.Popen[bytes]") -> None:
        """Kill processes, and the executors of workers with them."""
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _start(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        spec = find_spec("pyspark")
        assert spec is not None and spec.origin is not None
        program = Path(spec.origin).parent / "bin" / "spark-class"
        prefix, *rest = words
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [program, f"org.apache.spark.deploy.{prefix}", *rest, "--webui-port", "0"],
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def _read(self, name: str, pattern: str) -> str:
        """Wait until a log says something, and return the last group of it."""
        while True:
            said = (self._folder / f"{name}.log").read_text()
            found = re.search(pattern, said)
            if found:
                return found[len(found.groups())]
            assert all(one.poll() is None for one in (self.master, *self.workers)), said
            time.sleep(0.1)


@contextmanager
def cluster_of(
    num_workers: int, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[SparkCluster]:
    """Yield a cluster, and kill what is left of it."""
    folder.mkdir()
    # Spark's own default says little of what happens to a worker.
    (folder / "log4j2.properties").write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.err.ref = err\n"
        "appender.err.type = Console\nappender.err.name = err\nappender.err.target = SYSTEM_ERR\n"
        "appender.err.layout.type = PatternLayout\nappender.err.layout.pattern = %m%n%ex\n"
    )
    own = {"SPARK_CONF_DIR": str(folder), "SPARK_NO_DAEMONIZE": "1"}
    cluster = SparkCluster(folder, dict(environment or os.environ) | own)
    try:
        for _ in range(num_workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.kill(*cluster.workers, cluster.master)


def executor() -> int:
    """Return the Java process whose Python runs this: Python's parent is a daemon, its own Java."""
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])
