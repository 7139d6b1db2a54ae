"""Copy a log at an address, such as s3://bucket/log.parquet, to a temporary file or folder.

PyArrow reads the addresses of S3, Google Cloud Storage, Azure, Hadoop and local files; fsspec, if
it is installed, reads others.
"""

import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from sbrcli.errors import DataError
from sbrcli.log.files.copies import copy_chunks
from sbrcli.log.files.opening import fetch_command

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# pyarrow.fs is imported where it is used: it takes a while to load.

_Value = TypeVar("_Value")

_ADDRESS = re.compile(r"([a-z][a-z0-9+]+):/{1,3}(.*)", re.IGNORECASE | re.DOTALL)
_PACKAGES = {
    "file": "fsspec",
    "memory": "fsspec",
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("hdfs", "viewfs"), "pyarrow"),
}
"""The schemes that are read, and the package that brings each to fsspec."""

_CREDENTIALS = {
    **dict.fromkeys(("s3", "s3a"), "AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_REGION"),
    **dict.fromkeys(("gs", "gcs"), "GOOGLE_APPLICATION_CREDENTIALS"),
    **dict.fromkeys(("hdfs", "viewfs"), "HADOOP_HOME and JAVA_HOME"),
}
"""The variables of the environment that say how to get there."""

_MOST_WORDS = 250
"""Characters of a client's own message, some of which repeat themselves."""

_CHUNK_BYTES = 1 << 20
_SECONDS = 60
"""How long to wait for the first answer."""


def address_of(path: Path) -> str | None:
    """Return the address that a user gives as a path; None if it is a path, or is not read."""
    found = _ADDRESS.fullmatch(str(path))
    if found is None or found[1].lower() not in _PACKAGES:
        return None
    scheme = found[1].lower()
    return f"file:///{found[2]}" if scheme == "file" else f"{scheme}://{found[2]}"


def copy_address(url: str, folder: Path, most: int) -> Path:
    """Copy a file, or all files of a folder, into a folder; paths below it stay the same.

    Args:
        url: as `address_of` returns it.
        folder: an empty one.
        most: how many bytes there is space for.

    Returns:
        The copy of what the address names.

    Raises:
        DataError: there is nothing, it cannot be read, or does not answer within a minute.
    """
    import pyarrow as pa

    try:
        files, named = _in_time(url, lambda: _list(url))
        root = folder / named.lstrip("/")
        for filesystem, path in files:
            copy = folder / path.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            with filesystem.open_input_stream(path) as source:
                chunks = iter(partial(source.read, _CHUNK_BYTES), b"")
                most -= copy_chunks(chunks, copy, most)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _unreadable(url, error) from error
    return root


def _list(url: str) -> tuple[list[tuple["FileSystem", str]], str]:
    """Return the files that an address names, and its path."""
    from pyarrow.fs import FileSelector, FileType

    filesystem, path = connect(url)
    path = path.rstrip("/")
    found = filesystem.get_file_info(path)
    if found.type == FileType.NotFound:
        raise DataError(f"{url}: no such file", hint="check the name, and what comes before it")
    if found.type == FileType.File:
        return [(filesystem, path)], path
    below: Any = filesystem.get_file_info(FileSelector(path, recursive=True))
    return [(filesystem, one.path) for one in below if one.type == FileType.File], path


def connect(url: str) -> tuple["FileSystem", str]:
    """Return the filesystem of an address, and the path in it.

    Raises:
        DataError: the package that reads such addresses is not installed.
        OSError, ValueError: the address cannot be reached.
    """
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    scheme = url.partition(":")[0]
    try:
        # Google's client would try for a quarter of an hour.
        limit = "?retry_limit_seconds=15" if scheme in ("gs", "gcs") and "?" not in url else ""
        return FileSystem.from_uri(url + limit)
    except (pa.ArrowNotImplementedError, ImportError):
        pass  # built without it
    except pa.ArrowInvalid as error:
        if not str(error).startswith("Unrecognized"):
            raise
    try:
        from fsspec.core import url_to_fs

        filesystem, path = url_to_fs(url)
    except ImportError as error:
        package = _PACKAGES[scheme]
        raise DataError(
            f"{url}: no installed package reads such addresses",
            hint=f"pip install {package}" + _or_pipe(url),
        ) from error
    return PyFileSystem(FSSpecHandler(filesystem)), path


def _in_time(url: str, work: Callable[[], _Value]) -> _Value:
    """Return what `work` returns, which may wait for a network forever."""
    results: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # raised in the thread that waits
            results.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        value, error = results.get(timeout=_SECONDS)
    except Empty as late:
        raise DataError(
            f"{url}: no answer within {_SECONDS} seconds",
            hint="check the network and the address" + _or_pipe(url),
        ) from late
    if error is not None:
        raise error
    return value


def _unreadable(url: str, error: Exception) -> DataError:
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    why = why if len(why) <= _MOST_WORDS else f"{why[:_MOST_WORDS]}..."
    scheme = url.partition(":")[0]
    variables = _CREDENTIALS.get(scheme)
    hint = "check the address" if variables is None else f"check the address and set {variables}"
    return DataError(f"{url}: {why}", hint=hint + _or_pipe(url))


def _or_pipe(url: str) -> str:
    command = fetch_command(url.partition(":")[0], shlex.quote(url))
    return "" if command is None else f"; or pipe it: {command} | sbr stats -"
