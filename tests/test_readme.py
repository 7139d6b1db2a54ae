"""The README cannot rot: what it says of commands, set-up lines and exit codes is compared."""

import re

import typer

from sbrcli.cli.app import EXIT_CODES, app
from sbrcli.errors import ExitCode
from tests.readme_reference import README, make_reference, read_reference

TEXT = README.read_text(encoding="utf-8")
SETUP_LINES = [line for line in TEXT.splitlines() if re.match(r"pip install .*&&", line)]


def test_the_reference_is_what_help_says():
    assert read_reference() == make_reference()


def test_every_command_and_option_has_a_help_text():
    for command in typer.main.get_command(app).commands.values():
        assert command.help
        assert command.epilog.startswith("Example: sbr ")
        assert all(parameter.help for parameter in command.params)


def test_the_two_setup_lines_run_the_demo_and_then_the_tests():
    first, second = SETUP_LINES
    assert first.endswith("&& sbr demo")
    assert second.endswith("&& pytest")


def test_the_ci_run_takes_the_second_setup_line_from_the_readme():
    script = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "grep -E '^pip install .*&&' README.md | sed -n 2p" in script


def test_every_exit_code_is_documented_in_the_readme_and_in_help():
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \|", TEXT, re.MULTILINE)
        assert re.search(rf"\b{code.value} ", EXIT_CODES)
