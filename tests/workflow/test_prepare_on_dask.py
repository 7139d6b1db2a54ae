"""`sbr preprocess --engine dask` on two worker processes over tcp: the dataset of one process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.storage import load_split
from sbrcli.engines.dask import DaskEngine
from sbrcli.engines.memory import Room
from sbrcli.errors import ExitCode
from tests.engines.dask_cluster import cluster_of
from tests.engines.dying import Deadly, Dying
from tests.workflow.test_describe_in_parts import describe
from tests.workflow.test_given_split_in_parts import content_of, make_logs, write_logs
from tests.workflow.test_given_split_in_parts import prepare as prepare_given
from tests.workflow.test_prepare_in_parts import make_table, prepare, write_log
from tests.workflow.test_stages import require_one_progress

PHASES = [
    *("divide_piece", "join_part", "count_gaps_of", "run_round", "find_ends"),
    *("find_items", "count_splits", "write_part"),
]


pytestmark = pytest.mark.usefixtures("small_batches")


def on(address: str, parts: int = 5) -> EngineConfig:
    return EngineConfig(engine="dask", cluster=address, parts=parts)


def make_log(folder: Path) -> Path:
    """Write a log with ties, text ids and named sessions."""
    table = make_table()
    table["session_id"] = [f"s{user}" for user in table["user_id"]]
    table["user_id"] = [f"{'é' if user % 2 else 'u'}{user}" for user in table["user_id"]]
    table["item_id"] = [f"i{item}" for item in table["item_id"]]
    return write_log(folder, table)


@pytest.mark.parametrize(
    "config",
    [
        PrepareConfig(session="user"),
        PrepareConfig(session="gap:90000", drop_repeats=True),
        PrepareConfig(session="column", split="last"),
        PrepareConfig(session="gap:90000", split="time", max_user_events=20),
        PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True),
    ],
    ids=str,
)
def test_a_cluster_makes_the_same_dataset(tmp_path, address, config):
    log, workspace = make_log(tmp_path), Workspace(tmp_path / "work")
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    made, _ = prepare(log, workspace, "dask", config, on(address))
    assert made == whole
    one, other = (workspace.path_of("dataset", name) for name in ("whole", "dask"))
    for split in ("train", "test"):
        loaded = [load_split(path, split) for path in (one, other)]
        assert loaded[0].item_indices.tolist() == loaded[1].item_indices.tolist()
        assert loaded[0].offsets.tolist() == loaded[1].offsets.tolist()
    assert (other / "train.parquet").is_dir()


def test_a_cluster_shows_one_progress(tmp_path, address):
    log, workspace = make_log(tmp_path), Workspace(tmp_path / "work")
    _, said = prepare(log, workspace, "dask", PrepareConfig(session="user"), on(address))
    require_one_progress(said)


def test_stats_are_the_same(tmp_path, address):
    log, workspace = write_log(tmp_path, make_table()), Workspace(tmp_path / "work")
    whole, _ = describe(log, workspace, EngineConfig(), "gap:90000")
    found, said = describe(log, workspace, on(address), "gap:90000")
    assert found == whole
    require_one_progress(said, "describe", ["read", "count"])


def test_a_given_split_is_the_same(tmp_path, address):
    logs, workspace = write_logs(tmp_path, make_logs()), Workspace(tmp_path / "work")
    config = PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True)
    whole, said = prepare_given(logs, workspace, "whole", config, EngineConfig())
    made, said_too = prepare_given(logs, workspace, "dask", config, on(address))
    assert made == whole
    assert said_too.warnings == said.warnings
    one, other = (workspace.path_of("dataset", name) for name in ("whole", "dask"))
    assert content_of(other) == content_of(one)
    assert (other / "train.parquet").is_dir()


def test_the_scheduler_of_the_environment_and_a_relative_work_directory(
    sbr, tmp_path, address, monkeypatch
):
    import dask

    log = write_log(tmp_path, make_table())
    words = ("preprocess", log, "--session", "user", "--engine", "dask", "--quiet")
    with dask.config.set({"scheduler-address": address}):
        said = sbr(*words)
    assert said.code == 0
    assert len(list(Path("sbr-work/datasets/log-user/train.parquet").iterdir())) == 4
    assert not list(Path("sbr-work").rglob(".*.tmp"))


def run_with(monkeypatch: pytest.MonkeyPatch, phase: str, wrap: Any) -> None:
    """Have the kernels of a phase wrapped."""
    real = DaskEngine.map

    def mapped(self: DaskEngine, kernel: Any, *words: Any) -> Iterator[Any]:
        return real(self, wrap(kernel) if kernel.__name__ == phase else kernel, *words)

    monkeypatch.setattr(DaskEngine, "map", mapped)


def kill_in(
    monkeypatch: pytest.MonkeyPatch, phase: str, folder: Path, seconds: float | None
) -> None:
    """Have a worker die in a phase, once; see `Dying`."""
    run_with(monkeypatch, phase, lambda kernel: Dying(kernel, folder / "died", seconds))


def require_no_change(
    prepared: Callable[[Workspace, str, EngineConfig], Any], folder: Path, address: str
) -> None:
    """Check that a worker has died, and that the dataset is that of one process."""
    workspace = Workspace(folder / "work")
    whole = prepared(workspace, "whole", EngineConfig())
    assert not (folder / "died").exists()
    assert prepared(workspace, "dask", on(address)) == whole
    assert (folder / "died").exists()
    assert not list(workspace.root.rglob("*.tmp"))
    assert not list((workspace.root / ".staging").iterdir())


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        pytest.param(
            phase,
            seconds,
            marks=() if (phase, seconds) == ("divide_piece", None) else pytest.mark.slow,
        )
        for phase in PHASES
        for seconds in (0, 0.001, 0.005, 0.02, None)
    ],
)
def test_the_death_of_a_worker_changes_nothing(tmp_path, address, monkeypatch, phase, seconds):
    log = write_log(tmp_path, make_table())

    def prepared(workspace: Workspace, name: str, engine: EngineConfig) -> Any:
        return prepare(log, workspace, name, PrepareConfig(session="user"), engine)[0]

    kill_in(monkeypatch, phase, tmp_path, seconds)
    require_no_change(prepared, tmp_path, address)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["compare_part", "join_part", "run_round", "write_part"])
@pytest.mark.parametrize("seconds", [0, 0.005, None])
def test_the_death_of_a_worker_changes_no_given_split(
    tmp_path, address, monkeypatch, phase, seconds
):
    logs = write_logs(tmp_path, make_logs())

    def prepared(workspace: Workspace, name: str, engine: EngineConfig) -> Any:
        return prepare_given(logs, workspace, name, PrepareConfig(session="user"), engine)[0]

    kill_in(monkeypatch, phase, tmp_path, seconds)
    require_no_change(prepared, tmp_path, address)


@pytest.mark.parametrize("seconds", [pytest.param(0, marks=pytest.mark.slow), None])
def test_the_death_of_a_worker_changes_no_session_across_users(
    tmp_path, address, monkeypatch, seconds
):
    log = write_log(tmp_path, make_table())
    config = PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True)

    def prepared(workspace: Workspace, name: str, engine: EngineConfig) -> Any:
        return prepare(log, workspace, name, config, engine)[0]

    kill_in(monkeypatch, "complete_part", tmp_path, seconds)
    require_no_change(prepared, tmp_path, address)


WORKER = ("-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard")


def test_the_death_of_all_workers_leaves_nothing(sbr, tmp_path, monkeypatch):
    log = write_log(tmp_path, make_table())
    with cluster_of(0) as cluster:
        address = cluster.scheduler_address
        words = [sys.executable, *WORKER, "--local-directory", str(tmp_path), address]
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        workers = [
            subprocess.Popen(words, env=os.environ | {"PYTHONPATH": path}, **quiet)
            for _ in range(2)
        ]
        try:
            while len(cluster.scheduler.workers) < 2:
                assert all(worker.poll() is None for worker in workers)
                time.sleep(0.05)
            run_with(monkeypatch, "write_part", Deadly)
            began = time.monotonic()
            said = sbr(
                *("preprocess", log, "--session", "user", "--quiet"),
                *("--engine", "dask", "--cluster", address),
            )
            assert time.monotonic() - began < 600
            assert [worker.wait(60) for worker in workers] == [-signal.SIGKILL] * 2
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    assert (said.code, said.stdout) == (ExitCode.TRAINING, "")
    assert said.stderr == (
        f"error: all workers of the Dask cluster {address} have died\n"
        "hint: start workers, and run the command again; if they ran out of memory, give more "
        "parts with a lower --memory\n"
    )
    assert not list(Path("sbr-work/datasets").iterdir())
    assert not list(Path("sbr-work/.staging").iterdir())
    assert not Path("sbr-work/.scratch").exists()


CHILD = """
import os, sys, time
from pathlib import Path
from sbrcli.cli.app import run
from sbrcli.dataset import plan

