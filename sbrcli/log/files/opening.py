"""Open a log's file, compressed or not, and translate errors of the system into messages."""

import codecs
import contextlib
import io
import os
import re
import shlex
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sbrcli.errors import DataError
from sbrcli.log.files.compression import decompressed, name_compression

LONGEST_LINE_BYTES = 1 << 24
"""A longer line cannot be an event, and is not read into memory."""

_CHUNK_BYTES = 1 << 16
_FETCH: dict[str, str] = dict.fromkeys(("http", "https", "ftp", "sftp"), "curl -L {}")
_FETCH |= {"s3": "aws s3 cp {} -", "s3a": "aws s3 cp {} -", "gs": "gcloud storage cat {}"}
_FETCH |= {"hdfs": "hdfs dfs -cat {}", "abfs": "hdfs dfs -cat {}", "abfss": "hdfs dfs -cat {}"}
"""Command that prints the file at an address, by scheme."""


def fetch_command(scheme: str, quoted: str) -> str | None:
    """Return the command that prints the file at an address; None if none is known.

    Args:
        scheme: of the address, in lower case.
        quoted: the address, quoted for a shell.
    """
    return _FETCH[scheme].format(quoted) if scheme in _FETCH else None


def recognise_compression(path: Path) -> str | None:
    """Return the compression of a file by its first bytes; None if it has none.

    Raises:
        DataError: the file cannot be opened.
    """
    with explained(path), path.open("rb") as file:
        return name_compression(file.read(6))


class EmptyLogError(DataError):
    """A log has no event; one part of a log in several may have none."""


@contextlib.contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed and converted to UTF-8.

    Args:
        path: the file.
        encoding: of its text; None reads the bytes as they are.

    Raises:
        DataError: the file cannot be opened, is damaged, or is not in that encoding, also while the
            body reads.
    """
    compression = recognise_compression(path)
    with explained(path, compression), contextlib.ExitStack() as stack:
        file: BinaryIO = stack.enter_context(path.open("rb"))
        if compression is not None:
            file = stack.enter_context(decompressed(path, file, compression))
        yield file if encoding is None else _Recoded(path, file, encoding)  # pyright: ignore


@contextlib.contextmanager
def explained(path: Path, compression: str | None = None) -> Iterator[None]:
    """Translate errors of the system about a file into DataError.

    Args:
        path: the file.
        compression: of the file; None if it has none.

    Raises:
        DataError: the file is missing, unreadable or damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(path) from error
    except IsADirectoryError as error:
        raise folder_without_log(path) from error
    except PermissionError as error:
        raise _refused(path) from error
    except EOFError as error:
        raise _damaged(path, f"the {compression} file is cut short") from error
    except OSError as error:
        if compression is None:
            raise DataError(
                f"{path}: it cannot be read: {error.strerror or error}",
                hint="check the file and its disk; temporary copies lie where TMPDIR says",
            ) from error
        if "Truncated" in str(error):  # as PyArrow's zstd says it
            raise _damaged(path, f"the {compression} file is cut short") from error
        raise _damaged(path, f"the {compression} file is damaged: {error}") from error
    except zlib.error as error:
        raise _damaged(path, f"the {compression} file is damaged: {error}") from error
    except _archive_errors() as error:
        raise _damaged(path, f"the {compression} file is damaged: {error}") from error


def _archive_errors() -> tuple[type[Exception], ...]:
    """Return the errors of modules that are imported only if a file needs them."""
    names = (("lzma", "LZMAError"), ("zipfile", "BadZipFile"))
    return tuple(
        getattr(sys.modules[module], name) for module, name in names if module in sys.modules
    )


class _Recoded(io.RawIOBase):
    """A file whose text reads as UTF-8."""

    def __init__(self, path: Path, file: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._path = path
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

        self._waiting = b""

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read some bytes; none at the end."""
        while not self._waiting:
            read = self._file.read(_CHUNK_BYTES)
            try:
                text = self._decoder.decode(read, final=not read)
            except UnicodeError as error:
                raise DataError(
                    f"{self._path}: its text is not {self._encoding}",
                    hint="name the encoding it is in, as in --encoding latin-1",
                ) from error
            # Some encodings can hold half a surrogate pair, which UTF-8 cannot.
            self._waiting = text.encode("utf-8", errors="replace")
            if not read:
                break
        given = self._waiting[: len(buffer)]
        self._waiting = self._waiting[len(given) :]
        buffer[: len(given)] = given
        return len(given)


def too_long(path: Path, line: int) -> DataError:
    """Return the error for a line that is too long to be one event."""
    return DataError(
        f"{path} line {line}: it is longer than {LONGEST_LINE_BYTES >> 20} MiB",
        hint="a log has one event a line; see whether its line ends are line feeds",
    )


def folder_without_log(path: Path) -> DataError:
    """Return the error for a folder without a log."""
    return DataError(
        f"{path} is a folder, not a file", hint="name the file in it that holds the events"
    )


def _missing(path: Path) -> DataError:
    """Return the error for a missing file, or for an address given in place of a path."""
    address = re.fullmatch(r"([a-z][a-z0-9+]+):/{1,3}(.*)", str(path), re.IGNORECASE | re.DOTALL)
    if address is None:
        return DataError(f"{path}: no such file", hint="check the name and the folder")
    scheme = address[1].lower()
    if scheme == "file":
        url = f"file:///{address[2]}"
        return DataError(f"{url} is an address, not a path", hint=f"name the path: /{address[2]}")
    url = f"{address[1]}://{address[2]}"
    message = f"{url} is an address, and sbr reads files alone"
    fetch = fetch_command(scheme, shlex.quote(url))
    if fetch is None:
        return DataError(message, hint="write its events into a file, and name that")
    return DataError(message, hint=f"pipe it: {fetch} | sbr stats -")


def _refused(path: Path) -> DataError:
    # Windows denies permission to open a folder, where other systems name it as one.
    is_folder = path.is_dir()
    if is_folder and os.access(path, os.R_OK):
        return folder_without_log(path)
    right = "u+rx" if is_folder else "u+r"
    return DataError(f"{path}: no permission to read it", hint=f"allow it: chmod {right} {path}")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path}: {what}", hint="copy or download it again")
