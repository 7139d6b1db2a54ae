"""The session ids of splits, read from their files block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sbrcli.dataset.tables import damage_explained, damaged_file, files_of
from sbrcli.log.events import SESSION_ID
from sbrcli.sessions import Sessions, block_bounds

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 2**18
"""Events whose ids are decoded at once."""


@dataclass(frozen=True, slots=True)
class SessionIds:
    """The ids of sessions as in the log, read from the files each time they are iterated over.

    Each iteration yields one array for each of `sessions.blocks()`: the ids of its sessions, 64-bit
    integers if the ids of all splits are integers, else strings.

    Args:
        paths: of the splits, files or folders of parts.
        sessions: of these splits, in the order of `paths`.
    """

    paths: Sequence[Path]
    sessions: Sessions

    def __iter__(self) -> Iterator["pa.Array"]:
        """Yield the ids of each block.

        Raises:
            ArtefactError: a file is damaged.
        """
        import pyarrow as pa

        batches = self._read_batches()
        held, num_held = [], 0
        for begin, end in block_bounds(self.sessions.offsets):
            while num_held < end - begin:
                batch = next(batches, None)
                if batch is None:
                    raise damaged_file(self.paths[-1], "it has fewer events than when it was read")
                held.append(batch)
                num_held += len(batch)
            ids = pa.concat_arrays(held)
            yield ids.slice(0, end - begin)
            num_held -= end - begin
            held = [ids.slice(end - begin)]

    def _read_batches(self) -> Iterator["pa.Array"]:
        """Yield the ids of the sessions that begin in each batch of events."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kind = pa.int64() if self._are_integers() else pa.string()
        begins = self.sessions.offsets[:-1]
        begin = first = 0
        for path in self.paths:
            with damage_explained(path):
                for file in files_of(path):
                    with pq.ParquetFile(file) as opened:
                        for batch in opened.iter_batches(_BATCH, columns=[SESSION_ID]):
                            end = int(np.searchsorted(begins, first + batch.num_rows))
                            rows = begins[begin:end] - first
                            yield batch.column(0).take(pa.array(rows)).cast(kind)
                            first, begin = first + batch.num_rows, end

    def _are_integers(self) -> bool:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path in self.paths:
            with damage_explained(path):
                kinds = [pq.read_schema(file).field(SESSION_ID).type for file in files_of(path)]
            if not all(map(pa.types.is_integer, kinds)):
                return False
        return True
