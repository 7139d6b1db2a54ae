"""Open a log's file, compressed or not, and say plainly what is wrong with it."""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sbrcli.errors import DataError

_COMPRESSIONS = {b"\x1f\x8b": "gzip"}
"""Compression by the file's first bytes; its name may say anything."""


def recognise_compression(path: Path) -> str | None:
    """Tell how a file is compressed, by its first bytes; None where it is not.

    Raises:
        DataError: the file can not be opened.
    """
    with explained(path), path.open("rb") as file:
        return _COMPRESSIONS.get(file.read(2))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed on the way.

    Raises:
        DataError: the file can not be opened, or (also while the body reads) is damaged.
    """
    compression = recognise_compression(path)
    with explained(path), path.open("rb") as file:
        if compression is None:
            yield file
        else:
            with gzip.GzipFile(fileobj=file) as decompressed:
                yield decompressed  # pyright: ignore[reportReturnType]


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into an error that a user can mend.

    Raises:
        DataError: the body met a missing, unreadable or damaged file.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file", hint="check the name and the folder") from error
    except IsADirectoryError as error:
        raise DataError(
            f"{path} is a folder, not a file", hint="name the file in it that holds the events"
        ) from error
    except PermissionError as error:
        raise _refused(path) from error
    except EOFError as error:
        raise DataError(
            f"{path}: the gzip file is cut short", hint="copy or download it again"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: the gzip file is damaged: {error}", hint="copy or download it again"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: it can not be read: {error.strerror or error}") from error


def _refused(path: Path) -> DataError:
    # Windows refuses to open a folder where other systems say that it is one.
    if path.is_dir():
        return DataError(
            f"{path} is a folder, not a file", hint="name the file in it that holds the events"
        )
    return DataError(f"{path}: no permission to read it", hint=f"allow it: chmod u+r {path}")
