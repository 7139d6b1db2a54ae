"""The errors that clusters of every kind have, each with the words of its own kind."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sbrcli.errors import ConfigError, EngineError, SbrError
from sbrcli.version import __version__

SAME_VERSION = "install the same version on all workers"

_Error = TypeVar("_Error", bound=SbrError)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster in messages.

    Args:
        place: the cluster, as in: the Dask cluster tcp://10.0.0.1:8786.
        worker: one of its processes, as in: Dask worker.
        workers: all of them, as in: workers.
        start: what to do if the connection is lost.
    """

    place: str
    worker: str
    workers: str
    start: str

    def has_other_python(
        self, kind: type[_Error], name: str, theirs: str, ours: str, hint: str = SAME_VERSION
    ) -> _Error:
        """Return the error that a worker has another version of Python."""
        return kind(
            f"the {self.worker} {name} has Python {theirs}, and this command {ours}", hint=hint
        )

    def has_no_sbr(
        self, kind: type[_Error], name: str, why: object, hint: str = SAME_VERSION
    ) -> _Error:
        """Return the error that a worker has no sbr, or one without what is needed."""
        return kind(f"the {self.worker} {name} has no sbr {__version__}: {why}", hint=hint)

    def require_seen(self, name: str, version: str, file: str | None, folder: Path) -> None:
        """Check the answer of `look`.

        Args:
            name: of the worker, or its address.
            version: what the worker has.
            file: what it has written.
            folder: that it must see.

        Raises:
            ConfigError: it has another version of sbr, or does not see the folder.
        """
        if version != __version__:
            raise ConfigError(
                f"the {self.worker} {name} has sbr {version}, and this command is {__version__}",
                hint=SAME_VERSION,
            )
        if file is None or not (folder / file).exists():
            raise ConfigError(
                f"the {self.worker} {name} does not see, or cannot write in, {folder}",
                hint="name with --workdir a folder on a disk that all workers share",
            )

    def has_lost_all(self) -> EngineError:
        """Return the error that no worker is left."""
        return EngineError(
            f"all {self.workers} of {self.place} have died",
            hint="start workers, and run the command again; if they ran out of memory, give more "
            "parts with a lower --memory",
        )

    def has_lost_several(self) -> EngineError:
        """Return the error that one part has killed several workers."""
        return EngineError(
            f"several {self.workers} of {self.place} have died at the same part of the log",
            hint="they may have run out of memory: lower --memory, which makes smaller parts",
        )

    def is_lost(self) -> EngineError:
        """Return the error that the cluster does not answer any more."""
        return EngineError(
            f"the connection to {self.place} is lost",
            hint=f"{self.start}, and run the command again",
        )


class Patience:
    """Watches a cluster during a wait.

    Args:
        cluster: for the message.
        seconds: how long to wait without any worker.
    """

    def __init__(self, cluster: Cluster, seconds: float) -> None:
        self._cluster = cluster
        self._seconds = seconds
        self._last_seen = time.monotonic()

    def observe(self, num_threads: int) -> None:
        """Take the number of kernels that can run now.

        Raises:
            EngineError: there has been no worker for too long.
        """
        now = time.monotonic()
        if num_threads:
            self._last_seen = now
        elif now - self._last_seen > self._seconds:
            raise self._cluster.has_lost_all()
