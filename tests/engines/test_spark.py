"""The engine of Spark itself: in a session of this machine, and on a master with workers."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbrcli.config.engine import EngineConfig
from sbrcli.engines import spark
from sbrcli.engines.registry import started
from sbrcli.errors import ConfigError, DataError, EngineError, ExitCode
from sbrcli.version import __version__
from tests.engines.dying import Deadly, Dying
from tests.engines.spark_cluster import SparkCluster, cluster_of, executor, needs_spark, with_path

pytestmark = needs_spark

HERE = "the Spark session of this machine"
SAME = "install the same version on all workers; PYSPARK_PYTHON names the Python that they run"


def divide(part: int, by: int) -> tuple[int, int]:
    return part // by, os.getpid()


def join(part: int) -> str:
    return str(part)


def refuse(part: int) -> None:
    raise DataError(f"no {part}", hint="take another")


def time_out(part: int) -> None:
    raise TimeoutError("the disk")


def sleep(part: int, seconds: float) -> int:
    time.sleep(seconds)
    return part


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for Java, however busy the machine; executors find the tests."""
    for name, value in with_path(dict(os.environ)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(spark, "_EXECUTOR_SECONDS", 900)
    monkeypatch.setattr(spark, "_CONNECT_SECONDS", 900)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with cluster_of(2, tmp_path_factory.mktemp("spark") / "cluster") as cluster:
        yield cluster


def wait_until_gone(pids: set[int]) -> None:
    for pid in pids:
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)


def test_a_session_of_this_machine(tmp_path, capfd):
    with started(EngineConfig(engine="spark"), tmp_path) as (engine, has):
        assert (has.processes, has.memory) == (2, None)
        results = list(engine.map(divide, range(9), 2))
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        pids = {pid for _, pid in results}
        assert os.getpid() not in pids
        joined = engine.merge(join, range(30), combine=lambda one, other: one + other)
        assert joined == "".join(map(str, range(30)))
        with pytest.raises(DataError) as raised:
            list(engine.map(refuse, range(9)))
        assert (str(raised.value), raised.value.hint) == ("no 0", "take another")
        with pytest.raises(TimeoutError, match="the disk"):
            list(engine.map(time_out, range(2)))
        results = engine.map(Dying(divide, tmp_path / "died", None), range(9), 2)
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        with pytest.raises(EngineError) as lost:
            list(engine.map(Deadly(join), range(2)))
        assert (
            str(lost.value) == f"several executors of {HERE} have died at the same part of the log"
        )
        pids |= {pid for _, pid in engine.map(divide, range(9), 2)}
    assert {path.name for path in tmp_path.iterdir()} == {"spark.log", "died"}
    assert capfd.readouterr() == ("", "")
    wait_until_gone(pids)


def test_java_dies(tmp_path):
    with started(EngineConfig(engine="spark", cluster="local[1]"), tmp_path) as (engine, has):
        assert has.processes == 1
        with pytest.raises(EngineError) as lost:
            list(engine.map(Deadly(join, executor), range(9)))
    assert str(lost.value) == f"the connection to {HERE} is lost"
    assert lost.value.hint == (
        "give more memory to Java (spark.driver.memory), and run the command again"
    )


def test_java_that_is_too_old(tmp_path, monkeypatch):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'Error: this is Java 8' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError) as raised, started(EngineConfig(engine="spark"), tmp_path):
        pass
    assert str(raised.value) == (
        "Spark's Java process has ended at its start: Error: this is Java 8"
    )


def test_a_session_of_the_program_is_used_and_goes_on(tmp_path):
    from pyspark import SparkContext

    context = SparkContext("local[2]", "mine")
    context.pythonExec = sys.executable
    try:
        with started(EngineConfig(engine="spark"), tmp_path) as (engine, has):
            assert has.processes == 2
            assert list(engine.map(join, range(3))) == ["0", "1", "2"]
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"spark://127.0.0.1:{server.getsockname()[1]}"
            config = EngineConfig(engine="spark", cluster=address)
            with pytest.raises(ConfigError) as raised, started(config, tmp_path):
                pass
        assert str(raised.value) == "this program has a Spark session already, of local[2]"
        assert raised.value.hint == "leave out the cluster, or stop the session first"
        assert context.parallelize([3]).collect() == [3]
    finally:
        context.stop()


def test_workers_of_a_master(cluster, tmp_path, capfd):
    config = EngineConfig(engine="spark", cluster=cluster.address)
    with started(config, tmp_path) as (engine, has):
        assert has.processes == 2
        assert has.memory is not None
        assert [one for one, _ in engine.map(divide, range(9), 2)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        marker = tmp_path / "died"
        results = engine.map(Dying(divide, marker, None, executor), range(9), 2)
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        assert marker.exists()
    assert capfd.readouterr() == ("", "")


def test_the_end_of_a_master_and_then_of_its_workers(tmp_path, monkeypatch):
    with cluster_of(1, tmp_path / "cluster") as cluster:
        config = EngineConfig(engine="spark", cluster=cluster.address)
        with started(config, tmp_path) as (engine, _):
            results = engine.map(sleep, range(40), 0.2)
            assert next(results) == 0
            cluster.kill(cluster.master)
            assert next(results) == 1
            cluster.kill(*cluster.workers)
            with pytest.raises(EngineError) as lost:
                list(results)
    assert str(lost.value) == f"all executors of the Spark cluster {cluster.address} have died"
    assert lost.value.exit_code == ExitCode.TRAINING


def test_something_else_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(spark, "_CONNECT_SECONDS", 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"spark://127.0.0.1:{server.getsockname()[1]}"
        config = EngineConfig(engine="spark", cluster=address)
        with pytest.raises(ConfigError) as raised, started(config, tmp_path):
            pass
    assert str(raised.value) == f"no Spark master answers at {address}"


CUSTOM = {
    "version": "import sbrcli.version\nsbrcli.version.__version__ = '0.0.1'\n",
    "no sbr": (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'sbrcli':\n"
        "            raise ModuleNotFoundError(\"No module named 'sbrcli'\")\n"
        "sys.meta_path.insert(0, Missing())\n"
    ),
    "python": (
        "import sys, types\nimport pyspark.worker_util as util\n"
        "util.sys = types.SimpleNamespace(**vars(sys))\nutil.sys.version_info = (3, 99)\n"
    ),
    "disk": (
        "import sbrcli.engines.shared_folder as shared\n"
        "shared.look = lambda folder, token, look=shared.look: look(folder / 'no', token)\n"
    ),
}


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        (
            "version",
            f"has sbr 0.0.1, and this command is {__version__}",
            "install the same version on all workers",
        ),
        ("no sbr", f"has no sbr {__version__}: No module named 'sbrcli'", SAME),
        ("python", "has Python 3.99, and this command 3.", SAME),
        (
            "disk",
            "does not see, or cannot write in, ",
            "name with --workdir a folder on a disk that all workers share",
        ),
    ],
)
def test_an_executor_that_cannot_take_part_is_named(
    cluster, tmp_path, monkeypatch, kind, message, hint
):
    (tmp_path / "sitecustomize.py").write_text(CUSTOM[kind])
    program = tmp_path / "python"
    path = f"{tmp_path}:{os.environ['PYTHONPATH']}"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={path}:$PYTHONPATH exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PYSPARK_PYTHON", str(program))
    config = EngineConfig(engine="spark", cluster=cluster.address)
    with pytest.raises(ConfigError) as raised, started(config, tmp_path):
        pass
    assert str(raised.value).startswith("the Spark executor on ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (raised.value.hint, raised.value.exit_code) == (hint, ExitCode.CONFIG)
