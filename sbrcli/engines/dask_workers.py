"""Check that the workers of a Dask cluster can take part, before a log is read."""

import platform
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbrcli.errors import ConfigError
from sbrcli.version import __version__

_SAME_VERSION = "install the same version on all workers"


@dataclass(frozen=True, slots=True)
class Workers:
    """What the workers of a cluster have together.

    Args:
        num_threads: the number of kernels that run at a time.
        memory: their limits in bytes; None if one of them has none.
    """

    num_threads: int
    memory: int | None


def find_workers(client: Any, place: str, wait_seconds: float) -> Workers:
    """Wait for the first worker, and return what all have.

    Args:
        client: Dask's, of the cluster.
        place: the cluster, for messages.
        wait_seconds: how long to wait.

    Raises:
        ConfigError: there is none.
    """
    try:
        client.wait_for_workers(1, timeout=wait_seconds)
    except TimeoutError as error:
        raise ConfigError(
            f"{place} has no worker", hint="start some with dask worker ADDRESS"
        ) from error
    found = client.scheduler_info()["workers"].values()
    limits = [worker["memory_limit"] for worker in found]
    return Workers(
        sum(worker["nthreads"] for worker in found), sum(limits) if all(limits) else None
    )


def require_alike(client: Any, folder: Path) -> None:
    """Check that all workers have this version of sbr and of Python, and see a folder.

    Args:
        client: Dask's, of the cluster.
        folder: an absolute path.

    Raises:
        ConfigError: a worker lacks something.
    """
    # Functions cannot be sent to another Python, so that its version is asked for differently.
    for address, has in client.get_versions()["workers"].items():
        python = has["packages"]["python"]
        if _minor(python) != _minor(platform.python_version()):
            raise ConfigError(
                f"the Dask worker {address} has Python {_minor(python)}, and this command "
                f"{_minor(platform.python_version())}",
                hint=_SAME_VERSION,
            )
    token = secrets.token_hex(8)
    (folder / "seen").write_text(token)
    for address, answer in client.run(look, folder, token, on_error="return").items():
        if isinstance(answer, OSError):  # it has died meanwhile
            continue
        if isinstance(answer, Exception):
            raise ConfigError(
                f"the Dask worker {address} has no sbr {__version__}: {answer}", hint=_SAME_VERSION
            ) from answer
        version, file = answer
        if version != __version__:
            raise ConfigError(
                f"the Dask worker {address} has sbr {version}, and this command is {__version__}",
                hint=_SAME_VERSION,
            )
        if file is None or not (folder / file).exists():
            raise ConfigError(
                f"the Dask worker {address} does not see, or cannot write in, {folder}",
                hint="name with --workdir a folder on a disk that all workers share",
            )
    for path in folder.glob("seen*"):
        path.unlink()


def look(folder: Path, token: str) -> tuple[str, str | None]:
    """Return a worker's version, and the file that it has written beside the client's.

    Returns:
        The version, and the file's name; None if the worker does not see the folder.
    """
    try:
        if (folder / "seen").read_text() != token:
            return __version__, None
        name = f"seen-{secrets.token_hex(8)}"
        (folder / name).touch()
    except OSError:
        return __version__, None
    return __version__, name


def _minor(version: str) -> str:
    """Return 3.11 of 3.11.7.final.0."""
    return ".".join(version.split(".")[:2])
