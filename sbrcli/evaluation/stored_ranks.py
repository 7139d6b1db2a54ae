"""The rank of each scored target, stored with a run's metrics to compare runs in pairs.

A run's folder has one file for each evaluation protocol, such as `ranks-test.safetensors`:

    ranks      (scored,) uint16; 65535 stands for that rank and all beyond it lengths    (sessions
    with a scored target,) uint32, the number of scored targets of each positions  (32,) uint8,
    SHA-256 of the positions of the scored targets in the split

These two bytes per target suffice to compute the metrics of each session at every k below `BEYOND`.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.manifests import write_atomically
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.ranks import Ranks
from sbrcli.evaluation.scoring import session_of
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]

BEYOND = 65_535
"""The rank that stands for itself and all greater ones; k must be less."""


@dataclass(frozen=True, slots=True)
class StoredRanks:
    """A run's ranks.

    Args:
        ranks: (scored,) int64 from 1; `BEYOND` stands for itself and all greater ranks.
        session: (scored,) the session number of each target, ascending.
        positions: a hash that identifies the set of targets.
    """

    ranks: IntArray
    session: IntArray
    positions: bytes


def ranks_path(run: Path, way: str) -> Path:
    """Return the file of a run's ranks for an evaluation such as "test exclude-seen"."""
    return run / f"ranks-{way.replace(' ', '-')}.safetensors"


def write_ranks(path: Path, ranks: Ranks, sessions: Sessions) -> None:
    """Write the ranks of a split's scored targets, atomically.

    Raises:
        ArtefactError: the file cannot be written.
    """
    from safetensors.numpy import save

    session = session_of(sessions, ranks.positions)
    digest = hashlib.sha256(ranks.positions.astype("<i8").tobytes()).digest()
    columns = {
        "ranks": np.minimum(ranks.ranks, BEYOND).astype(np.uint16),
        "lengths": np.unique(session, return_counts=True)[1].astype(np.uint32),
        "positions": np.frombuffer(digest, np.uint8),
    }
    write_atomically(path, save(columns))


@contextmanager
def storing_ranks(path: Path, ranks: Ranks, sessions: Sessions) -> Iterator[None]:
    """Write the ranks, then run the body, which writes the metrics; if it fails, delete the ranks.

    Raises:
        ArtefactError: a file cannot be written.
    """
    write_ranks(path, ranks, sessions)
    try:
        yield
    except ArtefactError:
        with suppress(OSError):
            path.unlink()
        raise


def read_ranks(path: Path, scored: int | None) -> StoredRanks | None:
    """Read what `write_ranks` wrote.

    Args:
        path: the file.
        scored: the number of scored targets, according to the stored metrics.

    Returns:
        The ranks; None if they are missing, damaged or do not match the metrics. Evaluating the run
        again restores them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        columns = load(path.read_bytes())
        ranks = columns["ranks"].astype(np.int64)
        lengths = columns["lengths"].astype(np.int64)
        positions = columns["positions"].tobytes()
    except (OSError, KeyError, ValueError, SafetensorError):
        return None
    if len(ranks) != scored or int(lengths.sum()) != len(ranks) or not lengths.all():
        return None
    return StoredRanks(ranks, np.repeat(np.arange(len(lengths)), lengths), positions)
