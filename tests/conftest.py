"""What every test may use: a runner of `sbr`, and the pinned terminal."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from sbrcli.cli import app, output
from sbrcli.models.training import backend
from sbrcli.workflow import training_phases as training
from tests.left_out import (  # noqa: F401
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

# Some tests import TensorFlow themselves. It must be as quiet then as `sbr` makes it, since what it
# writes at its first use would else stand among what a later test has `sbr` say.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Where PYTHONDONTWRITEBYTECODE is set, each process of the tests would compile all modules again:
# some 10 s in each worker of pytest-xdist, which rewrites the assertions too.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# On a busy machine any example may take long, and nothing is wrong with it.
# `pytest --hypothesis-profile many` looks far longer for an example that fails.
settings.register_profile("some", deadline=None, max_examples=25)
settings.register_profile("many", deadline=None, max_examples=2000)
settings.load_profile("some")

LONG = int(os.environ.get("SBR_TESTS_LONG", "1"))
"""How many times as many random examples the tests marked slow try; 25 is a night's work."""

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Said:
    """What one command said, and how it ended."""

    stdout: str
    stderr: str
    code: int


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let no garbage be looked for in what stays: TensorFlow, all modules and the list of tests.

    There are millions of such objects, and `sbr train` has garbage collected between two phases.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def pinned_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """80 columns, no colour, and a work directory of the test's own."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("SBR_WORKDIR", "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def listening_for_ctrl_c() -> Iterator[None]:
    """Python's own answer to Ctrl-C, also where the tests' parent ignores it (as `cmd &` does)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def plain_processor() -> Iterator[None]:
    """A processor of one kind, so that no test depends on the one at hand.

    It has no bfloat16, unless the environment variable SBR_TEST_BFLOAT16 is 1.
    """
    has_it = os.environ.get("SBR_TEST_BFLOAT16") == "1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "has_bfloat16", lambda: has_it)
        yield


@pytest.fixture(autouse=True, scope="session")
def steps_traced_once() -> Iterator[None]:
    """Trace each network once, see `tests.traced_steps`; that needs TensorFlow, so not before."""
    start = training.start_tensorflow

    def start_tensorflow(*options: Any) -> None:
        start(*options)
        from tests import traced_steps

        traced_steps.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "start_tensorflow", start_tensorflow)
        yield


@pytest.fixture
def sbr(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run `sbr` in this process, into a pipe or (`terminal=True`) as if onto a terminal."""

    def run(*words: object, terminal: bool = False) -> Said:
        monkeypatch.setattr(output, "is_terminal", lambda _stream: terminal)
        capfd.readouterr()  # what the test's own import of TensorFlow said is none of `sbr`'s words
        code = app.run([str(word) for word in words])
        captured = capfd.readouterr()
        return Said(captured.out, captured.err, int(code))

    return run


@pytest.fixture
def ml_1m() -> Path:
    """MovieLens 1M, where it lies beside the project."""
    return _shared("ml-1m/ratings.dat")


@pytest.fixture
def shared_data() -> Path:
    """The folder of real logs, where it lies beside the project."""
    return _shared("README.md").parent


def _shared(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the project")
    return path
