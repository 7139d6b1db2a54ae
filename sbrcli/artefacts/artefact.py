"""One dataset or one run on disk: its name, its manifest, and whether it is whole."""

import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from sbrcli.artefacts.manifests import (
    MANIFEST,
    Kind,
    cannot_be_read,
    may_not_be_read,
    read_manifest,
)
from sbrcli.errors import ArtefactError, ConfigError


@dataclass(frozen=True, slots=True)
class Artefact:
    """A dataset or a run on disk, with its manifest as read."""

    kind: Kind
    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name


def check_name(kind: Kind, name: str) -> str:
    """Return a folder's name if it can be one.

    Raises:
        ConfigError: it is empty, too long, hidden, or holds a separator or a control character.
    """
    allowed = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not name or not allowed or name.startswith((".", "-")) or len(name.encode()) > 120:
        raise ConfigError(
            f"a {kind}'s name must be 1 to 120 printable characters, without / \\ : * ? \" < > | "
            f"and not begin with a dot or a dash. Received: {name!r}"
        )
    return name


def finished_at(folder: Artefact) -> str:
    """Return when a folder was completed; a resumed run, at its end."""
    manifest = folder.manifest
    return str(manifest.get("completed_at") or manifest.get("created_at", ""))


def is_complete(folder: Artefact) -> bool:
    """Return whether a folder is made to its end; a run in training is not."""
    return folder.kind == "dataset" or folder.manifest.get("status") == "complete"


def is_intact(kind: Kind, path: Path) -> bool:
    """Return whether a folder is there, undamaged, and complete."""
    try:
        return is_complete(Artefact(kind, path, read_manifest(path, kind)))
    except ArtefactError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is a folder of that name.

    Raises:
        ArtefactError: a folder around it may not be entered, or the system cannot tell.
    """
    try:
        return S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise may_not_be_read(path.parent) from error
    except OSError as error:  # a link to itself, a name that is too long, a server that is away
        raise cannot_be_read(path, error) from error


def list_folder(path: Path) -> list[Path]:
    """List what lies in a folder, in order of name; nothing where there is none.

    Raises:
        ArtefactError: it cannot be read.
    """
    try:
        return sorted(path.iterdir()) if is_folder(path) else []
    except PermissionError as error:
        raise may_not_be_read(path) from error
    except OSError as error:
        raise cannot_be_read(path, error) from error


def holds_manifest(path: Path) -> bool:
    """Return whether a folder holds a manifest, or may not be entered so that nobody can tell."""
    try:
        (path / MANIFEST).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def check_readable(folder: Artefact) -> None:
    """Check that the files of a dataset or run may be read.

    Raises:
        ArtefactError: one of them may not.
    """
    for path in list_folder(folder.path):
        if path.is_file() and not os.access(path, os.R_OK):
            raise may_not_be_read(path)
