"""What the Python of a Spark executor runs besides kernels.

Spark itself pickles tasks and results, in memory and between its own processes; nothing here
stores a pickle or reads one from a file.
"""

import pickle
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sbrcli.engines.memory import free_memory
from sbrcli.engines.shared_folder import look

_PAUSE_SECONDS = 0.2


class Failed:
    """An exception of a kernel, which another attempt may not have.

    Args:
        error: the exception; its notes say where it was raised.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error


class Batch:
    """The tasks of a job, and the values that they share.

    Args:
        tasks: by the number of a partition.
        shared: a Spark broadcast.
    """

    def __init__(self, tasks: Sequence[Callable[..., Any]], shared: Any) -> None:
        self._tasks = tasks
        self._shared = shared

    def __call__(self, number: int) -> Any:
        """Return the result of one task."""
        try:
            return self._tasks[number](self._shared.value)
        except Exception as error:  # the task may run again elsewhere
            return Failed(_portable(error))


class Look:
    """Has an executor look at the work directory.

    Args:
        folder: an absolute path.
        token: see `look`.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self._folder = folder
        self._token = token

    def __call__(self, _: object) -> tuple[str, int | None, str, str | None]:
        """Return the host's name and free memory, and what `look` returns."""
        time.sleep(_PAUSE_SECONDS)  # so that each executor has some of these tasks
        return socket.gethostname(), free_memory(), *look(self._folder, self._token)


def _portable(error: Exception) -> Exception:
    """Return an exception that can be sent, with its traceback as a note."""
    where = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pickling runs code of any class
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"on {socket.gethostname()}: {where}")
    return error
