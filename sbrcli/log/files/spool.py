"""Copy a log that comes through a pipe to a temporary file, as it is read more than once."""

import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sbrcli.errors import DataError
from sbrcli.log.files.opening import explained
from sbrcli.log.files.streams import read_chunks

STANDARD_INPUT = Path("-")


@contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """Yield a path with the content of `path` that can be opened repeatedly.

    That is `path` itself, unless it is `-` (standard input), a pipe or a device: these are copied
    to a temporary file, which is deleted at the end. Errors name the source.

    Raises:
        DataError: it cannot be read, or needs more than half of the free space for temporary files.
    """
    if path != STANDARD_INPUT and not _is_stream(path):
        yield path
        return
    name = "standard input" if path == STANDARD_INPUT else str(path)
    with tempfile.TemporaryDirectory(prefix="sbr-") as folder:
        copy = Path(folder) / "log"
        with renamed(copy, name):
            with ExitStack() as stack:
                source = _source(path, stack)
                _copy(source, copy, shutil.disk_usage(folder).free // 2)
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


def _copy(source: BinaryIO, copy: Path, most: int) -> None:
    with explained(copy), copy.open("wb") as target:
        for chunk in read_chunks(source):
            most -= len(chunk)
            if most < 0:
                raise DataError(
                    f"{copy}: it fills more than half of the free space for temporary files",
                    hint="save it to a file and name that; TMPDIR says where temporary files lie",
                )
            target.write(chunk)
