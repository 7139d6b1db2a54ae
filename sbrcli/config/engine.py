"""Who works on a log, and in how much memory: the result does not depend on it."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, option
from sbrcli.errors import OptionError

EngineName = Literal["local", "dask", "spark"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(i?)B?", re.IGNORECASE)


def read_bytes(text: str) -> int:
    """Return the number of bytes of a size such as 1GB, 1.5 GiB or 800M.

    Raises:
        OptionError: it is not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise OptionError(
            f"memory is a size. Received: {text}", hint="write it as 800MB, 4GB or 1.5GiB"
        )
    unit = found[2].upper()
    base = 2 ** (10 * "KMGT".find(unit) + 10) if found[3] and unit else _UNITS[unit]
    return round(float(found[1]) * base)


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Options):
    """Who works on a log and in how much memory; the result is the same whatever it is."""

    memory: int | None = option(
        None,
        "Memory to use, such as 4GB. A log that needs more is processed in parts on the disk of "
        "the work directory. \\[default: half of what is free]",
        metavar="SIZE",
        parse=read_bytes,
    )
    processes: int = option(
        1,
        "Number of processes that work on the parts; they share --memory.",
        metavar="N",
        minimum=1,
    )
    engine: EngineName = option(
        "local",
        "Who works on the parts: local, this machine; dask or spark, the workers of a Dask or "
        "Spark cluster, which must see the work directory and have the same version of sbr.",
        choices=get_args(EngineName),
    )
    cluster: str | None = option(
        None,
        "With --engine dask: the address of the scheduler, such as tcp://HOST:8786; with --engine "
        "spark: the master, such as spark://HOST:7077, or local\\[4]. \\[default: "
        "DASK_SCHEDULER_ADDRESS if set (dask), else two processes of this machine]",
        metavar="ADDRESS",
    )
    parts: int | None = option(None)
    """The number of parts, instead of as many as the memory needs; None leaves it to that."""

    def check_together(self) -> None:
        """Check what goes with the engine."""
        require_option(
            self.cluster is None or self.engine != "local",
            "cluster goes with another engine than local, as in --engine dask",
            f"--cluster {self.cluster}",
        )
        require_option(
            self.cluster is None or self.processes == 1,
            "processes are of this machine; a cluster has its own workers",
            f"--processes {self.processes} and --cluster {self.cluster}",
        )
        super().check_together()
