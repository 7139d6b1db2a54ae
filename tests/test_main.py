"""The entry point: an interruption before there is an application to answer it."""

import subprocess
import sys

import pytest

from sbrcli import __main__
from sbrcli.cli import app


class Interrupted:
    """A package whose import is interrupted."""

    @property
    def app(self) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_while_the_imports_run_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sbrcli.cli", Interrupted())
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")


def test_ctrl_c_before_the_command_runs_or_after_it_has_is_one_line(capsys, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "main", interrupt)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")


SAYS_MUCH = """
import atexit, signal, sys, types
from sbrcli.cli import app

def run(_):
    sys.stdout.write("x" * 100_000)
    sys.stderr.write("y")
    return 3

app.run = run
sys.modules.update({name: types.ModuleType(name) for name in sys.argv[1:]})
atexit.register(lambda: sys.stderr.write(f" {signal.getsignal(signal.SIGINT).name}"))
app.main([])
"""


@pytest.mark.parametrize(("loaded", "stderr"), [((), "y SIG_IGN"), (("tensorflow",), "y")])
def test_nothing_interrupts_the_end_and_tensorflow_has_none(loaded, stderr):
    """What was said is said in full, and the exit code is the command's."""
    words = [sys.executable, "-c", SAYS_MUCH, *loaded]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("x" * 100_000, stderr, 3)
