"""The options that several subcommands share, and the registration of subcommands."""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from sbrcli.artefacts.workspace import DEFAULT_WORKDIR, Workspace
from sbrcli.cli.completion import complete_datasets, complete_runs
from sbrcli.cli.output import Output
from sbrcli.cli.strict import StrictCommand, given_twice
from sbrcli.errors import UsageError

GLOBAL = "Global options"
"""The help panel of the options that every subcommand takes."""

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=GLOBAL)
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No notes and no progress bars.", rich_help_panel=GLOBAL),
]
Workdir = Annotated[
    Path | None,
    typer.Option(
        "--workdir",
        "-w",
        metavar="FOLDER",
        help="Folder of the datasets and runs.",
        rich_help_panel=GLOBAL,
    ),
]
Logs = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOG...",
        help="The log of events: a file, a folder of its parts, several of these in their order, "
        "an address such as s3://bucket/log.parquet, or - for standard input.",
    ),
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="Name of a dataset. \\[default: the latest]",
        autocompletion=complete_datasets,
    ),
]
DatasetArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATASET]",
        help="The same as --dataset.",
        show_default=False,
        autocompletion=complete_datasets,
    ),
]
RunName = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="NAME",
        help="Name of a run. \\[default: the latest]",
        autocompletion=complete_runs,
    ),
]
RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        help="The same as --run.",
        show_default=False,
        autocompletion=complete_runs,
    ),
]
TimeZone = Annotated[
    str,
    typer.Option("--tz", metavar="ZONE", help="Time zone for printed times, such as Asia/Seoul."),
]


@dataclass(frozen=True, slots=True)
class Invocation:
    """The context of a subcommand: its output and its work directory."""

    output: Output
    workspace: Workspace

    def extended(self, as_json: bool, quiet: bool, workdir: Path | None) -> "Invocation":
        """Return the context, extended by the global options after the subcommand's name."""
        output = Output(self.output.as_json or as_json, self.output.quiet or quiet)
        return Invocation(output, Workspace(workdir or self.workspace.root, output))


def workdir_words(root: Path) -> list[str]:
    """Return how a command names its work directory: not at all if it is the default."""
    return [] if root == DEFAULT_WORKDIR else ["--workdir", str(root)]


def one_name(named: str | None, option: str | None, flag: str) -> str | None:
    """Return the name that is given as an argument, as an option, or equally as both.

    Raises:
        UsageError: they differ.
    """
    if named is not None and option is not None and named != option:
        raise UsageError(
            f"{named} and {flag} {option} name two different things", hint="omit one of them"
        )
    return option if named is None else named


def subcommand(app: typer.Typer, example: str, **settings: Any) -> Callable[[Callable], Callable]:
    """Register a function of (Invocation, its own options) as a subcommand of `app`.

    The global options are added after its own, so that they work before and after its name.

    Args:
        app: the application.
        example: shown at the end of the subcommand's help.
        settings: passed on to `app.command`.
    """

    def register(function: Callable) -> Callable:
        @functools.wraps(function)
        def run(
            ctx: typer.Context,
            *,
            as_json: bool,
            quiet: bool,
            workdir: Path | None,
            **own: Any,
        ) -> None:
            invocation = ctx.find_object(Invocation) or Invocation(
                Output(), Workspace(DEFAULT_WORKDIR)
            )
            if workdir is not None and _stands_before_too(ctx, "workdir"):
                raise given_twice("--workdir")
            try:
                function(invocation.extended(as_json, quiet, workdir), **own)
            except BrokenPipeError:
                # The reader of the results has closed the pipe. Python would report it again at
                # exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise typer.Exit from None

        run.__signature__ = _with_global_options(inspect.signature(function))  # pyright: ignore
        words = _in_one_line_each(function.__doc__ or "")
        app.command(cls=StrictCommand, help=words, epilog=f"Example: {example}", **settings)(run)
        return function

    return register


def _stands_before_too(ctx: typer.Context, option: str) -> bool:
    """Return whether a global option comes before the subcommand's name."""
    source = ctx.parent.get_parameter_source(option) if ctx.parent else None
    return source is not None and source.name == "COMMANDLINE"


def _in_one_line_each(docstring: str) -> str:
    """Join each paragraph into one line, so that the help wraps it to the terminal's width."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def _with_global_options(own: inspect.Signature) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
    shared = [
        inspect.Parameter("as_json", keyword, annotation=AsJson, default=False),
        inspect.Parameter("quiet", keyword, annotation=Quiet, default=False),
        inspect.Parameter("workdir", keyword, annotation=Workdir, default=None),
    ]
    parameters = list(own.parameters.values())[1:]  # the first is the Invocation
    return own.replace(
        parameters=[context, *(p.replace(kind=keyword) for p in parameters), *shared]
    )
