"""Write folders atomically, under a lock: each is complete or absent.

A folder is written under `.staging/` and then renamed; the folder that it replaces is renamed to
`.replaced/` first and deleted last. If a process is killed between the two, or a replaced run's
successor is deleted before it is complete, the next `sbr` puts the replaced folder back.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sbrcli.artefacts.artefact import check_name, list_folder
from sbrcli.artefacts.disk import flush_files, is_locked, put_in_place, remove_folder, try_lock
from sbrcli.artefacts.kinds import is_intact
from sbrcli.artefacts.manifests import Kind
from sbrcli.errors import ArtefactError, SbrError

FOLDERS: dict[Kind, str] = {"dataset": "datasets", "run": "runs"}
"""The folder of the work directory that holds each kind."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The writing side of a work directory, which is created by the first write."""

    root: Path

    def path_of(self, kind: Kind, name: str) -> Path:
        """Return the path of an artefact, whether it exists or not.

        Raises:
            ConfigError: the name is not a valid folder name.
        """
        return self.root / FOLDERS[kind] / check_name(kind, name)

    @contextlib.contextmanager
    def staged(self, kind: Kind, name: str, *, keep_replaced: bool = False) -> Iterator[Path]:
        """Yield an empty folder to fill; at the end it becomes the artefact `name`, atomically.

        If the body raises, the folder is deleted and the old artefact stays.

        Args:
            kind: a dataset or a run.
            name: the folder's name.
            keep_replaced: keep the old artefact until `discard_replaced`, for a folder that is not
                complete yet at the end of the body.
        """
        target, replaced = self.path_of(kind, name), self._replaced(kind, name)
        self._make(target.parent)
        with self._temporary_folder(kind, name) as new:
            yield new
            flush_files(new)
            keeps_older = keep_replaced and replaced.exists() and not is_intact(kind, target)
            if target.exists() and keeps_older:
                remove_folder(target, new.with_name(f".old-{new.name}"))
            elif target.exists():
                self._make(replaced.parent)
                shutil.rmtree(replaced, ignore_errors=True)
                target.rename(replaced)
            put_in_place(new, target, replaced)
        if not keep_replaced:
            self.discard_replaced(kind, name)

    @contextlib.contextmanager
    def scratch(self, kind: Kind, name: str) -> Iterator[Path]:
        """Yield an empty folder for the time in which an artefact is written.

        Folders of processes that were killed are deleted first. The artefact's lock must be held.
        """
        self.discard_scratch(kind, name)
        folder = self.root / ".scratch"
        own = folder / f"{kind}-{name}"
        self._make(own)
        try:
            yield own
        except OSError as error:
            raise self._not_writable(error) from error
        finally:
            shutil.rmtree(own, ignore_errors=True)
            with contextlib.suppress(OSError):  # another dataset is being prepared
                folder.rmdir()

    @contextlib.contextmanager
    def own_scratch(self, work: str) -> Iterator[Path]:
        """Yield an empty folder for work that writes no artefact, and leave nothing at the end."""
        name = f"{work}-{os.getpid()}"
        try:
            with self.locked("dataset", name), self.scratch("dataset", name) as folder:
                yield folder
        finally:
            lock = self.root / ".locks" / f"dataset-{name}"
            with contextlib.suppress(OSError):  # others work in the same directory
                lock.unlink()
                lock.parent.rmdir()
                self.root.rmdir()

    def discard_scratch(self, kind: Kind, name: str) -> None:
        """Delete what killed processes have left on scratch. The lock of `name` must be held."""
        folder = self.root / ".scratch"
        for left in list_folder(folder):
            owner = left.name.removeprefix(f"{kind}-")
            if owner == name or not self.is_written(kind, owner):
                shutil.rmtree(left, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is none, or another dataset is being prepared
            folder.rmdir()

    def discard_replaced(self, kind: Kind, name: str) -> None:
        """Delete the folder that `staged` replaced, once its successor is complete."""
        shutil.rmtree(self._replaced(kind, name), ignore_errors=True)

    def retract(self, kind: Kind, name: str) -> None:
        """Remove an incomplete folder, and restore the one that it replaced."""
        target, replaced = self.path_of(kind, name), self._replaced(kind, name)
        if target.exists():
            remove_folder(target, self._staging(kind, name))
        if replaced.exists():
            replaced.rename(target)

    def _replaced(self, kind: Kind, name: str) -> Path:
        return self.root / ".replaced" / f"{kind}-{name}"

    def _staging(self, kind: Kind, name: str) -> Path:
        return self.root / ".staging" / f"{kind}-{name}"

    def _bring_back_replaced(self) -> None:
        """Restore each replaced folder whose successor is missing and not being written."""
        found: list[Path] = []
        with contextlib.suppress(ArtefactError):  # another user's work directory
            found = list_folder(self.root / ".replaced")
        for folder in found:
            for kind, subfolder in FOLDERS.items():
                name = folder.name.removeprefix(f"{kind}-")
                # Another process is writing it, or the disk is read-only: leave it.
                with contextlib.suppress(SbrError, OSError):
                    if name != folder.name and not (self.root / subfolder / name).exists():
                        with self.locked(kind, name):
                            pass

    @contextlib.contextmanager
    def locked(self, kind: Kind, name: str, *, wait_seconds: float = 0) -> Iterator[None]:
        """Prevent other processes of `sbr` from writing the same folder during the body.

        Args:
            kind: a dataset or a run.
            name: the folder's name.
            wait_seconds: how long to wait for another process that is writing it.

        Raises:
            ArtefactError: another process holds the lock.
        """
        check_name(kind, name)
        locks = self.root / ".locks"
        self._make(locks)
        with self._opened(locks / f"{kind}-{name}") as file:
            # A process that only checks the lock holds it for a moment.
            deadline = time.monotonic() + max(wait_seconds, 0.1)
            while not try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    raise ArtefactError(
                        f"another sbr is writing {kind} {name} in {self.root}",
                        hint="wait until it ends, or give another --name",
                    )
                time.sleep(0.02)
            target, replaced = self.path_of(kind, name), self._replaced(kind, name)
            if replaced.exists() and not target.exists():
                replaced.rename(target)
            yield

    def is_written(self, kind: Kind, name: str) -> bool:
        """Return whether a process is writing a folder now."""
        return is_locked(self.root / ".locks" / f"{kind}-{name}")

    def _opened(self, path: Path) -> IO[str]:
        try:
            return path.open("a")
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> ArtefactError:
        # PyArrow's errors have an errno, but messages of their own.
        why = os.strerror(error.errno) if error.errno else str(error)
        return ArtefactError(
            f"cannot write in the work directory {self.root}: {why}",
            hint="free some space or name another with --workdir",
        )

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    @contextlib.contextmanager
    def _temporary_folder(self, kind: Kind, name: str) -> Iterator[Path]:
        temporary = self._staging(kind, name)
        shutil.rmtree(temporary, ignore_errors=True)  # left by a process that was killed
        self._make(temporary)
        try:
            yield temporary
        except OSError as error:
            raise self._not_writable(error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
