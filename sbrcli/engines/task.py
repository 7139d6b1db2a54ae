"""What a worker of a cluster runs."""

from collections.abc import Callable
from typing import Any

from sbrcli.errors import EngineError, SbrError
from sbrcli.version import __version__


class HeldValues:
    """The arguments that all parts share, in which a cluster's client looks for nothing."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values


class Refused:
    """The error of a kernel that would fail again."""

    def __init__(self, error: SbrError) -> None:
        self.error = error


class Task:
    """A kernel and its part.

    Args:
        kernel: what to run.
        part: its first argument.
        worker: what a worker is called in messages.
    """

    def __init__(self, kernel: Callable[..., Any], part: Any, worker: str) -> None:
        self._kernel = kernel
        self._part = part
        self._worker = worker
        self._version = __version__

    def __call__(self, shared: HeldValues) -> Any:
        """Return the kernel's result."""
        try:
            require_version(self._version, self._worker)
            return self._kernel(self._part, *shared.values)
        except SbrError as error:
            return Refused(error)


def require_version(version: str, worker: str) -> None:
    """Check that a worker that has joined meanwhile has the version of the command.

    Raises:
        EngineError: it has another one.
    """
    if version != __version__:
        raise EngineError(
            f"a {worker} that has joined has sbr {__version__}, and this command is {version}",
            hint="install the same version on all workers",
        )
