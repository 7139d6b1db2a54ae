"""Suggest the commands and options of `sbr` for the names that other programs use."""

from collections.abc import Iterable
from typing import Any

from sbrcli.errors import UsageError

_OPTIONS: dict[str, tuple[str, ...]] = {
    "--lr": ("--learning-rate",),
    "--rate": ("--learning-rate",),
    "--learning_rate": ("--learning-rate",),
    **dict.fromkeys(
        ("--units", "--hidden", "--hidden-size", "--hidden-units", "--rnn-size", "--size", "--dim"),
        ("--hsz",),
    ),
    **dict.fromkeys(("--num-layers", "--n-layers"), ("--layers",)),
    **dict.fromkeys(("--num-epochs", "--n-epochs", "--iterations"), ("--epochs",)),
    **dict.fromkeys(("--top", "--topk", "--top-k", "--top-n", "--k", "--n", "-n"), ("-k",)),
    **dict.fromkeys(("--model", "--run-name", "--checkpoint"), ("--run", "--name")),
    **dict.fromkeys(("--data", "--dataset-name"), ("--dataset",)),
    **dict.fromkeys(("--output", "--outfile", "-o"), ("--out", "--per-event")),
    **dict.fromkeys(("--force", "-f"), ("--overwrite", "--yes")),
    **dict.fromkeys(("--drop", "--drop-out"), ("--dropout",)),
    **dict.fromkeys(("--delimiter", "--separator"), ("--sep",)),
    **dict.fromkeys(("--random-seed", "--random-state"), ("--seed",)),
    **dict.fromkeys(("--negatives", "--num-negatives", "--neg"), ("--n-sample",)),
    **dict.fromkeys(("--min-support", "--min-item-count"), ("--min-item-support",)),
    **dict.fromkeys(("--min-length", "--min-session"), ("--min-session-length",)),
    **dict.fromkeys(("--continue", "--restart"), ("--resume",)),
    **dict.fromkeys(("--gap", "--session-gap"), ("--session",)),
    "--metric": ("--monitor", "--sort"),
    "--silent": ("--quiet",),
}
"""Options of other programs, and the corresponding options here, most likely first."""

_COMMANDS = {
    **dict.fromkeys(("predict", "infer", "rec"), "recommend"),
    **dict.fromkeys(("list", "ls", "datasets", "run", "status"), "runs"),
    **dict.fromkeys(("rm", "remove", "delete"), "runs rm"),
    **dict.fromkeys(("show", "info"), "runs show"),
    **dict.fromkeys(("test", "eval", "score"), "evaluate"),
    **dict.fromkeys(("fit", "learn", "resume"), "train"),
    **dict.fromkeys(("prepare", "prep", "import", "load", "split"), "preprocess"),
    **dict.fromkeys(("describe", "inspect", "summary"), "stats"),
    **dict.fromkeys(("diff", "leaderboard"), "compare"),
    "tune": "tune-baselines",
    "help": "--help",
    "version": "--version",
}
"""Commands of other programs, and what to type after `sbr`."""


def suggest_options(error: Any) -> None:
    """Add the option that was probably meant to the error for an unknown option."""
    context = getattr(error, "ctx", None)
    meant = _OPTIONS.get(getattr(error, "option_name", ""), ())
    if context is None:
        return
    there = {opt for parameter in context.command.params for opt in parameter.opts}
    if found := [option for option in meant if option in there]:
        error.possibilities = found[:1]


def check_command(word: str, commands: Iterable[str]) -> None:
    """Check that a subcommand is not another program's name for one.

    Raises:
        UsageError: it is; the hint names the subcommand here.
    """
    meant = _COMMANDS.get(word)
    if word not in commands and meant is not None:
        raise UsageError(f"no such command: {word}", hint=f"did you mean: sbr {meant}")
