"""The engine of a Dask cluster: two worker processes over tcp."""

import os

import pytest

from sbrcli.config.engine import EngineConfig
from sbrcli.engines import dask, registry, task
from sbrcli.engines.dask_task import hold
from sbrcli.engines.dask_workers import Workers
from sbrcli.engines.registry import started
from sbrcli.engines.shared_folder import look
from sbrcli.engines.task import HeldValues, Refused, Task
from sbrcli.errors import ConfigError, DataError, EngineError, ExitCode, OptionError
from sbrcli.version import __version__
from tests.engines.dask_cluster import cluster_of
from tests.engines.dying import Deadly, Dying


def divide(part: int, by: int) -> tuple[int, int]:
    return part // by, os.getpid()


def join(part: int) -> str:
    return str(part)


def refuse(part: int) -> None:
    raise DataError(f"no {part}", hint="take another")


def time_out(part: int) -> None:
    raise TimeoutError("the disk")


def cluster_at(address: str) -> EngineConfig:
    return EngineConfig(engine="dask", cluster=address)


def test_results_come_in_the_order_of_the_parts_from_two_processes(address, tmp_path):
    with started(cluster_at(address), tmp_path) as (engine, has):
        assert (has.processes, has.memory) == (2, None)
        results = list(engine.map(divide, range(9), 2))
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        assert os.getpid() not in {pid for _, pid in results}
        joined = engine.merge(join, range(30), combine=lambda one, other: one + other)
        assert joined == "".join(map(str, range(30)))
        assert list(engine.map(join, [])) == []
    assert not list(tmp_path.iterdir())


def test_without_an_address_a_cluster_of_this_machine_starts(tmp_path, monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with started(EngineConfig(engine="dask"), tmp_path) as (engine, has):
        assert str(engine._cluster.is_lost()) == (
            "the connection to the Dask cluster of this machine is lost"
        )
        assert (has.processes, has.memory) == (2, None)
        pids = {pid for _, pid in engine.map(divide, range(9), 2)}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_error_of_a_kernel_comes_back_as_it_is(address, tmp_path):
    with started(cluster_at(address), tmp_path) as (engine, _):
        with pytest.raises(DataError) as raised:
            list(engine.map(refuse, range(9)))
        assert (str(raised.value), raised.value.hint) == ("no 0", "take another")
        with pytest.raises(TimeoutError, match="the disk"):
            list(engine.map(time_out, range(2)))
        assert [one for one, _ in engine.map(divide, range(3), 1)] == [0, 1, 2]


def test_a_part_whose_worker_dies_runs_again(address, tmp_path):
    marker = tmp_path / "died"
    with started(cluster_at(address), tmp_path) as (engine, _):
        results = engine.map(Dying(divide, marker, None), range(9), 2)
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert marker.exists()


def test_a_part_that_kills_every_worker_is_told(tmp_path):
    with cluster_of(1, failures=0) as cluster:
        address = cluster.scheduler_address
        with (
            started(cluster_at(address), tmp_path) as (engine, _),
            pytest.raises(EngineError) as raised,
        ):
            list(engine.map(Deadly(join), range(2)))
    assert str(raised.value) == (
        f"several workers of the Dask cluster {address} have died at the same part of the log"
    )
    assert raised.value.hint == (
        "they may have run out of memory: lower --memory, which makes smaller parts"
    )
    assert raised.value.exit_code == ExitCode.TRAINING


def test_a_cluster_that_ends_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "_LONELY_SECONDS", 0)
    with cluster_of(1) as cluster:
        address = cluster.scheduler_address
        with started(cluster_at(address), tmp_path) as (engine, _):
            results = engine.map(join, range(100))
            assert next(results) == "0"
            cluster.scale(0)
            with pytest.raises(EngineError) as raised:
                list(results)
            assert str(raised.value) == f"all workers of the Dask cluster {address} have died"
            assert raised.value.hint == (
                "start workers, and run the command again; if they ran out of memory, give more "
                "parts with a lower --memory"
            )
            cluster.close()
            with pytest.raises(EngineError) as raised:
                list(engine.map(join, range(3)))
    assert str(raised.value) == f"the connection to the Dask cluster {address} is lost"
    assert raised.value.hint == "start the scheduler and its workers, and run the command again"


