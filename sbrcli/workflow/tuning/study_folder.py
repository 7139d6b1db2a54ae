"""The folder of a study: what it searches, its journal of trials, and the locks of its processes.

    <workdir>/studies/<name>/study.json       what is searched; written before anything else
    <workdir>/studies/<name>/journal.jsonl    Optuna's journal: a line for each change of a trial
    <workdir>/studies/<name>/summary.json     how many trials there are, and the best figure
    <workdir>/studies/<name>/workers/         a locked file for each process that runs trials

Every lock is one that the system frees when its process ends, however it ends.
"""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sbrcli.artefacts.disk import is_locked, try_lock
from sbrcli.artefacts.manifests import read_json, utc_now, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError

STUDIES = "studies"
STUDY_FILE = "study.json"
JOURNAL_FILE = "journal.jsonl"
SUMMARY_FILE = "summary.json"
_VERSION = 1


class StudyFolder:
    """A study on disk."""

    def __init__(self, root: Path, name: str) -> None:
        """Name a study of a work directory; nothing is read or written."""
        self.root, self.name = root, name
        self.path = root / STUDIES / name
        self.journal = self.path / JOURNAL_FILE

    def exists(self) -> bool:
        """Return whether the study was begun."""
        return (self.path / STUDY_FILE).is_file()

    def read(self) -> dict[str, Any]:
        """Return what the study searches.

        Raises:
            ArtefactError: its file is missing or damaged, or of another version.
        """
        document = read_json(self.path / STUDY_FILE)
        if not isinstance(document, dict) or document.get("format_version") != _VERSION:
            raise self.damaged("study.json is of another version, or of no study")
        return document

    def begin(self, settings: dict[str, Any], *, overwrite: bool = False) -> None:
        """Begin the study, or check that it is the same one.

        Args:
            settings: what identifies it, as JSON.
            overwrite: delete an existing study.

        Raises:
            ArtefactError: another study has the name, or the folder cannot be written.
        """
        if overwrite and self.path.exists():
            self.remove()
        if self.exists():
            there = self.read()
            if there.get("settings") != settings:
                raise ArtefactError(
                    f"study {self.name} exists already, {_difference(there, settings)}",
                    hint="--overwrite begins it again, --name gives this one another name",
                )
            return
        with self._explained():
            (self.path / "workers").mkdir(parents=True, exist_ok=True)
        document = {"kind": "study", "format_version": _VERSION, "created_at": utc_now()}
        write_json(self.path / STUDY_FILE, document | {"settings": settings})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for other processes, and keep them from drawing or ending trials meanwhile."""
        with self._explained():
            lock = FileLock(self.path / ".lock")
        with lock:
            yield

    @contextlib.contextmanager
    def working(self) -> Iterator[str]:
        """Yield a name for this process, whose trials are alive as long as the body runs."""
        folder = self.path / "workers"
        with self.locked(), self._explained():
            folder.mkdir(exist_ok=True)
            for path in folder.iterdir():
                if not is_locked(path):
                    path.unlink(missing_ok=True)
            path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
            file = path.open("w")
            try_lock(file.fileno())
        with file:
            yield path.name
        path.unlink(missing_ok=True)

    def is_working(self, worker: str | None) -> bool:
        """Return whether the process of that name still runs."""
        return worker is not None and is_locked(self.path / "workers" / worker)

    def mend_journal(self) -> None:
        """Remove the incomplete last line that a killed process has left in the journal."""
        with contextlib.suppress(FileNotFoundError), self.journal.open("r+b") as file:
            content = file.read()
            if content and not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)

    def damaged(self, what: str) -> ArtefactError:
        """Return the error of a study that cannot be read."""
        return ArtefactError(
            f"study {self.path} is damaged: {what}", hint="--overwrite begins it again"
        )

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write what `sbr runs` lists of the trials."""
        write_json(self.path / SUMMARY_FILE, summary)

    def read_summary(self) -> dict[str, Any]:
        """Return what `write_summary` has written; empty if it is missing or damaged."""
        try:
            found = read_json(self.path / SUMMARY_FILE)
        except ArtefactError:
            return {}
        return found if isinstance(found, dict) else {}

    def is_in_use(self) -> bool:
        """Return whether a process works on the study."""
        workers = self.path / "workers"
        return workers.is_dir() and any(is_locked(path) for path in workers.iterdir())

    def remove(self) -> None:
        """Delete the study.

        Raises:
            ArtefactError: another process works on it, or the folder cannot be changed.
        """
        if self.is_in_use():
            raise ArtefactError(
                f"another sbr is working on study {self.name}",
                hint="wait until it ends, or give another --name",
            )
        with self._explained():
            aside = self.path.with_name(f".{self.name}.old")
            shutil.rmtree(aside, ignore_errors=True)
            self.path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArtefactError(
                f"cannot write study {self.path}: {os.strerror(error.errno or 0)}",
                hint="free some space or name another place with --workdir",
            ) from error


class FileLock:
    """A lock for one process at a time, as Optuna's journal takes it; waits until it is free."""

    def __init__(self, path: Path) -> None:
        """Make the lock's file."""
        self._path = path
        self._file: IO[str] | None = None
        path.open("a").close()

    def acquire(self) -> bool:
        """Wait for the lock, and take it."""
        file = self._path.open("a")
        while not try_lock(file.fileno()):
            time.sleep(0.005)
        self._file = file
        return True

    def release(self) -> None:
        """Free the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def open_study_folder(workspace: Workspace, name: str) -> StudyFolder:
    """Return the folder of a study in a work directory.

    Raises:
        ConfigError: the name cannot be one.
    """
    workspace.path_of("run", name)
    return StudyFolder(workspace.root, name)


def _difference(there: dict[str, Any], settings: dict[str, Any]) -> str:
    old = there.get("settings") or {}
    names = [name for name in settings if old.get(name) != settings[name]]
    return f"with another {' and '.join(names or settings)}"
