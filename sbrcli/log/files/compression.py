"""Decompress a file while it is read, and refuse decompression bombs.

The compression is detected by the file's first bytes, not by its name.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sbrcli.errors import DataError
from sbrcli.log.files.foreign import refuse_zipped

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}

LINE_READERS = {
    "gzip": "zcat",
    "bzip2": "bzcat",
    "xz": "xzcat",
    "zstd": "zstdcat",
    "zip": "unzip -p",
}
"""Command that prints a compressed file, by compression."""

LARGEST_EXPANSION = 100
"""Largest ratio of content to compressed file; no log exceeds it, and a bomb does."""

_ALWAYS_ALLOWED_BYTES = 1 << 28


def name_compression(first_bytes: bytes) -> str | None:
    """Return the compression of a file by its first bytes; None if it has none."""
    return next((name for magic, name in _MAGIC.items() if first_bytes.startswith(magic)), None)


@contextmanager
def decompressed(path: Path, file: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Yield the content of a compressed file.

    Args:
        path: its name, for messages.
        file: the open file.
        compression: its name, as `name_compression` returns it.

    Raises:
        DataError: a zip archive does not hold one readable file, or (while the body reads) the
            content is over 256 MiB and over 100 times as large as the file.
    """
    size = path.stat().st_size
    with ExitStack() as stack:
        source = stack.enter_context(_content(path, file, compression))
        yield _Bounded(path, source, max(_ALWAYS_ALLOWED_BYTES, LARGEST_EXPANSION * size))  # pyright: ignore


class _Bounded(io.RawIOBase):
    """A file that raises an error once more bytes are read than a limit."""

    def __init__(self, path: Path, source: Any, most: int) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._left = most

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read some bytes; none at the end."""
        data = bytes(self._source.read(len(buffer)))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._path}: it unpacks to more than {LARGEST_EXPANSION} times its size, as no "
                "log does",
                hint="if it is a log all the same, unpack it and name the unpacked file",
            )
        buffer[: len(data)] = data
        return len(data)


def _content(path: Path, file: BinaryIO, compression: str) -> Any:
    """Open the decompressor; its module is imported when needed."""
    if compression == "gzip":
        import gzip

        return gzip.GzipFile(fileobj=file)
    if compression == "bzip2":
        import bz2

        return bz2.BZ2File(file)
    if compression == "xz":
        import lzma

        return lzma.LZMAFile(file)
    if compression == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
    return _only_member(path, file)


def _only_member(path: Path, file: BinaryIO) -> io.BufferedIOBase:
    """Open the only file in a zip archive, not counting what operating systems add to archives."""
    import zipfile

    with _zip_explained(path):
        archive = zipfile.ZipFile(file)
        members = [
            info
            for info in archive.infolist()
            if not info.is_dir()
            and not info.filename.startswith("__MACOSX/")
            and not Path(info.filename).name.startswith(".")
        ]
    refuse_zipped(path, [info.filename for info in members])
    if len(members) != 1:
        found = ", ".join(info.filename for info in members[:10]) or "none"
        raise DataError(
            f"{path}: a zip archive of one file expected, {len(members)} found: {found}",
            hint="unpack it and name the file that holds the events",
        )
    if members[0].flag_bits & 1:
        raise DataError(f"{path}: the zip archive is encrypted", hint="unpack it first")
    with _zip_explained(path):
        return archive.open(members[0])  # pyright: ignore[reportReturnType]


@contextmanager
def _zip_explained(path: Path) -> Iterator[None]:
    """Translate the errors of Python's zipfile, which have no common class, into DataError.

    Raises:
        DataError: the archive is damaged, or Python lacks what it needs.
    """
    try:
        yield
    except NotImplementedError as error:
        raise DataError(
            f"{path}: a zip archive of an unknown kind: {error}", hint="unpack it first"
        ) from error
    except (IndexError, ValueError, LookupError, OverflowError, struct.error) as error:
        raise DataError(
            f"{path}: the zip file is damaged: {error}", hint="copy or download it again"
        ) from error
