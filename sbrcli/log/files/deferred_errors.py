"""Defer the errors of a file until its reader has finished.

PyArrow's readers leave tasks behind if reading fails, and Python may then wait for them forever at
exit. So a failing file reports its end instead, and its error is raised afterwards.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SPARE_BYTES = 1 << 27
"""Memory that parsing may need beyond a block: PyArrow aborts the process if an allocation
fails.
"""


class DeferredFile:
    """A file that ends where reading fails or too little memory is left to parse a block."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Read about that many bytes; none at the end or after an error."""
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
        MemoryError: too little memory is left to begin.
    """
    require_memory()
    source = DeferredFile(file)
    try:
        yield source
    finally:
        if source.error is not None:
            raise source.error


def require_memory() -> None:
    """Raise MemoryError if a system limit leaves too little memory to continue."""
    try:
        mmap.mmap(-1, _SPARE_BYTES).close()  # never touched, so that it uses no memory itself
    except OSError as error:
        raise MemoryError(str(error)) from error
