"""`sbr preprocess --engine spark` in a session of this machine: the dataset of one process."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.storage import load_split
from sbrcli.engines import spark
from sbrcli.engines.memory import Room
from sbrcli.engines.spark_engine import SparkEngine
from sbrcli.errors import ExitCode
from tests.engines.dying import Deadly, Dying
from tests.engines.spark_cluster import cluster_of, executor, needs_spark, with_path
from tests.workflow.test_describe_in_parts import describe
from tests.workflow.test_given_split_in_parts import content_of, make_logs, write_logs
from tests.workflow.test_given_split_in_parts import prepare as prepare_given
from tests.workflow.test_prepare_in_parts import make_table, prepare, write_log
from tests.workflow.test_prepare_on_dask import PHASES, make_log
from tests.workflow.test_stages import require_one_progress

pytestmark = [*needs_spark, pytest.mark.usefixtures("small_batches")]

ON_TWO_CORES = EngineConfig(engine="spark", cluster="local[2]", parts=5)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for Java, however busy the machine; executors find the tests."""
    for name, value in with_path(dict(os.environ)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(spark, "_EXECUTOR_SECONDS", 900)
    monkeypatch.setattr(spark, "_CONNECT_SECONDS", 900)


def run_with(monkeypatch: pytest.MonkeyPatch, phase: str, wrap: Any) -> None:
    """Have the kernels of a phase wrapped."""
    real = SparkEngine.map

    def mapped(self: SparkEngine, kernel: Any, *words: Any) -> Iterator[Any]:
        return real(self, wrap(kernel) if kernel.__name__ == phase else kernel, *words)

    monkeypatch.setattr(SparkEngine, "map", mapped)


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
def test_a_session_makes_the_same_dataset(tmp_path, config):
    log, workspace = make_log(tmp_path), Workspace(tmp_path / "work")
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    made, _ = prepare(log, workspace, "spark", config, ON_TWO_CORES)
    assert made == whole
    one, other = (workspace.path_of("dataset", name) for name in ("whole", "spark"))
    for split in ("train", "test"):
        loaded = [load_split(path, split) for path in (one, other)]
        assert loaded[0].item_indices.tolist() == loaded[1].item_indices.tolist()
        assert loaded[0].offsets.tolist() == loaded[1].offsets.tolist()
    assert (other / "train.parquet").is_dir()


def test_a_given_split_is_the_same(tmp_path):
    logs, workspace = write_logs(tmp_path, make_logs()), Workspace(tmp_path / "work")
    config = PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True)
    whole, said = prepare_given(logs, workspace, "whole", config, EngineConfig())
    made, said_too = prepare_given(logs, workspace, "spark", config, ON_TWO_CORES)
    assert made == whole
    assert said_too.warnings == said.warnings
    one, other = (workspace.path_of("dataset", name) for name in ("whole", "spark"))
    assert content_of(other) == content_of(one)


def test_stats_are_the_same(tmp_path):
    log, workspace = write_log(tmp_path, make_table()), Workspace(tmp_path / "work")
    whole, _ = describe(log, workspace, EngineConfig(), "gap:90000")
    found, said = describe(log, workspace, ON_TWO_CORES, "gap:90000")
    assert found == whole
    require_one_progress(said, "describe", ["read", "count"])


@pytest.mark.parametrize("phase", PHASES)
def test_the_death_of_a_process_changes_nothing(tmp_path, monkeypatch, phase):
    log, workspace = write_log(tmp_path, make_table()), Workspace(tmp_path / "work")
    config, marker = PrepareConfig(session="user"), tmp_path / "died"
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    run_with(monkeypatch, phase, lambda kernel: Dying(kernel, marker, 0.005))
    made, _ = prepare(log, workspace, "spark", config, ON_TWO_CORES)
    assert marker.exists()
    assert made == whole
    assert not list(workspace.root.rglob("*.tmp"))
    assert not list((workspace.root / ".staging").iterdir())


def test_the_death_of_all_executors_leaves_nothing(sbr, tmp_path, monkeypatch):
    log = write_log(tmp_path, make_table())
    with cluster_of(1, tmp_path / "cluster") as cluster:
        run_with(monkeypatch, "write_part", lambda kernel: Deadly(kernel, executor))
        said = sbr(
            *("preprocess", log, "--session", "user", "--quiet"),
            *("--engine", "spark", "--cluster", cluster.address),
        )
    assert (said.code, said.stdout) == (ExitCode.TRAINING, "")
    # Executors start again, on a busy machine only after the wait for them.
    place = re.escape(f"the Spark cluster {cluster.address}")
    assert re.match(
        f"error: (all executors of {place} have died|several executors of {place} have died at the "
        "same part of the log)\nhint: [^\n]*\n$",
        said.stderr,
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
    results = engine.map(stop_after, [0, 600, 600, 600])
    Path("java").write_text(next(results))
    Path("stopped").touch()
    list(results)

def stop_after(seconds):
    time.sleep(seconds)
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return stat.rpartition(")")[2].split()[1]

plan.cleanse_parts = wait
if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
"""


def test_ctrl_c_ends_a_session(tmp_path):
    log = write_log(tmp_path, make_table())
    (tmp_path / "child.py").write_text(CHILD)
    words = ("preprocess", str(log), "--session", "user", "--engine", "spark", "--quiet")
    child = subprocess.Popen(
        [sys.executable, "child.py", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=with_path(dict(os.environ)),
        start_new_session=True,
    )
    while not Path("stopped").exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.05)
    java = int(Path("java").read_text())
    os.killpg(child.pid, signal.SIGINT)
    stdout, stderr = child.communicate(timeout=600)
    assert (child.returncode, stdout) == (ExitCode.INTERRUPTED, "")
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) <= 1
    with pytest.raises(ProcessLookupError):
        os.kill(java, 0)
    assert not Path("sbr-work/.scratch").exists()
    assert not Path("sbr-work/datasets").exists()


@pytest.mark.parametrize(
    ("name", "session", "split"),
    [
        ("ml-1m/ratings.dat", "user", "date"),
        ("ml-1m/ratings.dat", "gap:3600", "time"),
        ("ml-1m/ratings.dat", "gap:3600", "last"),
        ("diginetica/sessions.tsv.gz", "column", "date"),
    ],
)
def test_real_logs(tmp_path, shared_data, monkeypatch, name, session, split):
    monkeypatch.setattr(Room, "batch_bytes", property(lambda _: 4_000_000))
    log, workspace = shared_data / name, Workspace(tmp_path / "work")
    config = PrepareConfig(session=session, split=split)
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    assert prepare(log, workspace, "spark", config, ON_TWO_CORES)[0] == whole
