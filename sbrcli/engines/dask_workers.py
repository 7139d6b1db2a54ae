"""Check that the workers of a Dask cluster can take part, before a log is read."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbrcli.engines.cluster import Cluster
from sbrcli.engines.shared_folder import look, shown
from sbrcli.errors import ConfigError


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


def require_alike(client: Any, cluster: Cluster, folder: Path) -> None:
    """Check that all workers have this version of sbr and of Python, and see a folder.

    Args:
        client: Dask's, of the cluster.
        cluster: for messages.
        folder: an absolute path.

    Raises:
        ConfigError: a worker lacks something.
    """
    # Functions cannot be sent to another Python, so that its version is asked for differently.
    for address, has in client.get_versions()["workers"].items():
        python = has["packages"]["python"]
        if _minor(python) != _minor(platform.python_version()):
            ours = _minor(platform.python_version())
            raise cluster.has_other_python(ConfigError, address, _minor(python), ours)
    with shown(folder) as token:
        for address, answer in client.run(look, folder, token, on_error="return").items():
            if isinstance(answer, OSError):  # it has died meanwhile
                continue
            if isinstance(answer, Exception):
                raise cluster.has_no_sbr(ConfigError, address, answer) from answer
            version, file = answer
            cluster.require_seen(address, version, file, folder)


def _minor(version: str) -> str:
    """Return 3.11 of 3.11.7.final.0."""
    return ".".join(version.split(".")[:2])
