"""The manifests of datasets and runs, and the atomic replacement of their files."""

import json
import math
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from sbrcli.artefacts.disk import TEMPORARY_SUFFIX, replacing
from sbrcli.errors import ArtefactError
from sbrcli.version import __version__

Kind = Literal["dataset", "run"]

FORMAT_VERSIONS: dict[Kind, int] = {"dataset": 2, "run": 1}
"""The format that is written. Datasets of format 1 are read, too: their fingerprint is a hash of
whole splits, and each split is one file."""

_EARLIER_VERSIONS: dict[Kind, tuple[int, ...]] = {"dataset": (1,), "run": ()}

WATCHED = ("recall@20", "mrr@20", "ndcg@20")
"""The metrics of an epoch on the valid split; None without one."""

EPOCH_FIGURES = ("loss", "seconds", "events_per_second", *WATCHED)
"""The entries that are read of an epoch, besides its number. Other versions of sbr may have written
more or fewer."""

MANIFEST = "manifest.json"
_MAX_BYTES = 1 << 26
"""The maximum size of a JSON file; the actual ones are much smaller."""

MADE_BY: dict[Kind, str] = {"dataset": "sbr preprocess LOG", "run": "sbr train"}


def new_manifest(kind: Kind) -> dict[str, Any]:
    """Return the first entries of a manifest: kind, format version, creation time, sbr version."""
    return {
        "kind": kind,
        "format_version": FORMAT_VERSIONS[kind],
        "sbr_version": __version__,
        "created_at": utc_now(),
    }


def utc_now() -> str:
    """Return the current time as ISO 8601 in UTC, to the microsecond; the strings sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def read_manifest(folder: Path, kind: Kind) -> dict[str, Any]:
    """Read a folder's manifest, and check that this version of sbr can use the folder.

    Raises:
        ArtefactError: it is missing, damaged, of another kind or of another format version.
    """
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        raise damaged(folder / MANIFEST, f"it is not the manifest of a {kind}")
    version = manifest.get("format_version")
    if version not in (FORMAT_VERSIONS[kind], *_EARLIER_VERSIONS[kind]):
        raise ArtefactError(
            f"{kind} {folder.name} has format version {version}; "
            f"sbr {__version__} reads version {FORMAT_VERSIONS[kind]}",
            hint=f"make it again with: {MADE_BY[kind]}, or use the sbr that wrote it",
        )
    return manifest


def read_json(path: Path) -> Any:
    """Read a JSON file of a dataset or a run.

    Raises:
        ArtefactError: it is missing, unreadable, not JSON, or contains NaN or infinity.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except FileNotFoundError as error:
        raise damaged(path, "it is missing") from error
    except PermissionError as error:
        raise may_not_be_read(path) from error
    except RecursionError as error:
        raise damaged(path, "it is nested too deeply") from error
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from error


def write_json(path: Path, document: Any) -> None:
    """Replace a JSON file atomically: a reader finds the old or the new one."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # A lone surrogate, which a title can contain, is not valid UTF-8, but its escape is valid JSON.
    write_atomically(path, text.encode(errors="backslashreplace"))


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically; its content is on disk before the file is renamed."""
    write_parts_atomically(path, [content])


def write_parts_atomically(
    path: Path, parts: Iterable[bytes | memoryview], seal: Callable[[BinaryIO], None] | None = None
) -> None:
    """Replace a file as `write_atomically` does, by content in parts.

    Args:
        path: the file.
        parts: its content.
        seal: called with the file after all parts are written; may change it.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            if seal is not None:
                seal(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ArtefactError(
            f"cannot write {path}: {error.strerror}",
            hint="free some space or name another place with --workdir",
        ) from error


def update_manifest(folder: Path, **entries: Any) -> None:
    """Replace entries of a folder's manifest, atomically.

    Raises:
        ArtefactError: the manifest is missing or damaged, or cannot be written.
    """
    write_json(folder / MANIFEST, read_json(folder / MANIFEST) | entries)


def remove_torn_files(folder: Path) -> None:
    """Delete the temporary files of a killed process; no other may be writing to the folder."""
    for path in folder.rglob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds the number {text}")
    return number


def damaged(path: Path, what: str) -> ArtefactError:
    """Return the error for a damaged file of a dataset or a run."""
    return ArtefactError(
        f"{path} is damaged: {what}", hint="make the folder again; --overwrite replaces it"
    )


def may_not_be_read(path: Path) -> ArtefactError:
    """Return the error for a file or folder of a work directory without read permission."""
    return ArtefactError(
        f"{path}: no permission to read it",
        hint="ask its owner to allow it, or name another place with --workdir",
    )


def cannot_be_read(path: Path, error: OSError) -> ArtefactError:
    """Return the error for a file or folder of a work directory that the system cannot read."""
    return ArtefactError(
        f"{path}: it cannot be read: {error.strerror}",
        hint="repair or remove it, or name another place with --workdir",
    )
