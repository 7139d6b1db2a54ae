"""Recognise errors that mean that the process has run out of memory."""

_WORDS = (
    "can't start new thread",
    "failed to launch worker thread",
    "failed to map segment",
    "cannot allocate memory",
    "unable to allocate",
    "out of memory",
)
"""Texts of other errors caused by a lack of memory: of threads, and of modules being loaded."""


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error, or one of its causes, is a lack of memory.

    The errors of NumPy and PyArrow derive from MemoryError. A module that cannot be mapped raises
    ImportError, and a thread that cannot be started RuntimeError.
    """
    seen: BaseException | None = error
    while seen is not None:
        words = str(seen).lower()
        if isinstance(seen, MemoryError) or any(part in words for part in _WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
