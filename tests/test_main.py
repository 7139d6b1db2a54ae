"""The entry point: an interruption before there is an application to answer it."""

import sys

import pytest

from sbrcli import __main__


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
