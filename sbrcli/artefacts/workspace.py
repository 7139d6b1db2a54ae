"""The work directory: find, open and write its datasets and runs.

It contains `datasets/<name>/` and `runs/<name>/`, each complete or absent; see
`sbrcli.artefacts.staging` for how they are written.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

from sbrcli.artefacts.artefact import (
    Artefact,
    check_name,
    check_readable,
    holds_manifest,
    is_folder,
    list_folder,
)
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.kinds import read_artefact
from sbrcli.artefacts.manifests import MADE_BY, Kind, read_manifest
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.run_state import incomplete, state_of
from sbrcli.artefacts.staging import FOLDERS, Staging
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.reporter import SILENT, Reporter

DEFAULT_WORKDIR = Path("sbr-work")

_PATIENCE_SECONDS = 10
"""How long to wait for another process that is adding to the same folder."""


@dataclass(frozen=True, slots=True)
class Workspace(Staging):
    """A work directory, which is created by the first write."""

    reporter: Reporter = field(default=SILENT, compare=False)
    """Receives the problems of other folders, which do not stop the command."""

    @overload
    def open(self, kind: Literal["dataset"], name: str | None = None) -> Dataset: ...

    @overload
    def open(self, kind: Literal["run"], name: str | None = None) -> Run: ...

    @overload
    def open(self, kind: Kind, name: str | None = None) -> Dataset | Run: ...

    def open(self, kind: Kind, name: str | None = None) -> Dataset | Run:
        """Open the named folder, or the latest complete one.

        Raises:
            ArtefactError: it is missing, damaged, incomplete or of another format version.
        """
        if name is None:
            return self._latest(kind)
        path = self.path_of(kind, name)
        self._bring_back_replaced()
        if not is_folder(path):
            raise self.missing(kind, name)
        found = read_artefact(kind, path)
        if isinstance(found, Run) and not found.is_complete:
            raise self._incomplete(found)
        return found

    @overload
    def find(self, kind: Literal["dataset"], name: str) -> Dataset | None: ...

    @overload
    def find(self, kind: Literal["run"], name: str) -> Run | None: ...

    @overload
    def find(self, kind: Kind, name: str) -> Dataset | Run | None: ...

    def find(self, kind: Kind, name: str) -> Dataset | Run | None:
        """Open the named folder, complete or not; None if it does not exist.

        Raises:
            ArtefactError: it is damaged or of another format version.
        """
        path = self.path_of(kind, name)
        self._bring_back_replaced()
        return read_artefact(kind, path) if is_folder(path) else None

    def names(self, kind: Kind) -> list[str]:
        """Return the names of the folders of a kind, sorted.

        Raises:
            ArtefactError: the work directory may not be read.
        """
        self._bring_back_replaced()
        # Files that other programs, such as file browsers, have left there are ignored.
        found = list_folder(self.root / FOLDERS[kind])
        return [path.name for path in found if path.name[0] != "." and holds_manifest(path)]

    @contextlib.contextmanager
    def adding_to(self, artefact: Artefact) -> Iterator[None]:
        """Lock a folder while files are added to it.

        Wait for another process that is adding to it.

        Raises:
            ArtefactError: the folder is no longer what it was when it was opened, or another
                process holds the lock.
        """
        kind, name = artefact.kind, artefact.name
        with self.locked(kind, name, wait_seconds=_PATIENCE_SECONDS):
            if read_manifest(artefact.path, kind) != artefact.document:
                raise ArtefactError(
                    f"{kind} {name} has been replaced meanwhile",
                    hint="run the same command again",
                )
            yield

    def _incomplete(self, run: Run) -> ArtefactError:
        return incomplete(run, state_of(run, is_written=self.is_written("run", run.name)))

    @overload
    def open_all(self, kind: Literal["dataset"]) -> list[Dataset]: ...

    @overload
    def open_all(self, kind: Literal["run"]) -> list[Run]: ...

    @overload
    def open_all(self, kind: Kind) -> list[Dataset] | list[Run]: ...

    def open_all(self, kind: Kind) -> list[Dataset] | list[Run]:
        """Open each folder of a kind, complete or not, in order of name; warn about damaged ones.

        Raises:
            ArtefactError: there are some, and all of them are damaged.
        """
        found, damaged = self.read_all(kind)
        if damaged and not found:
            raise damaged[0]
        for error in damaged:
            self.reporter.warn(f"{error}; skipping it")
        return found

    @overload
    def read_all(self, kind: Literal["dataset"]) -> tuple[list[Dataset], list[ArtefactError]]: ...

    @overload
    def read_all(self, kind: Literal["run"]) -> tuple[list[Run], list[ArtefactError]]: ...

    @overload
    def read_all(self, kind: Kind) -> tuple[list[Dataset] | list[Run], list[ArtefactError]]: ...

    def read_all(self, kind: Kind) -> tuple[list[Any], list[ArtefactError]]:
        """Return the folders of a kind, complete or not, and the errors of the damaged ones."""
        found, damaged = [], []
        for name in self.names(kind):
            path = self.root / FOLDERS[kind] / name
            try:
                check_name(kind, name)
                found.append(read_artefact(kind, path))
            except ArtefactError as error:
                damaged.append(error)
            except ConfigError as error:  # renamed by hand to a name that no command accepts
                damaged.append(ArtefactError(f"{path}: {error}", hint="rename the folder"))
        return found, damaged

    def _latest(self, kind: Kind) -> Dataset | Run:
        found, damaged = self.read_all(kind)
        complete: list[Dataset | Run] = []
        for one in found:
            try:
                if one.is_complete:
                    check_readable(one)
                    complete.append(one)
            except ArtefactError as error:
                damaged.append(error)
        if not complete and found and not damaged:
            raise self._incomplete(max(found, key=_finished_at))  # pyright: ignore
        if not complete:
            raise damaged[0] if damaged else self.missing(kind, None)
        latest = max(complete, key=_finished_at)
        for error in damaged:
            self.reporter.warn(f"{error}; using {latest.name}, the latest of the other {kind}s")
        return latest

    def missing(self, kind: Kind, name: str | None) -> ArtefactError:
        """Return the error for a folder that does not exist."""
        there = self.names(kind)
        what = f"no {kind}" if name is None else f"no {kind} named {name}"
        hint = f"make one with: {MADE_BY[kind]}"
        if there and name is not None:
            hint = f"there are: {', '.join(there)}"
        return ArtefactError(f"{what} in {self.root}", hint=hint)


def _finished_at(artefact: Artefact) -> str:
    return artefact.finished_at
