"""Find what the logs of a given split have in common when they do not fit into memory.

While a log is read, the hashes of its events go to scratch, divided by the hash of their owner.
So what an owner has in two logs lies in the same part of both, and what parts have in common adds
up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from sbrcli.dataset.overlaps import Hashed, Overlaps, compare, hash_events
from sbrcli.engines.engine import Engine
from sbrcli.engines.shuffle import read_part, write_by_part
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.log import Log

_OWNER, _EVENT = "owner", "event"


@dataclass(slots=True)
class HashedPieces:
    """The hashes of the events of a log.

    Args:
        folder: where they are written.
        num_parts: how many parts they are divided into.
    """

    folder: Path
    num_parts: int
    written: list[Path] = field(default_factory=list)
    num_events: int = 0
    columns: frozenset[str] = frozenset()
    """The columns of the owners in any batch."""

    has_unnamed: bool = False
    """Whether a batch lacks one of these columns."""

    def take(self, log: Log) -> None:
        """Write the hashes of a batch."""
        events = log.events
        own = frozenset(name for name in (USER_ID, SESSION_ID) if name in events)
        self.has_unnamed |= bool(self.written) and own != self.columns
        self.columns |= own
        if log.format.time_unit == ORDER:
            order = np.arange(self.num_events, self.num_events + len(events))
            events = events.assign(**{TIMESTAMP: order})
        hashed = hash_events(events)
        path = self.folder / f"hashes-{len(self.written):05d}.arrow"
        table = pa.table({_OWNER: pa.array(hashed.owners), _EVENT: pa.array(hashed.events)})
        part_of_row = (hashed.owners % np.uint64(self.num_parts)).astype(np.int64)
        write_by_part(path, table, part_of_row, self.num_parts)
        self.written.append(path)
        self.num_events += len(events)


def compare_in_parts(
    engine: Engine, logs: Mapping[str, HashedPieces], named_sessions: bool
) -> Overlaps:
    """Compare each pair of logs, and delete their hashes.

    Args:
        engine: compares the parts.
        logs: by role, all with the same number of parts.
        named_sessions: whether the session ids of the logs are used.
    """
    written = {role: one.written for role, one in logs.items()}
    numbers = range(next(iter(logs.values())).num_parts)
    found = engine.merge(compare_part, numbers, written, named_sessions, combine=Overlaps.__add__)
    for path in (path for paths in written.values() for path in paths):
        path.unlink()
    return found


def compare_part(
    number: int, written: Mapping[str, Sequence[Path]], named_sessions: bool
) -> Overlaps:
    """Compare a part of each pair of logs."""
    logs = {}
    for role, paths in written.items():
        table = pa.Table.from_batches(read_part(paths, number))
        logs[role] = Hashed(table[_OWNER].to_numpy(), table[_EVENT].to_numpy())
    return compare(logs, named_sessions)
