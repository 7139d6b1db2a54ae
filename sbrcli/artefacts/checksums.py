"""Checksums of the files of a dataset or a run, which tell that a bit of one has flipped.

They are CRC-32s: every change of up to 32 neighbouring bits is found, any other but once in
4 billion times. They guard against a failing disk, not against an adversary.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sbrcli.artefacts.manifests import MANIFEST, read_json

FILES = "files"
"""The manifest's entry: the checksum of each file, by its name."""

CHECKSUM_MISMATCH = "its checksum is not the one that was kept when it was written"

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
    """Return what a manifest keeps as `FILES` of some of its folder's files."""
    return {path.name: checksum_of(path) for path in paths}


def find_checksum_mismatch(path: Path) -> str | None:
    """Return why a file is not what the manifest next to it states; None where it is.

    A manifest from before there were checksums states nothing.

    Raises:
        ArtefactError: the manifest is damaged.
        OSError: the file cannot be read.
    """
    if not (path.parent / MANIFEST).exists():
        return None
    manifest: Any = read_json(path.parent / MANIFEST)
    files = manifest.get(FILES) if isinstance(manifest, dict) else None
    stored = files.get(path.name) if isinstance(files, dict) else None
    return CHECKSUM_MISMATCH if stored is not None and stored != checksum_of(path) else None


def _write(found: int) -> str:
    return f"crc32:{found:08x}"