PRELOADS = {
    "version": "import sbrcli.version\nsbrcli.version.__version__ = '0.0.1'\n",
    "no sbr": "import sys\nsys.modules['sbrcli.engines.shared_folder'] = None\n",
    "python": (
        "import types, distributed.versions as versions\n"
        "python = types.SimpleNamespace(version_info=(3, 8, 1, 'final', 0), byteorder='little')\n"
        "versions.sys = python\n"
    ),
    "disk": (  # a worker may run it twice
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
        pytest.param(
            "no sbr",
            f"has no sbr {__version__}: ",
            "install the same version on all workers",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "python",
            "has Python 3.8, and this command 3.",
            "install the same version on all workers",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "disk",
            "does not see, or cannot write in, ",
            "name with --workdir a folder on a disk that all workers share",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_worker_that_cannot_take_part_is_named(tmp_path, kind, message, hint):
    preload = tmp_path / "preload.py"
    preload.write_text(PRELOADS[kind])
    with cluster_of(1, preload=str(preload)) as cluster:
        (worker,) = cluster.scheduler.workers
        with (
            pytest.raises(ConfigError) as raised,
            started(cluster_at(cluster.scheduler_address), tmp_path),
        ):
            pass
    assert str(raised.value).startswith(f"the Dask worker {worker} {message}")
    assert "\n" not in str(raised.value)
    assert (raised.value.hint, raised.value.exit_code) == (hint, ExitCode.CONFIG)


def test_a_worker_that_joins_with_another_version_is_told(monkeypatch):
    joining = Task(join, 3, "Dask worker")
    assert joining(hold(HeldValues(()))) == "3"
    monkeypatch.setattr(task, "__version__", "0.0.1")
    refused = joining(HeldValues(()))
    assert isinstance(refused, Refused)
    assert str(refused.error) == (
        f"a Dask worker that has joined has sbr 0.0.1, and this command is {__version__}"
    )
    assert refused.error.hint == "install the same version on all workers"
    assert isinstance(refused.error, EngineError)


def test_no_scheduler_and_no_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "_CONNECT_SECONDS", 1)
    with pytest.raises(ConfigError) as raised, started(cluster_at("nothing://a"), tmp_path):
        pass
    assert str(raised.value) == "no Dask scheduler answers at nothing://a"
    assert raised.value.hint == ("start it with dask scheduler; --cluster tcp://HOST:8786 names it")
    with cluster_of(0) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(ConfigError) as raised, started(cluster_at(address), tmp_path):
            pass
        assert str(raised.value) == f"the Dask cluster {address} has no worker"
        assert raised.value.hint == "start some with dask worker ADDRESS"
    with pytest.raises(ConfigError) as raised, started(cluster_at(address), tmp_path):
        pass
    assert str(raised.value) == f"no Dask scheduler answers at {address}"


def test_without_the_extra_it_is_named(sbr, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    for command in ("preprocess", "stats"):
        said = sbr(command, "no.csv", "--engine", "dask")
        assert (said.code, said.stdout) == (ExitCode.CONFIG, "")
        assert said.stderr == (
            "error: --engine dask needs distributed, which is not installed\n"
            "hint: pip install 'sbrcli[dask]'; without --engine, this machine does the work\n"
        )


def test_options_that_do_not_go_together():
    with pytest.raises(OptionError) as raised:
        EngineConfig(cluster="tcp://a:1")
    assert str(raised.value) == (
        "cluster goes with another engine than local, as in --engine dask. Received: --cluster "
        "tcp://a:1"
    )
    with pytest.raises(OptionError) as raised:
        EngineConfig(engine="dask", cluster="tcp://a:1", processes=3)
    assert str(raised.value) == (
        "processes are of this machine; a cluster has its own workers. Received: --processes 3 "
        "and --cluster tcp://a:1"
    )
    with pytest.raises(OptionError, match="engine must be one of local, dask"):
        EngineConfig(engine="abacus")  # pyright: ignore


def test_the_memory_of_the_workers_is_used(tmp_path):
    config = EngineConfig(engine="dask")
    assert dask._fill_in(config, Workers(8, 64 * 10**9)).memory == 32 * 10**9
    assert dask._fill_in(config, Workers(8, None)).memory is None
    assert dask._fill_in(EngineConfig(engine="dask", memory=5), Workers(8, 64)).memory == 5
    assert look(tmp_path / "no", "token") == (__version__, None)
