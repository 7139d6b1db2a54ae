"""The engine of a Spark cluster as far as it needs no Java: jobs run in threads."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sbrcli.config.engine import EngineConfig
from sbrcli.engines import registry, spark, spark_engine, spark_java, task
from sbrcli.engines.cluster import Cluster
from sbrcli.engines.spark import find_executors
from sbrcli.engines.spark_engine import SparkEngine
from sbrcli.engines.spark_errors import JobError
from sbrcli.engines.spark_master import is_local, read_master, require_answer
from sbrcli.engines.spark_task import Batch
from sbrcli.engines.task import HeldValues
from sbrcli.errors import ConfigError, DataError, EngineError, ExitCode
from sbrcli.version import __version__

CLUSTER = Cluster("the Spark cluster spark://a:1", "Spark executor", "executors", "start it")

# As Spark 4.3 says it, shortened.
CRASHED = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 103.0 "
    "failed 4 times, most recent failure: Lost task 0.3 in stage 103.0 (TID 106) (10.0.0.5 "
    "executor 2): org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)."
)
OTHER_PYTHON = (
    "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
    "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in "
    "worker has different version: 3.8 than that in driver: 3.11, PySpark cannot "
    "run with different minor versions.\nPlease check"
)
NO_SBR = (
    "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
    "ModuleNotFoundError: No module named 'sbrcli'\n\tat org.apache.spark"
)
NO_PYTHON = (
    "java.io.IOException: Cannot run "
    'program "python3.9": Exec failed, error: 2 (No such file or directory)'
)
SAME = "install the same version on all workers; PYSPARK_PYTHON names the Python that they run"


@dataclass
class Shared:
    """Stands for a broadcast."""

    value: HeldValues


@dataclass
class Threads:
    """Jobs that run in the engine's own threads.

    Args:
        raises: the text of the error of each job; None if it has none.
        host: where tasks fail.
        threads: the number of cores, 0 if all executors are gone.
        hangs: whether jobs wait until they are cancelled.
        alive: whether the cluster takes jobs.
    """

    raises: str | None = None
    host: str | None = "10.0.0.5"
    threads: int = 3
    hangs: bool = False
    alive: bool = True
    num_jobs: int = 0
    forgotten: int = 0
    cancelled: set[str] = field(default_factory=set)

    def share(self, values: HeldValues) -> Shared:
        return Shared(values)

    def forget(self, shared: Shared) -> None:
        self.forgotten += 1

    def run(self, tasks: Sequence[Callable[..., Any]], shared: Shared, group: str) -> list[Any]:
        self.num_jobs += 1
        while self.hangs and self.alive and group not in self.cancelled:
            time.sleep(0.01)
        if self.raises is not None or group in self.cancelled or not self.alive:
            raise JobError(self.raises or "cancelled", self.host)
        return [Batch(tasks, shared)(number) for number in range(len(tasks))]

    def count_threads(self) -> int:
        if not self.alive:
            raise OSError("no answer")
        return self.threads

    def cancel(self, group: str) -> None:
        self.cancelled.add(group)

    def are_running(self, group: str) -> bool:
        return False

    def is_alive(self) -> bool:
        return self.alive


def divide(part: int, by: int) -> int:
    return part // by


def join(part: int) -> str:
    return str(part)


def refuse(part: int) -> None:
    raise DataError(f"no {part}", hint="take another")


class Failing:
    """A kernel whose disk fails a number of times."""

    __name__ = "failing"

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, part: int) -> int:
        if part == 4 and self.times:
            self.times -= 1
            raise OSError(5, "the disk")
        return part


@pytest.mark.parametrize("threads", [1, 3, 64])
def test_results_come_in_the_order_of_the_parts(threads):
    jobs = Threads(threads=threads)
    engine = SparkEngine(jobs, CLUSTER)
    assert list(engine.map(divide, range(9), 2)) == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    joined = engine.merge(join, range(30), combine=lambda one, other: one + other)
    assert joined == "".join(map(str, range(30)))
    assert list(engine.map(join, [])) == []
    assert (jobs.forgotten, jobs.cancelled) == (2, set())


def test_large_clusters_have_several_parts_in_a_job():
    jobs = Threads(threads=8)
    list(SparkEngine(jobs, CLUSTER).map(divide, range(20), 2))
    assert jobs.num_jobs == 10


def test_an_error_of_a_kernel_comes_back_as_it_is():
    jobs = Threads()
    engine = SparkEngine(jobs, CLUSTER)
    with pytest.raises(DataError) as raised:
        list(engine.map(refuse, range(9)))
    assert (str(raised.value), raised.value.hint) == ("no 0", "take another")
    assert list(engine.map(Failing(2), range(9))) == list(range(9))
    with pytest.raises(OSError, match="the disk") as failed:
        list(engine.map(Failing(3), range(9)))
    assert failed.value.errno == 5
    assert "in __call__" in failed.value.__notes__[0]


def test_parts_that_are_not_wanted_any_more_are_cancelled():
    jobs = Threads()
    results = SparkEngine(jobs, CLUSTER).map(divide, range(1000), 2)
    assert next(results) == 0
    results.close()  # pyright: ignore
    assert len(jobs.cancelled) == 1
    assert jobs.num_jobs < 100


@pytest.mark.parametrize(
    ("jobs", "message", "hint"),
    [
        (
            Threads(raises=CRASHED),
            "several executors of the Spark cluster spark://a:1 have died at the same part of the "
            "log",
            "they may have run out of memory: lower --memory, which makes smaller parts",
        ),
        (
            Threads(threads=0, hangs=True),
            "all executors of the Spark cluster spark://a:1 have died",
            "start workers, and run the command again; if they ran out of memory, give more parts "
            "with a lower --memory",
        ),
        (
            Threads(alive=False),
            "the connection to the Spark cluster spark://a:1 is lost",
            "start it, and run the command again",
        ),
        (
            Threads(raises=OTHER_PYTHON),
            "the Spark executor on 10.0.0.5 has Python 3.8, and this command 3.",
            SAME,
        ),
    ],
)
def test_a_cluster_that_is_lost_is_told(monkeypatch, jobs, message, hint):
    monkeypatch.setattr(spark_engine, "_LONELY_SECONDS", 0.1)
    monkeypatch.setattr(spark_engine, "_CHECK_SECONDS", 0.05)
    with pytest.raises(EngineError) as raised:
        list(SparkEngine(jobs, CLUSTER).map(join, range(9)))
    assert str(raised.value).startswith(message)
    assert (raised.value.hint, raised.value.exit_code) == (hint, ExitCode.TRAINING)


def test_a_driver_that_dies_during_a_job_is_told(monkeypatch):
    monkeypatch.setattr(spark_engine, "_CHECK_SECONDS", 0.05)
    jobs = Threads()
    results = SparkEngine(jobs, CLUSTER).map(join, range(9))
    assert next(results) == "0"
    jobs.hangs, jobs.alive = True, False
    with pytest.raises(EngineError, match="the connection to the Spark cluster"):
        list(SparkEngine(jobs, CLUSTER).map(join, range(9)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OTHER_PYTHON, "the Spark executor on 10.0.0.5 has Python 3.8, and this command 3."),
        (
            NO_SBR,
            f"the Spark executor on 10.0.0.5 has no sbr {__version__}: No module named 'sbrcli'",
        ),
        (NO_PYTHON, "the Spark executor on 10.0.0.5 has no program python3.9"),
    ],
)
def test_an_executor_that_cannot_take_part_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError) as raised:
        find_executors(Threads(raises=text), CLUSTER, tmp_path, None)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert (raised.value.hint, raised.value.exit_code) == (SAME, ExitCode.CONFIG)
    with pytest.raises(ConfigError, match="the Spark executor of this cluster has "):
        find_executors(Threads(raises=text, host=None), CLUSTER, tmp_path, None)


def test_what_executors_have_and_see(tmp_path, monkeypatch):
    seen = find_executors(Threads(), CLUSTER, tmp_path, 0.1)
    assert seen.num_threads == 3
    assert seen.memory is not None  # of one host, however many executors it has
    host = socket.gethostname()
    for name, value, message in (
        (
            "look",
            lambda *_: ("0.0.1", "seen"),
            f"has sbr 0.0.1, and this command is {__version__}",
        ),
        (
            "look",
            lambda *_: (__version__, None),
            f"does not see, or cannot write in, {tmp_path}",
        ),
    ):
        monkeypatch.setattr(f"sbrcli.engines.spark_task.{name}", value)
        with pytest.raises(ConfigError) as raised:
            find_executors(Threads(), CLUSTER, tmp_path, None)
        assert str(raised.value) == f"the Spark executor on {host} {message}"
    monkeypatch.setattr(spark, "_EXECUTOR_SECONDS", 0)
    monkeypatch.setattr(spark, "_CHECK_SECONDS", 0.05)
    with pytest.raises(ConfigError) as raised:
        find_executors(Threads(threads=0, hangs=True), CLUSTER, tmp_path, None)
    assert str(raised.value) == "the Spark cluster spark://a:1 has no free executor"
    assert raised.value.hint == (
        "start workers with sbin/start-worker.sh ADDRESS, or wait until others end"
    )
    assert not list(tmp_path.iterdir())


def test_an_executor_that_joins_with_another_version_is_told(monkeypatch):
    engine = SparkEngine(Threads(threads=1), CLUSTER)
    results = engine.map(join, range(99))
    assert next(results) == "0"
    monkeypatch.setattr(task, "__version__", "0.0.1")
    with pytest.raises(EngineError) as raised:
        list(results)
    assert str(raised.value) == (
        f"a Spark executor that has joined has sbr 0.0.1, and this command is {__version__}"
    )


def test_a_lost_session_of_this_machine_is_called_so():
    assert spark._describe("spark://a:1").is_lost().hint == (
        "start the master and its workers, and run the command again"
    )
    error = spark._describe("local[2,4]").is_lost()
    assert str(error) == "the connection to the Spark session of this machine is lost"
    assert error.hint == "give more memory to Java (spark.driver.memory), and run the command again"


def test_names_of_clusters():
    assert read_master(None, 2) == "local[2,4]"
    assert read_master("local", 9) == "local[1,4]"
    assert read_master("local[3]", 9) == read_master("local[3,1]", 9) == "local[3,4]"
    assert read_master("local[*]", 9) == "local[*,4]"
    for name in ("spark://a:7077,b:7077", "yarn", "k8s://https://a:443"):
        assert read_master(name, 1) == name
        assert not is_local(name)
    with pytest.raises(ConfigError) as raised:
        read_master("tcp://a:8786", 1)
    assert str(raised.value) == "tcp://a:8786 is no address of a Spark cluster"
    assert raised.value.hint == (
        "--cluster spark://HOST:7077 names a master, and local[4] a session of this machine; yarn "
        "and k8s://HOST:PORT are possible too"
    )


def test_a_master_that_does_not_listen_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        require_answer(f"spark://127.0.0.1:{port}", 5)
        require_answer(f"spark://no.invalid:1,127.0.0.1:{port}", 5)
    for master in (f"spark://127.0.0.1:{port}", "spark://no.invalid:7077", "spark://no.invalid"):
        with pytest.raises(ConfigError) as raised:
            require_answer(master, 5)
        assert str(raised.value) == f"no Spark master answers at {master}"
        assert raised.value.hint == (
            "start it with sbin/start-master.sh of the same version of Spark as pyspark; --cluster "
            "spark://HOST:7077 names it"
        )
    require_answer("yarn", 5)


def test_without_the_extra_or_java_they_are_named(sbr, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    for command in ("preprocess", "stats"):
        said = sbr(command, "no.csv", "--engine", "spark")
        assert (said.code, said.stdout) == (ExitCode.CONFIG, "")
        assert said.stderr == (
            "error: --engine spark needs pyspark, which is not installed\n"
            "hint: pip install 'sbrcli[spark]'; without --engine, this machine does the work\n"
        )
    monkeypatch.setattr(registry, "find_spec", lambda _: object())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    hint = (
        "hint: install Java 17 or later, as with apt-get install default-jre-headless; JAVA_HOME "
        "names another place\n"
    )
    for command in ("preprocess", "stats"):
        said = sbr(command, "no.csv", "--engine", "spark")
        assert (said.code, said.stdout) == (ExitCode.CONFIG, "")
        assert said.stderr == "error: --engine spark needs Java, which is not installed\n" + hint
    monkeypatch.setenv("JAVA_HOME", "jre")
    said = sbr("preprocess", "no.csv", "--engine", "spark")
    assert said.stderr == (
        "error: --engine spark needs Java, and JAVA_HOME=jre has no bin/java\n" + hint
    )
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch(mode=0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    spark_java.require_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", os.fspath(java.parent))
    spark_java.require_java()


def test_the_option_of_the_engine():
    assert EngineConfig(engine="spark", cluster="local[2]").engine == "spark"
