"""Recognise a dataset or a run that a user names where a log is expected."""

from collections.abc import Sequence
from pathlib import Path

from sbrcli.artefacts.artefact import holds_manifest
from sbrcli.artefacts.manifests import MANIFEST, Kind, read_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, ConfigError, UsageError

_SHOWN_BY: dict[Kind, str] = {"dataset": "sbr stats --dataset", "run": "sbr runs show"}


def refuse_artefacts(workspace: Workspace, log: Sequence[Path]) -> None:
    """Check that no path of a log is the name or the folder of a dataset or a run.

    Args:
        workspace: where names are looked up.
        log: the paths as the user writes them.

    Raises:
        UsageError: one is; the hint is the command that describes it.
    """
    for path in log:
        if path.is_dir() and holds_manifest(path):
            folder, kind = path.resolve(), _kind_of(path)
            where = folder.parent.parent
            other = [] if where == workspace.root.resolve() else [f"--workdir {where}"]
        elif path.exists() or len(path.parts) != 1:
            continue
        else:
            folder, kind, other = path, _kind_named(workspace, str(path)), []
        if kind is not None:
            raise UsageError(
                f"{path} is a {kind} that sbr has made, and not a log",
                hint=" ".join(["describe it:", _SHOWN_BY[kind], folder.name, *other]),
            )


def _kind_of(folder: Path) -> Kind | None:
    """Return the kind of a folder with a manifest; None if it is not one of sbr's."""
    try:
        manifest = read_json(folder / MANIFEST)
    except ArtefactError:
        return None
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    return kind if kind in _SHOWN_BY else None


def _kind_named(workspace: Workspace, name: str) -> Kind | None:
    """Return the kind of what the work directory holds under a name, a dataset first."""
    try:
        kinds: tuple[Kind, ...] = ("dataset", "run")
        return next((k for k in kinds if holds_manifest(workspace.path_of(k, name))), None)
    except ConfigError:  # it cannot be a name
        return None
