"""Completions of option values on Tab; loads neither TensorFlow nor pandas."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import typer

from sbrcli.artefacts.artefact import list_folder
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.workspace import DEFAULT_WORKDIR
from sbrcli.errors import SbrError

Completer = Callable[..., list[str]]


def complete_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the runs of the work directory with this prefix, including unfinished ones."""
    return _names(ctx, "runs", incomplete)


def complete_datasets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the datasets of the work directory with this prefix."""
    return _names(ctx, "datasets", incomplete)


def complete_all(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the runs, datasets and studies of the work directory with this prefix."""
    of_studies = [f"studies/{name}" for name in _names(ctx, "studies", "", "study.json")]
    studies = [name for name in of_studies if name.startswith(incomplete)]
    return sorted({*complete_runs(ctx, incomplete), *complete_datasets(ctx, incomplete), *studies})


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


def _names(ctx: typer.Context, shelf: str, incomplete: str, document: str = MANIFEST) -> list[str]:
    with suppress(SbrError, OSError):
        found = [path for path in list_folder(_root(ctx) / shelf) if path.name[0] != "."]
        return [
            path.name
            for path in found
            if path.name.startswith(incomplete) and (path / document).exists()
        ]
    return []


def _root(ctx: typer.Context) -> Path:
    """Return the work directory given on the command line so far, or the default."""
    contexts = [ctx, *([ctx.parent] if ctx.parent else [])]
    return next((Path(c.params["workdir"]) for c in contexts if c.params.get("workdir")),
                DEFAULT_WORKDIR)  # fmt: skip
