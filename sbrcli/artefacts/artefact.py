"""A dataset or a run on disk: its name, its manifest and its folder."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from typing import Any, ClassVar, Self

from sbrcli.artefacts.decode import EntryError, decode
from sbrcli.artefacts.manifests import (
    MANIFEST,
    Kind,
    cannot_be_read,
    damaged,
    may_not_be_read,
    read_manifest,
)
from sbrcli.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact(ABC):
    """A dataset or a run on disk, as its manifest describes it."""

    kind: ClassVar[Kind]

    path: Path
    document: dict[str, Any] = field(repr=False)
    """The whole manifest, to write or show it again; the other fields are its decoded entries."""

    created_at: str | None = None
    """When it was created: ISO 8601 with offset."""

    completed_at: str | None = None
    """When the training of a run ended."""

    sbr_version: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    """The checksums of its files, by name; empty for versions of sbr without checksums."""

    @classmethod
    def from_document(cls, path: Path, document: dict[str, Any]) -> Self:
        """Decode the manifest of the folder at a path.

        Raises:
            ArtefactError: an entry is missing or of the wrong type.
        """
        try:
            return decode(cls, document, path=path, document=document)
        except EntryError as error:
            raise damaged(path / MANIFEST, str(error)) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the folder at a path.

        Raises:
            ArtefactError: its manifest is missing or damaged, or it is of another format version.
        """
        return cls.from_document(path, read_manifest(path, cls.kind))

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def finished_at(self) -> str:
        """When it was completed; for a resumed run, its end. The strings sort by time."""
        return self.completed_at or self.created_at or ""

    @property
    @abstractmethod
    def is_complete(self) -> bool:
        """Whether it is complete; a run in training is not."""

    def with_entries(self, **entries: Any) -> Self:
        """Return a copy with other entries in its manifest; nothing is written.

        Raises:
            ArtefactError: an entry is of the wrong type.
        """
        return self.from_document(self.path, self.document | entries)


def check_name(kind: Kind, name: str) -> str:
    """Return a name if it is a valid folder name.

    Raises:
        ConfigError: it is empty, too long, hidden, or contains a separator or a control character.
    """
    allowed = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not name or not allowed or name.startswith((".", "-")) or len(name.encode()) > 120:
        raise ConfigError(
            f"a {kind}'s name must be 1 to 120 printable characters, without / \\ : * ? \" < > | "
            f"and not begin with a dot or a dash. Received: {name!r}"
        )
    return name


def is_folder(path: Path) -> bool:
    """Return whether a folder exists.

    Raises:
        ArtefactError: a parent folder cannot be entered, or the system reports an error.
    """
    try:
        return S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise may_not_be_read(path.parent) from error
    except OSError as error:  # a link to itself, a long name, a server error
        raise cannot_be_read(path, error) from error


def list_folder(path: Path) -> list[Path]:
    """Return the entries of a folder, in order of name; none if it does not exist.

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
    """Return whether a folder contains a manifest, or may contain one but cannot be entered."""
    try:
        (path / MANIFEST).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def check_readable(artefact: Artefact) -> None:
    """Check that the files of a dataset or run are readable.

    Raises:
        ArtefactError: one of them is not.
    """
    for path in list_folder(artefact.path):
        if path.is_file() and not os.access(path, os.R_OK):
            raise may_not_be_read(path)
