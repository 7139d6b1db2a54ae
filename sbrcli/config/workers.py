"""Several processes that train one network: on this machine, or those that `TF_CONFIG` names."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.config.options import Options, option
from sbrcli.errors import ConfigError

PANEL = "Several workers"

VARIABLE = "TF_CONFIG"
"""The environment variable by which Kubeflow, Vertex AI and SageMaker name the workers."""

_CHIEF, _WORKER = "chief", "worker"


@dataclass(frozen=True, kw_only=True)
class WorkersConfig(Options):
    """How many processes train on this machine.

    Neither a run's name nor its manifest has it: a run may go on with another number of them.
    """

    workers: int = option(
        1,
        "Number of processes of this machine that divide the sessions of a batch, as in "
        "--workers 2 --max-restarts 3.",
        panel=PANEL,
        minimum=1,
        maximum=64,
    )
    max_restarts: int = option(
        0,
        "If a worker dies, restart all of them from the last checkpoint, up to N times.",
        panel=PANEL,
        minimum=0,
    )


ALONE = WorkersConfig()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The processes that train together, as one of them sees them."""

    addresses: tuple[str, ...]
    """HOST:PORT of each, the chief's first."""

    index: int
    """The number of this process."""

    @property
    def is_chief(self) -> bool:
        """Whether this process reads and writes the run's folder."""
        return self.index == 0

    @property
    def num_on_machine(self) -> int:
        """The number of processes on the host of this one."""
        return self._hosts().count(self._hosts()[self.index])

    @property
    def index_on_machine(self) -> int:
        """The number of this process among those on its host."""
        return self._hosts()[: self.index].count(self._hosts()[self.index])

    def _hosts(self) -> list[str]:
        return [address.rpartition(":")[0] for address in self.addresses]

    @property
    def threads(self) -> int:
        """The process's share of the machine's cores."""
        return max(1, (os.cpu_count() or 1) // self.num_on_machine)


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Return the cluster that `TF_CONFIG` describes; None without one, or with a single worker.

    Raises:
        ConfigError: it is not a description of workers, and this process as one of them.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        found = json.loads(text)
        named = {kind: _addresses(found["cluster"][kind]) for kind in found.get("cluster") or {}}
        if not named:
            return None
        kind, index = found["task"]["type"], int(found["task"]["index"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_a_cluster(f"it cannot be read ({type(error).__name__}: {error})") from error
    strange = sorted(set(named) - {_CHIEF, _WORKER})
    if strange:
        raise _not_a_cluster(f"it names processes of another kind: {', '.join(strange)}")
    if kind not in named or not 0 <= index < len(named[kind]):
        raise _not_a_cluster(f"it does not list this process, {kind} {index}")
    chiefs, workers = named.get(_CHIEF, ()), named.get(_WORKER, ())
    if len(chiefs) > 1:
        raise _not_a_cluster(f"it names {len(chiefs)} chiefs")
    addresses = (*chiefs, *workers)
    if len(addresses) == 1:
        return None
    return Cluster(addresses, index + (len(chiefs) if kind == _WORKER else 0))


def require_no_cluster(command: str) -> None:
    """Check that a command which one process runs is not started once for each worker.

    Raises:
        ConfigError: `TF_CONFIG` names several workers.
    """
    cluster = read_cluster()
    if cluster is not None:
        raise ConfigError(
            f"{VARIABLE} names {len(cluster.addresses)} workers; {command} runs in one process",
            hint=f"run it once, with {VARIABLE} unset",
        )


def _addresses(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(map(_is_address, found)):
        raise TypeError("addresses must be a list of HOST:PORT")
    return tuple(found)


def _is_address(found: Any) -> bool:
    if not isinstance(found, str):
        return False
    host, _, port = found.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and int(port) < 65_536


def _not_a_cluster(why: str) -> ConfigError:
    return ConfigError(
        f"{VARIABLE} describes no workers for sbr train: {why}",
        hint='it must be as in {"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}; unset it to train in one process',
    )
