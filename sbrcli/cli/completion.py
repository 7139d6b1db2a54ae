"""Completions of option values on Tab; loads neither TensorFlow nor pandas."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import typer

from sbrcli.artefacts.artefact import holds_manifest, list_folder
from sbrcli.errors import SbrError

Completer = Callable[..., list[str]]


def complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the runs of the work directory with this prefix, including unfinished ones."""
    return _names(ctx, "runs", incomplete)


def complete_datasets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the datasets of the work directory with this prefix."""
    return _names(ctx, "datasets", incomplete)


def complete_both(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the runs and datasets of the work directory with this prefix."""
    return sorted({*complete_runs(ctx, incomplete), *complete_datasets(ctx, incomplete)})


def complete_words(words: Iterable[str]) -> Completer:
    """Return a function that completes a value to one of these words."""
    allowed = list(words)

    def complete(incomplete: str) -> list[str]:
        return [word for word in allowed if word.startswith(incomplete)]

    return complete


def complete_list(words: Iterable[str]) -> Completer:
    """Return a function that completes the last of several comma-separated words."""
    allowed = list(words)

    def complete(incomplete: str) -> list[str]:
        *before, last = incomplete.split(",")
        left = [word for word in allowed if word not in before]
        return [",".join([*before, word]) for word in left if word.startswith(last)]

    return complete


def _names(ctx: typer.Context, shelf: str, incomplete: str) -> list[str]:
    found: list[Path] = []
    with suppress(SbrError, OSError):
        found = list_folder(_root(ctx) / shelf)
    return [path.name for path in found if path.name.startswith(incomplete) and _is_ours(path)]


def _is_ours(path: Path) -> bool:
    return not path.name.startswith(".") and holds_manifest(path)


def _root(ctx: typer.Context) -> Path:
    """Return the work directory given on the command line so far, or the default."""
    from sbrcli.cli.options import DEFAULT_WORKDIR  # which imports this module

    contexts = [ctx, *([ctx.parent] if ctx.parent else [])]
    return next((Path(c.params["workdir"]) for c in contexts if c.params.get("workdir")),
                DEFAULT_WORKDIR)  # fmt: skip
