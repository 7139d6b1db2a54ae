"""The entry point: an interruption before there is an application to answer it."""

import signal
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


def test_the_end_of_the_interpreter_is_not_interrupted(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(app, "run", lambda _: 3)
    try:
        with pytest.raises(SystemExit) as ended:
            app.main([])
        assert ended.value.code == 3
        for number in (signal.SIGINT, signal.SIGTERM):
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
