"""Commands that refuse words which would be dropped or misunderstood without a message."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup

from sbrcli.cli.suggestions import check_command
from sbrcli.errors import UsageError

_NAMES = ("run", "runs", "dataset", "name", "hybrid_from", "finish", "from_run", "named")
"""Parameters that name a run or a dataset, by their name in Python."""


class StrictCommand(TyperCommand):
    """A subcommand whose options of one value may be given once, and whose names are not empty."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a command line.

        Raises:
            UsageError: a word is given twice or empty.
        """
        check_words(self, ctx, args)
        return super().parse_args(ctx, args)


class StrictGroup(TyperGroup):
    """The command itself, with the options that stand before a subcommand."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand that a command line begins with.

        Raises:
            UsageError: there is none, but one of another name that was meant.
        """
        if args and not ctx.resilient_parsing:
            check_command(args[0], self.commands)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a command line.

        Raises:
            UsageError: a word is given twice or empty.
        """
        check_words(self, ctx, args)
        return super().parse_args(ctx, args)


def check_words(command: Any, ctx: Any, args: Iterable[str]) -> None:
    """Check that no option of one value is given twice, and that no path or name is empty.

    Paths are left to whoever reads them: a log that may not be read is an error of data.

    Raises:
        UsageError: one is.
    """
    if ctx.resilient_parsing:  # for the completion of a word that is still being typed
        return
    for parameter in command.params:
        if _is_path(parameter):
            parameter.type.readable = False
    values, _, order = command.make_parser(ctx).parse_args(args=list(args))
    if "help" not in values:
        _check_repetition(order)
        _check_emptiness(command.params, values)


def _check_repetition(order: Iterable[Any]) -> None:
    for parameter, times in Counter(order).items():
        is_plain_flag = getattr(parameter, "is_flag", False) and not parameter.secondary_opts
        if times > 1 and not parameter.multiple and not is_plain_flag:
            raise given_twice(_called(parameter))


def given_twice(option: str) -> UsageError:
    """Return the error of an option of one value that is given several times."""
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
    """Name an option or argument as the user knows it, as in "--run" or "LOG"."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name).strip("[].")
    return max(parameter.opts, key=len)
