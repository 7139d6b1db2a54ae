"""The address of a Spark cluster, and whether anything answers there."""

import re
import socket
from contextlib import suppress

from sbrcli.errors import ConfigError

_LOCAL = re.compile(r"local(?:\[(\d+|\*)(?:, *\d+)?\])?")
_STANDALONE = "spark://"
_MANAGED = ("yarn", "k8s://")
_DEFAULT_PORT = 7077

ATTEMPTS = 4
"""How often a part is tried, of which a dying worker fails one."""


def read_master(address: str | None, processes: int) -> str:
    """Return Spark's name of a cluster.

    Args:
        address: the option --cluster; None for a session of this machine.
        processes: the number of processes of such a session.

    Raises:
        ConfigError: it is no address of a Spark cluster.
    """
    if address is None:
        return f"local[{processes},{ATTEMPTS}]"
    local = _LOCAL.fullmatch(address)
    if local:  # by default, Spark would try each part once
        return f"local[{local[1] or 1},{ATTEMPTS}]"
    if not address.startswith((_STANDALONE, *_MANAGED)):
        raise ConfigError(
            f"{address} is no address of a Spark cluster",
            hint="--cluster spark://HOST:7077 names a master, and local[4] a session of this "
            "machine; yarn and k8s://HOST:PORT are possible too",
        )
    return address


def is_local(master: str) -> bool:
    """Return whether a cluster is a session of this machine."""
    return master.startswith("local")


def require_answer(master: str, seconds: float) -> None:
    """Check that something listens at one of the addresses of a standalone master.

    Spark itself would try for a minute. Other kinds of clusters are left to it.

    Args:
        master: several addresses are separated by commas.
        seconds: how long to try each.

    Raises:
        ConfigError: nothing does.
    """
    if not master.startswith(_STANDALONE):
        return
    for place in master.removeprefix(_STANDALONE).split(","):
        host, _, port = place.strip().rpartition(":")
        if not port.isdigit():
            host, port = place.strip(), str(_DEFAULT_PORT)
        with suppress(OSError, UnicodeError), socket.create_connection((host, int(port)), seconds):
            return
    raise has_no_answer(master)


def has_no_answer(master: str) -> ConfigError:
    """Return the error that no master answers."""
    return ConfigError(
        f"no Spark master answers at {master}",
        hint="start it with sbin/start-master.sh of the same version of Spark as pyspark; "
        "--cluster spark://HOST:7077 names it",
    )
