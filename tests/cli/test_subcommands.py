"""A subcommand is one module and one line, and is imported only where it is used."""

import re
import subprocess
import sys
from pathlib import Path

from sbrcli.cli.subcommands import SUBCOMMANDS

TOY = '''
"""A subcommand that only says hello."""
from sbrcli.cli.options import subcommand

def register(app):
    subcommand(app, example="sbr hello")(hello)

def hello(invocation):
    """Say hello."""
    invocation.output.write_line("hello")
'''


def test_a_module_and_one_line_make_a_subcommand(sbr, tmp_path, monkeypatch):
    (tmp_path / "toy_subcommand.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(SUBCOMMANDS, "hello", "toy_subcommand")
    assert sbr("hello").stdout == "hello\n"
    assert re.search(r"hello +Say hello\.", sbr("--help").stdout)
    assert "Example: sbr hello" in sbr("hello", "--help").stdout
    assert "--json" in sbr("hello", "--help").stdout


def test_a_command_imports_no_module_of_another():
    program = (
        "import sys; from sbrcli.cli.app import run; run(['guide', '--help']); "
        f"sys.stderr.write(' '.join(m for m in {list(SUBCOMMANDS.values())} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "80"},
    )
    assert done.stderr == "sbrcli.cli.guide"
