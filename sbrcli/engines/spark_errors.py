"""Translate what Spark says of a job that has failed, a Java stack trace."""

import platform
import re
from typing import TypeVar

from sbrcli.engines.cluster import SAME_VERSION, Cluster
from sbrcli.errors import EngineError, SbrError

_Error = TypeVar("_Error", bound=SbrError)

_HINT = f"{SAME_VERSION}; PYSPARK_PYTHON names the Python that they run"
_OTHER_PYTHON = re.compile(r"Python in worker has different version: (\S+) than")
_NO_SBR = re.compile(r"ModuleNotFoundError: (No module named '(?:sbrcli|pyarrow|pandas|numpy).*)")
_NO_PYTHON = re.compile(r'Cannot run program "([^"]+)"')
_DEATHS = ("ExecutorLostFailure", "Python worker exited unexpectedly")


class JobError(Exception):
    """A job has failed.

    Args:
        text: what Spark says.
        host: where a task of the job has failed; None if none has.
    """

    def __init__(self, text: str, host: str | None = None) -> None:
        super().__init__(text)
        self.host = host


def find_misfit(error: Exception, cluster: Cluster, kind: type[_Error]) -> _Error | None:
    """Return the error that an executor cannot take part; None if that is not why a job failed.

    Args:
        error: of a job.
        cluster: for the message.
        kind: of error.
    """
    text, host = str(error), error.host if isinstance(error, JobError) else None
    name = f"on {host}" if host else "of this cluster"
    if found := _OTHER_PYTHON.search(text):
        ours = ".".join(platform.python_version_tuple()[:2])
        return cluster.has_other_python(kind, name, found[1], ours, hint=_HINT)
    if found := _NO_SBR.search(text):
        return cluster.has_no_sbr(kind, name, found[1], hint=_HINT)
    if found := _NO_PYTHON.search(text):
        return kind(f"the {cluster.worker} {name} has no program {found[1]}", hint=_HINT)
    return None


def find_loss(error: Exception, cluster: Cluster) -> EngineError | None:
    """Return the error that one part has killed several executors; None if none has died."""
    has_died = any(death in str(error) for death in _DEATHS)
    return cluster.has_lost_several() if has_died else None
