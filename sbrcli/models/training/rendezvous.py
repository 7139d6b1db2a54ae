"""Wait until all processes of a training are there, in a way that Ctrl-C can end.

TensorFlow waits for the other processes too, but in a call during which Python runs nothing: no
message, and no answer to Ctrl-C. So each process first listens at its own address, and goes on when
something has listened at every other one. That is the other process here, or its TensorFlow, which
listens at the same address a moment later.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sbrcli.config.workers import Cluster

_PATIENCE_SECONDS = 5.0
"""How long a process waits before it says so."""

_PAUSE_SECONDS = 0.2
_CONNECT_SECONDS = 1.0
_BACKLOG = 1024
"""Connections are never accepted: that they can be made is all that the others want to know."""


def wait_for_others(cluster: Cluster, say: Callable[[str], object]) -> None:
    """Wait until every other process listens at its address.

    Args:
        cluster: the processes.
        say: called once with the addresses that are missing after some seconds.

    Raises:
        KeyboardInterrupt: it was interrupted.
    """
    missing = [one for at, one in enumerate(cluster.addresses) if at != cluster.index]
    deadline: float | None = time.monotonic() + _PATIENCE_SECONDS
    with _listening(cluster.addresses[cluster.index]):
        while missing := [one for one in missing if not _is_there(one)]:
            if deadline is not None and time.monotonic() >= deadline:
                say(f"waiting for the other workers: {', '.join(missing)}")
                deadline = None
            time.sleep(_PAUSE_SECONDS)


@contextmanager
def _listening(address: str) -> Iterator[None]:
    """Listen at the port of an address; if that is not possible, TensorFlow will say why."""
    with socket.socket() as own:
        with suppress(OSError, ValueError, OverflowError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            own.bind(("", int(address.rpartition(":")[2])))
            own.listen(_BACKLOG)
        yield


def _is_there(address: str) -> bool:
    """Return whether something listens at an address, HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS) as made:
            # On one machine, a connection may get the port that it asks for, and be its own peer.
            return made.getsockname() != made.getpeername()
    except (OSError, ValueError, OverflowError):  # it is not there, or has no name yet
        return False
