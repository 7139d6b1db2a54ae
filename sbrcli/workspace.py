"""The folders that `sbr` keeps on disk: whole or absent, each with a manifest that says what it is.

A work directory holds `datasets/<name>/` and `runs/<name>/`. A folder is written under
`.staging/`, beside them, and renamed into its place; what it replaces is renamed away first and
deleted last. Locks and staged folders never lie inside `datasets/` or `runs/`.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.manifests import MADE_BY, MANIFEST, Kind, read_manifest

_SHELF: dict[Kind, str] = {"dataset": "datasets", "run": "runs"}


@dataclass(frozen=True, slots=True)
class Folder:
    """A dataset or a run on disk, with its manifest as read."""

    kind: Kind
    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Workspace:
    """A work directory; made when something is first written to it."""

    root: Path

    def place(self, kind: Kind, name: str) -> Path:
        """Say where a folder of that name lies, there or not.

        Raises:
            ConfigError: the name could not be one path component.
        """
        return self.root / _SHELF[kind] / check_name(kind, name)

    def open(self, kind: Kind, name: str | None = None) -> Folder:
        """Open the named folder, or the latest complete one.

        Raises:
            ArtefactError: it is missing, damaged, incomplete or of another format version.
        """
        if name is None:
            return self._latest(kind)
        path = self.place(kind, name)
        if not path.is_dir():
            raise self._missing(kind, name)
        folder = Folder(kind, path, read_manifest(path, kind))
        if not _is_complete(folder):
            raise ArtefactError(
                f"run {name} has not finished training", hint="sbr train --resume finishes it"
            )
        return folder

    def find(self, kind: Kind, name: str) -> Folder | None:
        """Open the named folder, finished or not; None where there is none.

        Raises:
            ArtefactError: it is there, but damaged or of another format version.
        """
        path = self.place(kind, name)
        return Folder(kind, path, read_manifest(path, kind)) if path.is_dir() else None

    def names(self, kind: Kind) -> list[str]:
        """Name the folders of a kind, in order of name."""
        shelf = self.root / _SHELF[kind]
        found = shelf.iterdir() if shelf.is_dir() else ()
        # What others have left there, as file browsers do, is none of ours.
        return sorted(p.name for p in found if p.name[0] != "." and (p / MANIFEST).exists())

    @contextlib.contextmanager
    def staged(self, kind: Kind, name: str, *, keep_replaced: bool = False) -> Iterator[Path]:
        """Give an empty folder to fill; at the end it takes the place of `name`, at once.

        Where the body raises, nothing is left behind and what was there before stays.

        Args:
            kind: a dataset or a run.
            name: the folder's name.
            keep_replaced: keep what was there before until `discard_replaced`: for a folder that
                is not whole yet when it takes its place.
        """
        target = self.place(kind, name)
        self._make(target.parent)
        with self._temporary_folder(name) as temporary:
            new, old = temporary / "new", temporary / "old"
            new.mkdir()
            yield new
            if keep_replaced and target.exists() and not self._replaced(kind, name).exists():
                old = self._replaced(kind, name)
                self._make(old.parent)
            if target.exists():
                target.rename(old)
            new.rename(target)

    def discard_replaced(self, kind: Kind, name: str) -> None:
        """Delete what `staged` has kept, now that its successor is whole."""
        shutil.rmtree(self._replaced(kind, name), ignore_errors=True)

    def retract(self, kind: Kind, name: str) -> None:
        """Take a begun folder away again, and put back what it has replaced."""
        target, replaced = self.place(kind, name), self._replaced(kind, name)
        shutil.rmtree(target, ignore_errors=True)
        if replaced.exists():
            replaced.rename(target)

    def _replaced(self, kind: Kind, name: str) -> Path:
        return self.root / ".replaced" / f"{kind}-{name}"

    @contextlib.contextmanager
    def locked(self, kind: Kind, name: str) -> Iterator[None]:
        """Keep every other `sbr` from writing the same folder meanwhile.

        Raises:
            ArtefactError: another process holds the lock.
        """
        check_name(kind, name)
        locks = self.root / ".locks"
        self._make(locks)
        with self._opened(locks / f"{kind}-{name}") as file:
            if not _try_lock(file.fileno()):
                raise ArtefactError(
                    f"another sbr is writing {kind} {name} in {self.root}",
                    hint="wait until it ends, or give another --name",
                )
            yield

    def _latest(self, kind: Kind) -> Folder:
        folders = [Folder(kind, p, read_manifest(p, kind)) for p in self._paths(kind)]
        complete = [folder for folder in folders if _is_complete(folder)]
        if not complete:
            raise self._missing(kind, None)
        return max(complete, key=_finished_at)

    def _paths(self, kind: Kind) -> list[Path]:
        return [self.root / _SHELF[kind] / name for name in self.names(kind)]

    def _missing(self, kind: Kind, name: str | None) -> ArtefactError:
        there = self.names(kind)
        what = f"no {kind}" if name is None else f"no {kind} named {name}"
        hint = f"make one with: {MADE_BY[kind]}"
        if there and name is not None:
            hint = f"there are: {', '.join(there)}"
        return ArtefactError(f"{what} in {self.root}", hint=hint)

    def _opened(self, path: Path) -> IO[str]:
        try:
            return path.open("a")
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> ArtefactError:
        return ArtefactError(
            f"can not write in the work directory {self.root}: {error.strerror or error}",
            hint="free some space or name another with --workdir",
        )

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    @contextlib.contextmanager
    def _temporary_folder(self, name: str) -> Iterator[Path]:
        staging = self.root / ".staging"
        self._make(staging)
        temporary = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=staging))
        try:
            yield temporary
        except OSError as error:
            raise self._not_writable(error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_name(kind: Kind, name: str) -> str:
    """Give back a folder's name if it can be one.

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


def _finished_at(folder: Folder) -> str:
    """Tell when a folder became whole: a run that was resumed, at its end."""
    manifest = folder.manifest
    return str(manifest.get("completed_at") or manifest.get("created_at", ""))


def _is_complete(folder: Folder) -> bool:
    return folder.kind == "dataset" or folder.manifest.get("status") == "complete"


def _try_lock(descriptor: int) -> bool:
    """Take an exclusive lock that the system frees when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
