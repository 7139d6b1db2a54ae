"""The boundary: what was said, and the exit code that comes of it."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import typer

from sbrcli import __version__
from sbrcli.cli import app, stats
from sbrcli.errors import (
    ArtefactError,
    ConfigError,
    DataError,
    ExitCode,
    SbrError,
    TrainingError,
    UsageError,
)
from tests.builders import write_ratings
from tests.conftest import Said


def test_sbr_alone_prints_help(sbr):
    said = sbr()
    assert said.code == 0
    assert "Usage: sbr [OPTIONS] COMMAND [ARGS]..." in said.stdout
    assert said.stderr == ""


def test_help_names_the_exit_codes_and_every_subcommand(sbr):
    shown = " ".join(sbr("--help").stdout.split())
    assert (
        "Exit codes: 0 ok, 1 a bug, 2 usage (unknown or conflicting options, or a malformed "
        "value), 3 data, 4 configuration (a value that cannot be used), 5 artefact (dataset or run "
        "missing, damaged, of another version, or already existing), 6 training failed or a worker "
        "process died, 130 interrupted (Ctrl-C or SIGTERM)."
    ) in shown
    for command in ("stats", "preprocess", "train", "evaluate", "recommend", "demo"):
        assert f"│ {command} " in shown


def test_help_names_the_options_of_every_subcommand(sbr):
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", sbr("stats", "--help").stdout).split())
    for option, text in (
        ("--json", "Print one JSON document."),
        ("--quiet -q", "No notes and no progress bars."),
        ("--workdir -w FOLDER", "Folder of the datasets and runs."),
    ):
        assert f"{option} {text}" in shown
    assert "--version Print the version." in re.sub(" +", " ", sbr("--help").stdout)


def test_help_ends_with_an_example_and_the_exit_codes(sbr):
    lines = [line.strip() for line in sbr("--help").stdout.splitlines() if line.strip()]
    assert lines[-6] == "Example: sbr stats ratings.dat (full example: sbr demo; manual: sbr guide)"
    assert lines[-5].startswith("Exit codes: ")


def test_a_paragraph_of_help_breaks_where_the_terminal_ends(sbr):
    lines = [line.strip() for line in sbr("train", "--help").stdout.splitlines()]
    begins = next(at for at, line in enumerate(lines) if line.startswith("With --model and"))
    assert lines[begins : begins + 3] == [
        "With --model and a baseline, fit that in one pass. A complete run can be",
        "evaluated and can recommend. Some defaults differ for short sessions, fewer",
        "than 20 events on average; --dry-run prints the values that would be used.",
    ]


def test_no_choice_is_broken_in_the_help_of_80_columns(sbr):
    for name, command in typer.main.get_command(app.app).commands.items():
        page = sbr(name, "--help").stdout
        for parameter in command.params:
            assert (parameter.metavar or "") in page, (name, parameter.metavar)


def test_version_is_one_line(sbr):
    assert sbr("--version").stdout == f"sbr {__version__}\n"


def test_an_unknown_option_is_a_usage_error_with_a_hint(sbr):
    said = sbr("train", "--frobnicate")
    assert said.code == ExitCode.USAGE
    assert said.stdout == ""
    assert said.stderr == (
        "error: No such option: --frobnicate\nhint: run sbr train --help for usage\n"
    )


def test_an_unknown_subcommand_is_a_usage_error(sbr):
    said = sbr("trian")
    assert (said.code, said.stdout) == (ExitCode.USAGE, "")
    assert said.stderr.startswith("error: No such command 'trian'.")


def test_a_word_that_is_no_number_is_a_usage_error(sbr):
    said = sbr("train", "--epochs", "many")
    assert said.code == ExitCode.USAGE
    assert said.stderr.startswith("error: Invalid value for '--epochs': ")


def test_what_is_no_command_is_a_usage_error(sbr):
    assert sbr("frobnicate") == Said(
        "", "error: No such command 'frobnicate'.\nhint: run sbr --help for usage\n", 2
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (DataError, 3),
        (ConfigError, 4),
        (ArtefactError, 5),
        (TrainingError, 6),
    ],
)
def test_each_kind_of_error_has_its_exit_code(sbr, monkeypatch, error, code):
    def fail(*_words: object, **_options: object) -> None:
        raise error("here, this is wrong", hint="do that")

    monkeypatch.setattr("sbrcli.workflow.preprocess.prepare_dataset", fail)
    said = sbr("preprocess", "x")
    assert (said.code, said.stdout) == (code, "")
    assert said.stderr == "error: here, this is wrong\nhint: do that\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(*_words: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sbrcli.workflow.preprocess.prepare_dataset", fail)
    with pytest.raises(ZeroDivisionError):
        app.run(["preprocess", "x"])


def test_an_interruption_ends_with_130_and_a_word(sbr, monkeypatch):
    def interrupt(*_words: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sbrcli.workflow.preprocess.prepare_dataset", interrupt)
    said = sbr("preprocess", "x")
    assert (said.code, said.stdout, said.stderr) == (130, "", "error: interrupted\n")


def test_every_error_kind_says_message_and_hint():
    error = SbrError("what", hint="do")
    assert (str(error), error.hint, error.exit_code) == ("what", "do", ExitCode.BUG)


@pytest.mark.parametrize("before", [True, False])
def test_global_options_work_before_and_after_the_subcommand(sbr, tmp_path, before):
    log = write_ratings(tmp_path / "log", "1 5 10, 1 6 20, 2 5 15, 2 6 16")
    words = ["--json", "--quiet", "--workdir", tmp_path / "w"]
    said = sbr(*words, "stats", log) if before else sbr("stats", log, *words)
    assert json.loads(said.stdout)["events"] == 4


def test_the_workdir_comes_from_the_environment_unless_said(sbr, monkeypatch, tmp_path):
    monkeypatch.setenv("SBR_WORKDIR", str(tmp_path / "from-environment"))
    assert f"no run in {tmp_path / 'from-environment'}" in sbr("evaluate").stderr
    assert "no run in said" in sbr("--workdir", "said", "evaluate").stderr
    assert "no run in said" in sbr("evaluate", "--workdir", "said").stderr


def test_a_markup_or_escape_sequence_in_a_message_is_harmless(sbr):
    said = sbr("stats", "[red]no\x1b[31m", terminal=False)
    assert said.stderr.startswith("error: [red]no\\x1b[31m: no such file\n")


def test_a_reader_that_leaves_is_no_error(tmp_path):
    log = write_ratings(tmp_path / "log", "1 5 10, 1 6 20")
    command = [sys.executable, "-m", "sbrcli", "stats", str(log), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() in (0, -signal.SIGPIPE)


def test_completion_can_be_shown_for_a_shell():
    # A program that no shell has started has no shell to detect.
    named = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "sbrcli", "--show-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=named)
    assert done.returncode == 0, done.stderr
    assert "_SBR_COMPLETE" in done.stdout


def test_each_subcommand_module_registers_itself():
    assert callable(stats.register)
