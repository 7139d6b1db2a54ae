"""The command `sbr`: its subcommands, and the only place that turns errors into exit codes."""

import contextlib
import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from sbrcli.artefacts.workspace import DEFAULT_WORKDIR, Workspace
from sbrcli.cli.memory import lacks_memory
from sbrcli.cli.options import GLOBAL, AsJson, Invocation, Quiet
from sbrcli.cli.output import Output, give_up_stdout, open_closed_streams, write_labelled
from sbrcli.cli.strict import WrongWords
from sbrcli.cli.subcommands import SubcommandGroup
from sbrcli.cli.suggestions import suggest_options
from sbrcli.errors import ConfigError, ExitCode, SbrError
from sbrcli.version import __version__

EXAMPLE = "Example: sbr stats ratings.dat (full example: sbr demo; manual: sbr guide)"
EXIT_CODES = (
    "Exit codes: 0 ok, 1 a bug, 2 usage (unknown or conflicting options, or a malformed "
    "value), 3 data, 4 configuration (a value that cannot be used), 5 artefact (dataset or run "
    "missing, damaged, of another version, or already existing), 6 training failed or a worker "
    "process died, 130 interrupted (Ctrl-C or SIGTERM)."
)

app = typer.Typer(
    name="sbr",
    cls=SubcommandGroup,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _write(text: str) -> None:
    """Write a text to stdout now: at the end, an error would have an exit code of Python's."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _print_version(wanted: bool) -> None:
    if wanted:
        _write(f"sbr {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=f"{EXAMPLE}\n\n{EXIT_CODES}")
def _begin(
    ctx: typer.Context,
    as_json: AsJson = False,
    quiet: Quiet = False,
    workdir: Annotated[
        Path,
        typer.Option(
            "--workdir",
            "-w",
            metavar="FOLDER",
            envvar="SBR_WORKDIR",
            help="Folder of the datasets and runs.",
            rich_help_panel=GLOBAL,
        ),
    ] = DEFAULT_WORKDIR,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Turn a log of who-clicked-what-when into next-item recommendations."""
    output = Output(as_json, quiet)
    ctx.obj = Invocation(output, Workspace(workdir, output))
    if ctx.invoked_subcommand is None:
        _write(ctx.get_help() + "\n")


_NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors of a write that are caused by the machine, not by `sbr`."""


_LEFT_OUT_TO_SERVE = ("tensorflow", "keras", "pandas", "pyarrow", "scipy")
"""Packages that an installation for `recommend` and `serve` alone may lack."""


def main(arguments: list[str] | None = None) -> None:
    """Run `sbr` and leave the process with its exit code."""
    signal.signal(signal.SIGTERM, _end_as_ctrl_c)
    code = run(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # the result has been written
        signal.signal(number, signal.SIG_IGN)
    if {"tensorflow", "pyarrow"} & set(sys.modules):
        _end_at_once(code)
    sys.exit(code)


def _end_at_once(code: int) -> NoReturn:
    """End the process without the interpreter's shutdown.

    With TensorFlow, the shutdown takes a second. A thread of TensorFlow, or of PyArrow's CSV reader
    after a bad row, may still hold Python objects and occasionally aborts the process.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # `run` has reported it
            stream.flush()
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    A bug is not caught: its traceback is needed for the report.
    """
    try:
        open_closed_streams()
        code = _invoke(arguments) or ExitCode.OK
    except SystemExit:
        return ExitCode.OK  # Typer exits if the reader of the help closes the pipe
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except SbrError as error:
        # A damaged file may request any amount of memory; a thread that cannot start is no damage.
        cause = error.__cause__
        if not isinstance(cause, (OSError, RuntimeError)) or not lacks_memory(cause):
            return _fail(str(error), error.hint, error.exit_code)
        code = None
    except WrongWords as error:
        suggest_options(error)
        message = error.format_message()  # pyright: ignore[reportAttributeAccessIssue]
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "sbr"
        return _fail(message, f"run {command} --help for usage", ExitCode.USAGE)
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        give_up_stdout()
        where = f"{error.filename}" if error.filename else "the output"
        message = f"cannot write {where}: {os.strerror(error.errno)}"
        return _fail(message, "free some space or write elsewhere", ExitCode.ARTEFACT)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not lacks_memory(error):
            raise
        code = None  # reported below, after the frames that hold the memory are gone
    if code is None:
        return _fail(
            "not enough memory",
            "give the process more memory, or read part of the log, such as its last months",
            ExitCode.DATA,
        )
    # Typer turns a KeyboardInterrupt into this exit code without a message.
    return _fail("interrupted", None, code) if code == ExitCode.INTERRUPTED else code


def _invoke(arguments: list[str] | None) -> Any:
    """Run a command; return its exit code, or None.

    Raises:
        ConfigError: it needs a package that an installation to serve leaves out.
    """
    try:
        return app(args=arguments, prog_name="sbr", standalone_mode=False)
    except ModuleNotFoundError as error:
        if error.name not in _LEFT_OUT_TO_SERVE:
            raise
        raise ConfigError(
            f"this command needs {error.name}, which is not installed",
            hint="pip install . in the folder of sbr installs all that it needs",
        ) from error


def _end_as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Handle SIGTERM as Ctrl-C is currently handled: a training run writes a checkpoint first."""
    answer = signal.getsignal(signal.SIGINT)
    if not callable(answer):  # the parent ignores Ctrl-C, as `nohup` and `sbr … &` do
        raise KeyboardInterrupt
    answer(signal.SIGINT, frame)


def _fail(message: str, hint: str | None, code: ExitCode) -> int:
    write_labelled("error", message, "red")
    if hint:
        write_labelled("hint", hint, "cyan")
    return code
