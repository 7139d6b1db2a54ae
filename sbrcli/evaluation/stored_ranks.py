"""The rank of each scored target, stored with a run's metrics to compare runs in pairs.

A run's folder has one file for each way to evaluate it, as `ranks-test.safetensors`:

    ranks      (scored,) uint16; 65535 stands for that rank and all beyond it
    lengths    (sessions with a scored next item,) uint32, how many each has
    positions  (32,) uint8, SHA-256 of the scored next items' places in the split

Two bytes a next item, from which the metrics of each session follow at every k that is used.
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
"""The greatest rank that is stored; a k must be below it."""


@dataclass(frozen=True, slots=True)
class StoredRanks:
    """A run's ranks.

    Args:
        ranks: (scored,) int64 from 1, `BEYOND` for that and all beyond it.
        session: (scored,) numbers of sessions, ascending.
        positions: what tells two sets of next items apart.
    """

    ranks: IntArray
    session: IntArray
    positions: bytes


def ranks_path(run: Path, way: str) -> Path:
    """Return where a run keeps the ranks of a way to evaluate it, as "test exclude-seen"."""
    return run / f"ranks-{way.replace(' ', '-')}.safetensors"


def write_ranks(path: Path, ranks: Ranks, sessions: Sessions) -> None:
    """Write the ranks of a split's scored next items, in one step.

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
    """Write the ranks, then let the body write their figures; without these they do not stay.

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
        scored: how many next items were scored, by the figures that are kept beside it.

    Returns:
        The ranks; None where there are none, or not those of the figures, or they are damaged:
        they can be had again at any time.
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
