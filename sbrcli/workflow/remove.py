"""Delete runs, datasets and studies atomically, except those that another process is writing."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sbrcli.artefacts.artefact import holds_manifest
from sbrcli.artefacts.kinds import is_intact
from sbrcli.artefacts.manifests import Kind
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, UsageError
from sbrcli.workflow.studies import size_of, study_names
from sbrcli.workflow.tuning.study_folder import StudyFolder, open_study_folder

Removable = Kind | Literal["study"]

KINDS: tuple[Kind, ...] = ("run", "dataset")
EVERY_KIND: tuple[Removable, ...] = (*KINDS, "study")
SHELVES: dict[Removable, str] = {"run": "runs", "dataset": "datasets", "study": "studies"}
"""Each kind with the folder that holds it, which a user writes before a name of several kinds."""


@dataclass(frozen=True, slots=True)
class Target:
    """A run, a dataset or a study to delete."""

    kind: Removable
    name: str
    bytes: int
    trained: tuple[str, ...] = ()
    """The remaining runs that were trained on this dataset; empty for runs and studies."""

    @property
    def written(self) -> str:
        """Its name with its kind, as in "runs/shop"."""
        return f"{SHELVES[self.kind]}/{self.name}"


def find_one(workspace: Workspace, name: str, kinds: Sequence[Removable] = EVERY_KIND) -> Removable:
    """Return the kind of what has this name.

    Args:
        workspace: where it is.
        name: as the user writes it, without its kind.
        kinds: the kinds to look for.

    Raises:
        ArtefactError: there is none.
        ConfigError: the name is not a valid folder name.
        UsageError: there are several of this name.
    """
    found: list[Removable] = [kind for kind in kinds if _is_there(workspace, kind, name)]
    if len(found) > 1:
        written = [f"{SHELVES[kind]}/{name}" for kind in found]
        raise UsageError(
            f"there are {_joined([f'a {kind}' for kind in found], 'and')} named {name}",
            hint=f"write {_joined(written, 'or')}; to remove all: sbr runs rm {' '.join(written)}",
        )
    if not found:
        there = [f"{SHELVES[kind]}/{n}" for kind in kinds for n in _names(workspace, kind)]
        raise ArtefactError(
            f"no run or dataset named {name} in {workspace.root}",
            hint=f"there are: {', '.join(there)}" if there else "sbr runs lists what there is",
        )
    return found[0]


def resolve(workspace: Workspace, written: str) -> tuple[Removable, str]:
    """Return the kind and the name of what a user names, as in "shop" or "runs/shop".

    Raises:
        ArtefactError, ConfigError, UsageError: as `find_one`.
    """
    name = written.rstrip("/")
    for kind, shelf in SHELVES.items():
        own = name.removeprefix(f"{shelf}/")
        if own != name:
            if not _is_there(workspace, kind, own):
                raise _missing(workspace, kind, own)
            return kind, own
    return find_one(workspace, name), name


def resolve_artefact(workspace: Workspace, written: str) -> tuple[Kind, str]:
    """Return the kind and the name of the run or dataset that a user names; see `resolve`."""
    name = written.rstrip("/")
    if "/" not in name:
        return find_one(workspace, name, KINDS), name  # pyright: ignore[reportReturnType]
    kind, name = resolve(workspace, written)
    if kind == "study":
        raise UsageError(
            f"{name} is a study, which only sbr tune shows",
            hint="the same sbr tune command with --trials 1 shows its trials, and adds none",
        )
    return kind, name


def remove_named(
    workspace: Workspace,
    names: Iterable[str],
    confirm: Callable[[Sequence[Target]], bool] | None,
    on_removed: Callable[[Target, bool], None],
) -> list[Target]:
    """Delete what a user names, one after the other.

    Args:
        workspace: where it is.
        names: as in "shop" or "runs/shop".
        confirm: called with all that would be deleted; nothing is if it returns False. None to
            delete without confirmation.
        on_removed: called after each deletion, with what `remove` returns.

    Returns:
        What is deleted.

    Raises:
        ArtefactError, ConfigError, UsageError: see `find_targets` and `remove`.
    """
    targets = find_targets(workspace, names)
    if confirm is not None and not confirm(targets):
        return []
    for target in targets:
        on_removed(target, remove(workspace, target))
    return targets


def find_targets(workspace: Workspace, names: Iterable[str]) -> list[Target]:
    """Find what to delete, without duplicates; nothing is deleted yet.

    Raises:
        ArtefactError: one is missing, or another process is writing it.
        ConfigError, UsageError: as `find_one`.
    """
    found = dict.fromkeys(resolve(workspace, name) for name in names)
    for kind, name in found:
        if _is_written(workspace, kind, name):
            raise ArtefactError(
                f"another sbr is writing {kind} {name}; nothing is removed",
                hint="wait until it ends",
            )
    targets = []
    for kind, name in found:
        trained = _trained_on(workspace, name) if kind == "dataset" else ()
        stay = tuple(run for run in trained if ("run", run) not in found)
        targets.append(Target(kind, name, size_of(workspace.root / SHELVES[kind] / name), stay))
    return targets


def remove(workspace: Workspace, target: Target) -> bool:
    """Delete a run, a dataset or a study atomically.

    Returns:
        Whether an earlier run was restored: the one that the deleted, incomplete run was to
            replace.

    Raises:
        ArtefactError: another process is writing it, or the work directory may not be changed.
    """
    kind, name = target.kind, target.name
    if kind == "study":
        open_study_folder(workspace, name).remove()
        return False
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


def _is_there(workspace: Workspace, kind: Removable, name: str) -> bool:
    if kind == "study":
        return open_study_folder(workspace, name).exists()
    return holds_manifest(workspace.path_of(kind, name))


def _is_written(workspace: Workspace, kind: Removable, name: str) -> bool:
    if kind == "study":
        return StudyFolder(workspace.root, name).is_in_use()
    return workspace.is_written(kind, name)


def _names(workspace: Workspace, kind: Removable) -> list[str]:
    return study_names(workspace) if kind == "study" else workspace.names(kind)


def _missing(workspace: Workspace, kind: Removable, name: str) -> ArtefactError:
    if kind != "study":
        return workspace.missing(kind, name)
    there = ", ".join(study_names(workspace))
    hint = f"there are: {there}" if there else "sbr tune makes one"
    return ArtefactError(f"no study named {name} in {workspace.root}", hint=hint)


def _joined(words: list[str], last: str) -> str:
    """Join words as in "a, b and c"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _trained_on(workspace: Workspace, dataset: str) -> Iterator[str]:
    for name in workspace.names("run"):
        with contextlib.suppress(ArtefactError):
            run = workspace.find("run", name)
            if run is not None and run.dataset.name == dataset:
                yield name
