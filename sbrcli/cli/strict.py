"""Commands that refuse arguments which would be ignored or misunderstood silently."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from sbrcli.cli.suggestions import check_command
from sbrcli.errors import UsageError

# BadParameter is public, and its base class covers every usage error of the parser.
WrongWords: type[Exception] = typer.BadParameter.__bases__[0]

_NAMES = ("run", "runs", "dataset", "name", "hybrid_from", "finish", "from_run", "named")
"""The Python names of parameters that name a run or a dataset."""


class StrictCommand(TyperCommand):
    """A subcommand that refuses repeated single-valued options and empty names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of a command line.

        Raises:
            UsageError: a single-valued option is repeated, or a path or name is empty.
        """
        check_words(self, ctx, args)
        return super().parse_args(ctx, args)


class StrictGroup(TyperGroup):
    """The command `sbr` itself, with the options before a subcommand."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand at the start of a command line.

        Raises:
            UsageError: the word is another program's name for a subcommand.
        """
        if args and not ctx.resilient_parsing:
            check_command(args[0], self.commands)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of a command line.

        Raises:
            UsageError: a single-valued option is repeated, or a path or name is empty.
        """
        check_words(self, ctx, args)
        return super().parse_args(ctx, args)


def check_words(command: Any, ctx: Any, args: Iterable[str]) -> None:
    """Check that no single-valued option is repeated, and that no path or name is empty.

    Permissions of paths are checked when they are read: an unreadable log is a data error.

    Raises:
        UsageError: an option is repeated, or a path or name is empty.
        WrongWords: there is no such option, or it has no value.
    """
    if ctx.resilient_parsing:  # completing a word that is still being typed
        return
    for parameter in command.params:
        if _is_path(parameter):
            parameter.type.readable = False
    try:
        values, _, order = command.make_parser(ctx).parse_args(args=list(args))
    except WrongWords as error:
        error.ctx = ctx  # pyright: ignore[reportAttributeAccessIssue]  # the parser leaves it out
        raise
    if "help" not in values:
        _check_repetition(order)
        _check_emptiness(command.params, values)


def _check_repetition(order: Iterable[Any]) -> None:
    for parameter, times in Counter(order).items():
        is_plain_flag = getattr(parameter, "is_flag", False) and not parameter.secondary_opts
        if times > 1 and not parameter.multiple and not is_plain_flag:
            raise given_twice(_called(parameter))


def given_twice(option: str) -> UsageError:
    """Return the error for a single-valued option that is repeated."""
    return UsageError(
        f"{option} is given more than once, but takes one value",
        hint="keep one and omit the others",
    )


def _check_emptiness(parameters: Iterable[Any], values: Mapping[str, Any]) -> None:
    for parameter in parameters:
        value = values.get(parameter.name)
        words = value if isinstance(value, (list, tuple)) else (value,)
        if "" in words and (_is_path(parameter) or parameter.name in _NAMES):
            raise UsageError(
                f"{_called(parameter)} is an empty word",
                hint="see whether the variable that it comes from is set",
            )


def _is_path(parameter: Any) -> bool:
    return hasattr(parameter.type, "readable")


def _called(parameter: Any) -> str:
    """Return the name of an option or argument as shown to users: "--run" or "LOG"."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name).strip("[].")
    return max(parameter.opts, key=len)
