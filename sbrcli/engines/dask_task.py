"""What a Dask worker runs."""

from collections.abc import Callable, Sequence
from typing import Any

from sbrcli.errors import EngineError, SbrError
from sbrcli.version import __version__


class HeldValues:
    """The arguments that all parts share, in which Dask looks for nothing."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values


class Refused:
    """The error of a kernel that would fail again."""

    def __init__(self, error: SbrError) -> None:
        self.error = error


class Task:
    """A kernel and its part."""

    def __init__(self, kernel: Callable[..., Any], part: Any) -> None:
        self._kernel = kernel
        self._part = part
        self._version = __version__

    def __call__(self, shared: HeldValues) -> Any:
        """Return the kernel's result."""
        try:
            require_version(self._version)
            return self._kernel(self._part, *shared.values)
        except SbrError as error:
            return Refused(error)


def hold(shared: HeldValues) -> HeldValues:
    """Return what all parts share; each worker then has it once."""
    return shared


def require_version(version: str) -> None:
    """Check that a worker that has joined meanwhile has the version of the command.

    Raises:
        EngineError: it has another one.
    """
    if version != __version__:
        raise EngineError(
            f"a Dask worker that has joined has sbr {__version__}, and this command is {version}",
            hint="install the same version on all workers",
        )


def are_running(keys: Sequence[str], dask_worker: Any) -> bool:
    """Return whether a worker runs one of these tasks, cancelled or not."""
    return any(task.key in keys for task in list(dask_worker.state.all_running_tasks))
