"""Errors of a file that wait until its reader is done.

PyArrow's readers leave tasks behind where reading fails under them, and Python can then wait for
them forever as it exits. So a file that fails says that it has ended, and its error comes after.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SPARE_BYTES = 1 << 27
"""What parsing may take beyond a block that was read: PyArrow aborts where it gets no memory."""


class DeferredFile:
    """A file that ends where it fails, or where the memory left is too small to parse a block."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Read about as many bytes; none at the end, or from an error on."""
        if self.error is not None:
            return b""
        try:
            require_memory()
            return self._file.read(size)
        except BaseException as error:  # Ctrl-C too
            self.error = error
            return b""


@contextmanager
def errors_deferred(file: Any) -> Iterator[DeferredFile]:
    """Yield a file that never fails while the body reads it, and raise its error at the end.

    Raises:
        MemoryError: too little is left to begin.
    """
    require_memory()
    source = DeferredFile(file)
    try:
        yield source
    finally:
        if source.error is not None:
            raise source.error


def require_memory() -> None:
    """Raise MemoryError where a limit of the system leaves too little memory to go on."""
    try:
        mmap.mmap(-1, _SPARE_BYTES).close()  # never touched, so that it takes no memory itself
    except OSError as error:
        raise MemoryError(str(error)) from error