def wait(engine, *_):
    Path("workers").write_text(" ".join(set(engine.map(pid_after, range(4)))))
    Path("stopped").touch()
    time.sleep(600)

def pid_after(_):
    time.sleep(0.2)
    return str(os.getpid())

plan.cleanse_parts = wait
if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
"""


def test_ctrl_c_ends_a_cluster_of_this_machine(tmp_path):
    log = write_log(tmp_path, make_table())
    (tmp_path / "child.py").write_text(CHILD)
    words = ("preprocess", str(log), "--session", "user", "--engine", "dask", "--quiet")
    path = os.pathsep.join(
        [str(tmp_path), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    )
    child = subprocess.Popen(
        [sys.executable, "child.py", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        start_new_session=True,
    )
    while not Path("stopped").exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    workers = [int(pid) for pid in Path("workers").read_text().split()]
    os.killpg(child.pid, signal.SIGINT)
    stdout, stderr = child.communicate(timeout=120)
    assert (child.returncode, stdout) == (ExitCode.INTERRUPTED, "")
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) <= 1
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not list(Path("sbr-work").rglob("*.arrow"))
    assert not Path("sbr-work/datasets").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "session", "split"),
    [
        ("ml-1m/ratings.dat", "user", "date"),
        ("ml-1m/ratings.dat", "user", "last"),
        ("ml-1m/ratings.dat", "gap:3600", "date"),
        ("ml-1m/ratings.dat", "gap:3600", "time"),
        ("ml-1m/ratings.dat", "gap:3600 across users", "date"),
        ("diginetica/sessions.tsv.gz", "column", "date"),
    ],
)
def test_real_logs(tmp_path, shared_data, address, monkeypatch, name, session, split):
    monkeypatch.setattr(Room, "batch_bytes", property(lambda _: 4_000_000))
    log, workspace = shared_data / name, Workspace(tmp_path / "work")
    session, _, across_users = session.partition(" ")
    config = PrepareConfig(session=session, across_users=bool(across_users), split=split)
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    assert prepare(log, workspace, "dask", config, on(address, parts=4))[0] == whole
