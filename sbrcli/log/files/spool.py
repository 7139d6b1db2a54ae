"""Copy a log from a pipe or an address to a temporary file, as it is read more than once."""

import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from sbrcli.errors import DataError
from sbrcli.log.files.copies import copy_chunks
from sbrcli.log.files.opening import explained
from sbrcli.log.files.remote import address_of, copy_address
from sbrcli.log.files.streams import read_chunks

STANDARD_INPUT = Path("-")


@contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """Yield a path with the content of `path` that can be opened repeatedly.

    That is `path` itself, unless it is `-` (standard input), a pipe, a device or an address such as
    s3://bucket/log.csv: these are copied to a temporary file or folder, which is deleted at the
    end. Errors name the source. Of file:///data/log.csv it is /data/log.csv.

    Raises:
        DataError: it cannot be read, or needs more than half of the free space for temporary files.
    """
    url = address_of(path)
    if url is not None:
        scheme, _, rest = url.partition("://")
        if scheme == "file":
            path = Path(unquote(rest))
        else:
            with tempfile.TemporaryDirectory(prefix="sbr-") as folder:
                with renamed(Path(folder), f"{scheme}:/"):
                    copy = copy_address(url, Path(folder), shutil.disk_usage(folder).free // 2)
                with renamed(copy, url):
                    yield copy
            return
    if path != STANDARD_INPUT and not _is_stream(path):
        yield path
        return
    name = "standard input" if path == STANDARD_INPUT else str(path)
    with tempfile.TemporaryDirectory(prefix="sbr-") as folder:
        copy = Path(folder) / "log"
        with renamed(copy, name):
            with ExitStack() as stack:
                source = _source(path, stack)
                copy_chunks(read_chunks(source), copy, shutil.disk_usage(folder).free // 2)
            yield copy


def standard_input() -> BinaryIO:
    """Return the bytes of standard input.

    Raises:
        DataError: it is closed.
    """
    if sys.stdin is None:
        raise DataError(
            "cannot read standard input: it is closed",
            hint="pipe something into it, or name a file",
        )
    return sys.stdin.buffer


@contextmanager
def renamed(copy: Path, name: object) -> Iterator[None]:
    """Make errors about a temporary copy name its source."""
    try:
        yield
    except DataError as error:
        said = (str(error), error.hint or "")
        message, hint = (text.replace(str(copy), str(name)) for text in said)
        raise DataError(message, hint=hint or None) from error


def _is_stream(path: Path) -> bool:
    with explained(path):
        mode = path.stat().st_mode
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _source(path: Path, stack: ExitStack) -> BinaryIO:
    if path == STANDARD_INPUT:
        return standard_input()
    stack.enter_context(explained(path))
    return stack.enter_context(path.open("rb"))
