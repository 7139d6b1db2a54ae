"""The kinds of artefacts, and reading a folder as one of them."""

from pathlib import Path
from typing import Literal, overload

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.manifests import Kind
from sbrcli.artefacts.run import Run
from sbrcli.errors import ArtefactError


@overload
def read_artefact(kind: Literal["dataset"], path: Path) -> Dataset: ...
@overload
def read_artefact(kind: Literal["run"], path: Path) -> Run: ...
@overload
def read_artefact(kind: Kind, path: Path) -> Dataset | Run: ...
def read_artefact(kind: Kind, path: Path) -> Dataset | Run:
    """Read the dataset or the run at a path.

    Raises:
        ArtefactError: its manifest is missing or damaged, or it is of another format version.
    """
    return kind_of(kind).read(path)


def kind_of(kind: Kind) -> type[Dataset] | type[Run]:
    """Return the class of a kind."""
    return Run if kind == "run" else Dataset


def is_intact(kind: Kind, path: Path) -> bool:
    """Return whether a folder exists, is undamaged and is complete."""
    try:
        return read_artefact(kind, path).is_complete
    except ArtefactError:
        return False
