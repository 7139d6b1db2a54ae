"""Kernels whose worker dies, on a cluster of any kind."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Dying:
    """A kernel that kills its worker, once per marker.

    Args:
        kernel: what it runs.
        marker: a file that the first worker to die creates.
        seconds: how long after the start of a kernel it dies; None for after the kernel.
        find_victim: returns the process to kill.
    """

    def __init__(
        self,
        kernel: Callable[..., Any],
        marker: Path,
        seconds: float | None,
        find_victim: Callable[[], int] = os.getpid,
    ) -> None:
        self.__name__ = kernel.__name__
        self._kernel = kernel
        self._marker = marker
        self._seconds = seconds
        self._find_victim = find_victim

    def __call__(self, *arguments: Any) -> Any:
        try:
            self._marker.touch(exist_ok=False)
        except FileExistsError:
            return self._kernel(*arguments)
        if self._seconds is not None:
            threading.Thread(target=self._kill, args=[self._seconds], daemon=True).start()
        result = self._kernel(*arguments)
        self._kill(self._seconds or 0)
        return result

    def _kill(self, seconds: float) -> None:
        time.sleep(seconds)
        os.kill(self._find_victim(), signal.SIGKILL)


class Deadly:
    """A kernel that kills every worker."""

    def __init__(
        self, kernel: Callable[..., Any], find_victim: Callable[[], int] = os.getpid
    ) -> None:
        self.__name__ = kernel.__name__
        self._find_victim = find_victim

    def __call__(self, *arguments: Any) -> Any:
        os.kill(self._find_victim(), signal.SIGKILL)
        time.sleep(60)  # another process than this one may take a moment to die
