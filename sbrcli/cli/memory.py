"""Recognise errors that say that the machine has no memory left for the process."""

_WORDS = (
    "can't start new thread",
    "failed to launch worker thread",
    "failed to map segment",
    "cannot allocate memory",
    "unable to allocate",
    "out of memory",
)
"""What errors of other kinds say where memory ends: of threads, and of modules that are loaded."""


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, is that memory ended.

    NumPy and PyArrow derive theirs from MemoryError; a module that cannot be mapped is an
    ImportError, a thread that cannot be started a RuntimeError.
    """
    seen: BaseException | None = error
    while seen is not None:
        words = str(seen).lower()
        if isinstance(seen, MemoryError) or any(part in words for part in _WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
