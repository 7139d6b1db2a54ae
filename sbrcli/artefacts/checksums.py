"""Checksums of the files of a dataset or a run, which detect flipped bits.

They are CRC-32s: every change within 32 neighbouring bits is detected, and any other except one in
4 billion. They protect against a failing disk, not against an adversary.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sbrcli.artefacts.manifests import MANIFEST, read_json

FILES = "files"
"""The manifest's entry: the checksum of each file, by its name."""

CHECKSUM_MISMATCH = "its checksum is not the one stored when it was written"

_PART_BYTES = 1 << 20


def checksum_of_bytes(content: bytes) -> str:
    """Return the checksum of a file's content."""
    return _write(zlib.crc32(content))


def checksum_of(path: Path) -> str:
    """Return the checksum of a file, read a part at a time.

    Raises:
        OSError: it cannot be read.
    """
    found = 0
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            found = zlib.crc32(part, found)
    return _write(found)


def checksums_of(paths: Iterable[Path]) -> dict[str, str]:
    """Return the manifest's `FILES` entry for files of its folder."""
    return {path.name: checksum_of(path) for path in paths}


def checksums_below(folder: Path) -> dict[str, str]:
    """Return the manifest's `FILES` entry for the Parquet files of a folder and its subfolders."""
    found = sorted(folder.rglob("*.parquet"))
    return {
        path.relative_to(folder).as_posix(): checksum_of(path) for path in found if path.is_file()
    }


def find_checksum_mismatch(path: Path) -> str | None:
    """Return why a file, or a folder of parts, does not match the manifest next to it.

    None if it does.

    A manifest without checksums, of an earlier version of sbr, matches any file.

    Raises:
        ArtefactError: the manifest is damaged.
        OSError: the file cannot be read.
    """
    if not (path.parent / MANIFEST).exists():
        return None
    manifest: Any = read_json(path.parent / MANIFEST)
    files = manifest.get(FILES) if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        return None
    if path.is_dir():
        return _find_mismatch_of_parts(path, files)
    stored = files.get(path.name)
    return CHECKSUM_MISMATCH if stored is not None and stored != checksum_of(path) else None


def _find_mismatch_of_parts(folder: Path, files: dict[str, str]) -> str | None:
    here = {f"{folder.name}/{path.name}": path for path in folder.glob("*.parquet")}
    stored = {name for name in files if name.startswith(f"{folder.name}/")}
    if stored != here.keys():
        odd = min(stored ^ here.keys())
        return f"its part {odd} is {'missing' if odd in stored else 'of another dataset'}"
    differs = any(files[name] != checksum_of(path) for name, path in here.items())
    return CHECKSUM_MISMATCH if differs else None


def _write(found: int) -> str:
    return f"crc32:{found:08x}"
