"""Delete runs and datasets atomically, except those that another process is writing."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbrcli.artefacts.artefact import holds_manifest
from sbrcli.artefacts.kinds import is_intact
from sbrcli.artefacts.manifests import Kind
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, UsageError
from sbrcli.workflow.runs import size_of

KINDS: tuple[Kind, ...] = ("run", "dataset")


@dataclass(frozen=True, slots=True)
class Target:
    """A run or dataset to delete."""

    kind: Kind
    name: str
    bytes: int
    trained: tuple[str, ...] = ()
    """The remaining runs that were trained on this dataset; empty for a run."""


def find_one(workspace: Workspace, name: str) -> Kind:
    """Return the kind of the artefact with this name.

    Args:
        workspace: where it is.
        name: as the user writes it; runs/NAME and datasets/NAME specify the kind.

    Raises:
        ArtefactError: there is no such run or dataset.
        ConfigError: the name is not a valid folder name.
        UsageError: there are a run and a dataset of this name.
    """
    kinds: list[Kind] = [kind for kind in KINDS if holds_manifest(workspace.path_of(kind, name))]
    if len(kinds) > 1:
        raise UsageError(
            f"there are a run and a dataset named {name}",
            hint=f"write runs/{name} or datasets/{name}",
        )
    if not kinds:
        there = [f"{kind}s/{other}" for kind in KINDS for other in workspace.names(kind)]
        raise ArtefactError(
            f"no run or dataset named {name} in {workspace.root}",
            hint=f"there are: {', '.join(there)}" if there else "sbr runs lists what there is",
        )
    return kinds[0]


def resolve(workspace: Workspace, written: str) -> tuple[Kind, str]:
    """Return the kind and the name of the artefact that a user names; see `find_one`."""
    for kind in KINDS:
        name = written.removeprefix(f"{kind}s/").rstrip("/")
        if name != written.rstrip("/"):
            if not holds_manifest(workspace.path_of(kind, name)):
                raise workspace.missing(kind, name)
            return kind, name
    name = written.rstrip("/")
    return find_one(workspace, name), name


def find_targets(workspace: Workspace, names: Iterable[str]) -> list[Target]:
    """Find the artefacts to delete, without duplicates; nothing is deleted yet.

    Raises:
        ArtefactError: one is missing, or another process is writing it.
        ConfigError, UsageError: as `find_one`.
    """
    found = dict.fromkeys(resolve(workspace, name) for name in names)
    for kind, name in found:
        if workspace.is_written(kind, name):
            raise ArtefactError(
                f"another sbr is writing {kind} {name}; nothing is removed",
                hint="wait until it ends",
            )
    targets = []
    for kind, name in found:
        trained = _trained_on(workspace, name) if kind == "dataset" else ()
        stay = tuple(run for run in trained if ("run", run) not in found)
        targets.append(Target(kind, name, size_of(workspace.path_of(kind, name)), stay))
    return targets


def remove(workspace: Workspace, target: Target) -> bool:
    """Delete a run or dataset atomically.

    Returns:
        Whether an earlier run was restored: the one that the deleted, incomplete run was to
            replace.

    Raises:
        ArtefactError: another process is writing it, or the work directory may not be changed.
    """
    kind, name = target.kind, target.name
    path = workspace.path_of(kind, name)
    with workspace.locked(kind, name):
        try:
            if is_intact(kind, path):
                workspace.discard_replaced(kind, name)
            workspace.retract(kind, name)
        except OSError as error:
            raise ArtefactError(
                f"cannot remove {kind} {name}: {error.strerror}",
                hint="see whether you may write in the work directory",
            ) from error
        return path.exists()


def _trained_on(workspace: Workspace, dataset: str) -> Iterator[str]:
    for name in workspace.names("run"):
        with contextlib.suppress(ArtefactError):
            run = workspace.find("run", name)
            if run is not None and run.dataset.name == dataset:
                yield name
