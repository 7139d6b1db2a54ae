"""The folders that `sbr` keeps on disk: whole or absent, each with a manifest that says what it is.

A work directory holds `datasets/<name>/` and `runs/<name>/`. A folder is written under
`.staging/`, beside them, and renamed into its place; what it replaces is renamed to `.replaced/`
first and deleted last. Where a process is killed between the two, or a replaced run's successor is
deleted before it is whole, the next `sbr` puts the replaced folder back.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sbrcli.artefacts.artefact import (
    Artefact,
    check_name,
    check_readable,
    finished_at,
    holds_manifest,
    is_complete,
    is_folder,
    is_intact,
    list_folder,
)
from sbrcli.artefacts.disk import is_locked, remove_folder, save_files, save_names, try_lock
from sbrcli.artefacts.manifests import MADE_BY, Kind, read_manifest
from sbrcli.artefacts.run_state import incomplete, state_of
from sbrcli.errors import ArtefactError, ConfigError, SbrError
from sbrcli.reporter import SILENT, Reporter

_SHELF: dict[Kind, str] = {"dataset": "datasets", "run": "runs"}

_PATIENCE_SECONDS = 10
"""So long another process is waited for that adds to the same folder just now."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A work directory; made when something is first written to it."""

    root: Path
    reporter: Reporter = field(default=SILENT, compare=False)
    """Given the problems of other folders, which do not stop the command."""

    def place(self, kind: Kind, name: str) -> Path:
        """Return where a folder of that name lies, there or not.

        Raises:
            ConfigError: the name could not be one path component.
        """
        return self.root / _SHELF[kind] / check_name(kind, name)

    def open(self, kind: Kind, name: str | None = None) -> Artefact:
        """Open the named folder, or the latest complete one.

        Raises:
            ArtefactError: it is missing, damaged, incomplete or of another format version.
        """
        if name is None:
            return self._latest(kind)
        path = self.place(kind, name)
        self._bring_back_replaced()
        if not is_folder(path):
            raise self.missing(kind, name)
        folder = Artefact(kind, path, read_manifest(path, kind))
        if not is_complete(folder):
            raise self._incomplete(folder)
        return folder

    def find(self, kind: Kind, name: str) -> Artefact | None:
        """Open the named folder, finished or not; None where there is none.

        Raises:
            ArtefactError: it is there, but damaged or of another format version.
        """
        path = self.place(kind, name)
        self._bring_back_replaced()
        return Artefact(kind, path, read_manifest(path, kind)) if is_folder(path) else None

    def names(self, kind: Kind) -> list[str]:
        """Name the folders of a kind, in order of name.

        Raises:
            ArtefactError: the work directory may not be read.
        """
        self._bring_back_replaced()
        # What others have left there, as file browsers do, is none of ours.
        found = list_folder(self.root / _SHELF[kind])
        return [path.name for path in found if path.name[0] != "." and holds_manifest(path)]

    @contextlib.contextmanager
    def staged(self, kind: Kind, name: str, *, keep_replaced: bool = False) -> Iterator[Path]:
        """Yield an empty folder to fill; at the end it takes the place of `name`, at once.

        Where the body raises, nothing is left behind and what was there before stays.

        Args:
            kind: a dataset or a run.
            name: the folder's name.
            keep_replaced: keep what was there before until `discard_replaced`: for a folder that
                is not whole yet when it takes its place.
        """
        target, replaced = self.place(kind, name), self._replaced(kind, name)
        self._make(target.parent)
        with self._temporary_folder(kind, name) as new:
            yield new
            save_files(new)
            keeps_older = keep_replaced and replaced.exists() and not is_intact(kind, target)
            if target.exists() and keeps_older:
                remove_folder(target, new.with_name(f".old-{new.name}"))
            elif target.exists():
                self._make(replaced.parent)
                shutil.rmtree(replaced, ignore_errors=True)
                target.rename(replaced)
            try:
                new.rename(target)
            except BaseException:
                if replaced.exists() and not target.exists():
                    replaced.rename(target)
                raise
            save_names(target.parent)
        if not keep_replaced:
            self.discard_replaced(kind, name)

    def discard_replaced(self, kind: Kind, name: str) -> None:
        """Delete what `staged` has kept, now that its successor is whole."""
        shutil.rmtree(self._replaced(kind, name), ignore_errors=True)

    def retract(self, kind: Kind, name: str) -> None:
        """Take a begun folder away again, and put back what it has replaced."""
        target, replaced = self.place(kind, name), self._replaced(kind, name)
        if target.exists():
            remove_folder(target, self._staging(kind, name))
        if replaced.exists():
            replaced.rename(target)

    def _replaced(self, kind: Kind, name: str) -> Path:
        return self.root / ".replaced" / f"{kind}-{name}"

    def _staging(self, kind: Kind, name: str) -> Path:
        return self.root / ".staging" / f"{kind}-{name}"

    def _bring_back_replaced(self) -> None:
        """Put back each replaced folder whose successor is not there, unless it is just coming."""
        found: list[Path] = []
        with contextlib.suppress(ArtefactError):  # others' folders, or another's work directory
            found = list_folder(self.root / ".replaced")
        for folder in found:
            for kind, own_shelf in _SHELF.items():
                name = folder.name.removeprefix(f"{kind}-")
                # Another process writes it, or the place is to be read only: it stays there.
                with contextlib.suppress(SbrError, OSError):
                    if name != folder.name and not (self.root / own_shelf / name).exists():
                        with self.locked(kind, name):
                            pass

    @contextlib.contextmanager
    def locked(self, kind: Kind, name: str, *, wait_seconds: float = 0) -> Iterator[None]:
        """Keep every other `sbr` from writing the same folder meanwhile.

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
            # Whoever looks whether the folder is being written holds the lock for a moment.
            deadline = time.monotonic() + max(wait_seconds, 0.1)
            while not try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    raise ArtefactError(
                        f"another sbr is writing {kind} {name} in {self.root}",
                        hint="wait until it ends, or give another --name",
                    )
                time.sleep(0.02)
            target, replaced = self.place(kind, name), self._replaced(kind, name)
            if replaced.exists() and not target.exists():
                replaced.rename(target)
            yield

    @contextlib.contextmanager
    def adding_to(self, folder: Artefact) -> Iterator[None]:
        """Keep every other `sbr` from writing a folder while something is added to it.

        Another that adds to it is waited for.

        Raises:
            ArtefactError: the folder is no longer what it was when it was opened, or another
                process holds the lock.
        """
        with self.locked(folder.kind, folder.name, wait_seconds=_PATIENCE_SECONDS):
            if read_manifest(folder.path, folder.kind) != folder.manifest:
                raise ArtefactError(
                    f"{folder.kind} {folder.name} has been replaced meanwhile",
                    hint="run the same command again",
                )
            yield

    def is_written(self, kind: Kind, name: str) -> bool:
        """Return whether a process is writing a folder just now."""
        return is_locked(self.root / ".locks" / f"{kind}-{name}")

    def _incomplete(self, run: Artefact) -> ArtefactError:
        return incomplete(run, state_of(run, is_written=self.is_written("run", run.name)))

    def folders(self, kind: Kind) -> list[Artefact]:
        """Open each folder of a kind, finished or not, in order of name; warn of damaged ones.

        Raises:
            ArtefactError: there are some, and all of them are damaged.
        """
        found, damaged = self.read_all(kind)
        if damaged and not found:
            raise damaged[0]
        for error in damaged:
            self.reporter.warn(f"{error}; skipping it")
        return found

    def read_all(self, kind: Kind) -> tuple[list[Artefact], list[ArtefactError]]:
        """Return the folders of a kind, finished or not, and the errors of the damaged ones."""
        found, damaged = [], []
        for name in self.names(kind):
            path = self.root / _SHELF[kind] / name
            try:
                check_name(kind, name)
                found.append(Artefact(kind, path, read_manifest(path, kind)))
            except ArtefactError as error:
                damaged.append(error)
            except ConfigError as error:  # renamed by hand, to what none of the commands takes
                damaged.append(ArtefactError(f"{path}: {error}", hint="rename the folder"))
        return found, damaged

    def _latest(self, kind: Kind) -> Artefact:
        found, damaged = self.read_all(kind)
        complete = []
        for folder in filter(is_complete, found):
            try:
                check_readable(folder)
                complete.append(folder)
            except ArtefactError as error:
                damaged.append(error)
        if not complete and found and not damaged:
            raise self._incomplete(max(found, key=finished_at))
        if not complete:
            raise damaged[0] if damaged else self.missing(kind, None)
        latest = max(complete, key=finished_at)
        for error in damaged:
            self.reporter.warn(f"{error}; using {latest.name}, the latest of the other {kind}s")
        return latest

    def missing(self, kind: Kind, name: str | None) -> ArtefactError:
        """Make the error of a folder that is not there."""
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
        # PyArrow's errors have a number, but words of their own.
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
        shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
        self._make(temporary)
        try:
            yield temporary
        except OSError as error:
            raise self._not_writable(error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
