"""Memory that ends: one line, and a documented exit code."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from sbrcli.cli import app
from sbrcli.cli.memory import lacks_memory
from tests.builders import write_ratings
from tests.chains import make_workspace

resource = pytest.importorskip("resource")

SAID = (
    "error: not enough memory\n"
    "hint: give the process more memory, or read part of the log, such as its last months\n"
)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 131072 failed"),
        RuntimeError("can't start new thread"),
        OSError("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
        ImportError("lib.so: failed to map segment from shared object"),
    ],
)
def test_errors_of_several_kinds_say_that_memory_ends(error: Exception):
    assert lacks_memory(error)


def test_an_error_that_memory_led_to_says_so_too():
    error = RuntimeError("a reader failed")
    error.__cause__ = MemoryError()
    assert lacks_memory(error)
    assert not lacks_memory(RuntimeError("a reader failed"))


def test_a_command_that_gets_no_memory_ends_with_exit_code_3(sbr, monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    write_ratings(Path("log"), "1 2 3,1 3 4")
    monkeypatch.setattr("sbrcli.log.formats.delimited.parse_text", fail)
    said = sbr("stats", "log")
    assert (said.code, said.stdout, said.stderr) == (3, "", SAID)


def test_a_dataset_that_gets_no_memory_is_not_called_damaged(sbr, tmp_path, monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("Failed to launch worker thread: Resource temporarily unavailable")

    make_workspace(tmp_path / "sbr-work")
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", fail)
    said = sbr("stats")
    assert (said.code, said.stdout, said.stderr) == (3, "", SAID)


def test_another_error_at_run_time_stays_a_bug(monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(RuntimeError, match="odd"):
        app.run([])


@pytest.mark.parametrize("spare", [50, 100, 150])
def test_a_limit_of_the_system_is_no_traceback_and_no_abort(tmp_path, spare: int):
    rows = "".join(f"{n % 50},{n % 300},{1_700_000_000 + n}\n" for n in range(100_000))
    (tmp_path / "log.csv").write_text("user,item,time\n" + rows)
    limited = (
        "import resource, sys; import pandas, pyarrow.csv, sbrcli.log.statistics; "
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize(); "
        f"resource.setrlimit(resource.RLIMIT_AS, (size + ({spare} << 20),) * 2); "
        "from sbrcli.cli.app import main; main(['stats', 'log.csv'])"
    )
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    done = subprocess.run(
        [sys.executable, "-c", limited], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", SAID)
