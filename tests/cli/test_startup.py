"""What a command loads: the quick ones wait for nothing that they do not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_partner
from sbrcli.models.blend.files import save_hybrid
from tests.builders import make_run, make_sessions

SLOW = {"tensorflow", "keras", "pandas", "pyarrow", "scipy", "matplotlib"}
CLUSTERS = {"dask", "distributed", "pyspark", "py4j"}

PROGRAM = """
import sys
from sbrcli.cli.app import run
code = run(sys.argv[1:])
print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def modules_of(*words: str) -> set[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].removeprefix("modules: ").split())


@pytest.mark.parametrize("words", [("--help",), ("tune", "--help")])
def test_help_loads_neither_numpy_nor_anything_slow(words):
    assert not modules_of(*words) & (SLOW | CLUSTERS | {"numpy", "safetensors", "optuna"})


def test_preprocess_and_stats_load_neither_tensorflow_nor_the_client_of_a_cluster(tmp_path):
    log = tmp_path / "log.csv"
    rows = [f"{user},{(user + at) % 9},{at}" for user in range(20) for at in range(9)]
    log.write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    options = ("--session", "user", "--split", "last", "--memory", "1GB")
    modules = modules_of("preprocess", str(log), *options) | modules_of("stats", str(log))
    assert "pandas" in modules
    assert not modules & (CLUSTERS | {"tensorflow", "keras"})


@pytest.mark.parametrize(
    "options",
    [
        *[(), ("--json",), ("--include-seen",), ("--titles", "t.csv")],
        *[("--fallback", "popularity"), ("--exclude", "30", "--only", "@ids")],
    ],
)
def test_recommend_loads_numpy_alone(tmp_path, options):
    make_run(tmp_path / "sbr-work")
    (tmp_path / "t.csv").write_text("item,title\n10,Ten\n")
    (tmp_path / "ids").write_text("40\n50\n")
    items = "unknown" if "--fallback" in options else "10,20"
    modules = modules_of("recommend", "--items", items, *options)
    assert "numpy" in modules
    opens_files = {"@ids", "t.csv"} & set(options)
    assert not modules & (SLOW if opens_files else SLOW | {"sqlite3"})


def test_recommend_loads_numpy_alone_for_sessions_in_a_file(tmp_path):
    make_run(tmp_path / "sbr-work")
    (tmp_path / "sessions.txt").write_text("10\n20,30\n")
    assert not modules_of("recommend", "sessions.txt") & SLOW


def test_recommend_by_the_hybrid_loads_scipy_but_neither_pandas_nor_pyarrow(tmp_path):
    run = make_run(tmp_path / "sbr-work")
    training = make_sessions([0, 1, 2], [3, 4])
    fitted = fit_partner("vsknn", training, 9, default_options())
    save_hybrid(run, {"partner": "vsknn", "weight": 0.5, "options": {}}, fitted)
    modules = modules_of("recommend", "--items", "10,20", "--hybrid")
    assert modules & SLOW == {"scipy"}


def test_a_table_of_items_loads_pyarrow_but_not_pandas(tmp_path):
    make_run(tmp_path / "sbr-work")
    (tmp_path / "t.csv").write_text("item,stock\n30,1\n")
    rules = ("--items-table", "t.csv", "--where", "stock=1", "--max-per", "stock=1")
    assert modules_of("recommend", "--items", "10", *rules) & SLOW == {"pyarrow"}
