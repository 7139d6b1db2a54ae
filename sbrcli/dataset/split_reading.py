"""Read the columns of a split in batches: into memory, or a large split into a mapped file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.dataset.mapped_columns import Column
from sbrcli.dataset.tables import (
    damage_explained,
    damaged_file,
    files_of,
    plain_ids,
    require_columns,
    require_numbers,
    to_numpy,
)
from sbrcli.log.events import SESSION_ID, TIMESTAMP
from sbrcli.sessions import IN_MEMORY_EVENTS

if TYPE_CHECKING:
    import pyarrow as pa

ITEM_INDEX = "item_index"
IS_TARGET = "is_target"

_BATCH = 2**18
"""Events that are decoded at once."""


@dataclass(frozen=True, slots=True)
class SplitColumns:
    """The columns of a split, as in `Sessions`; each is in memory or mapped."""

    item_indices: IntArray
    offsets: IntArray
    timestamps: npt.NDArray[np.generic]
    targets: BoolArray | None


def read_split_columns(path: Path, num_items: int) -> SplitColumns:
    """Read a split, a file or a folder of parts.

    Args:
        path: its path.
        num_items: every item index is below it.

    Raises:
        ArtefactError: the file is missing, damaged or contradicts itself, or the disk has no room
            for the columns.
        MemoryError: an intact file does not fit into memory.
    """
    import pyarrow.parquet as pq

    with damage_explained(path):
        files = files_of(path)
        is_large = sum(pq.read_metadata(file).num_rows for file in files) > IN_MEMORY_EVENTS
        reader = _Reader(path, num_items, is_large=is_large)
        for file in files:
            for batch in _batches_of(file):
                reader.add(batch)
        return reader.finish()


def has_targets(path: Path) -> bool:
    """Return whether the targets of a split are marked.

    Raises:
        ArtefactError: the split is missing or damaged.
    """
    import pyarrow.parquet as pq

    with damage_explained(path):
        return IS_TARGET in pq.read_schema(files_of(path)[0]).names


def _batches_of(file: Path) -> Iterator["pa.Table"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    required = [SESSION_ID, ITEM_INDEX, TIMESTAMP]
    with pq.ParquetFile(file) as opened:
        require_columns(file, opened.schema_arrow, required)
        for batch in opened.iter_batches(_BATCH, columns=[*required, IS_TARGET]):
            batch.validate(full=True)  # PyArrow reads text without checking that it is UTF-8
            yield pa.Table.from_batches([batch])


class _Reader:
    """Checks the batches of a split, and collects its columns."""

    def __init__(self, path: Path, num_items: int, *, is_large: bool) -> None:
        self._path, self._num_items = path, num_items
        self._columns = {name: Column(path.parent, is_large) for name in _COLUMNS}
        self._num_events = 0
        self._last_id: Any = None
        self._names: list[str] | None = None

    def add(self, batch: "pa.Table") -> None:
        """Check and add a batch.

        Raises:
            ArtefactError: it is not what `write_split` writes.
        """
        path = self._path
        if self._names not in (None, batch.column_names):
            raise damaged_file(path, f"only some of its parts have the column {IS_TARGET}")
        self._names = batch.column_names
        for name in (SESSION_ID, ITEM_INDEX, TIMESTAMP):
            if batch[name].null_count:
                raise damaged_file(path, f"its column {name} has missing values")
        ids = plain_ids(path, batch, SESSION_ID)
        require_numbers(path, batch, [ITEM_INDEX], [TIMESTAMP])
        if not len(ids):
            return
        begins = np.concatenate(([True], ids[1:] != ids[:-1]))
        begins[0] = not self._num_events or batch[SESSION_ID][0].as_py() != self._last_id
        self._last_id = batch[SESSION_ID][len(ids) - 1].as_py()
        self._add("offsets", (np.flatnonzero(begins) + self._num_events).astype(np.int64))
        indices = to_numpy(batch[ITEM_INDEX])
        if indices.min() < 0:
            raise damaged_file(path, "it holds no events, or an item index below 0")
        if indices.max() >= self._num_items:
            raise damaged_file(path, f"it holds the item index {indices.max()}, which no item has")
        self._add("items", indices.astype(np.int32))
        timestamps = to_numpy(batch[TIMESTAMP])
        if not np.isfinite(timestamps).all():
            raise damaged_file(path, "one of its times is not a finite number")
        self._add("times", timestamps)
        if IS_TARGET in batch.column_names:
            self._add("targets", _read_targets(path, batch, begins))
        self._num_events += len(ids)

    def finish(self) -> SplitColumns:
        """Return the columns.

        Raises:
            ArtefactError: there are no events.
        """
        if not self._num_events:
            raise damaged_file(self._path, "it holds no events, or an item index below 0")
        self._add("offsets", np.array([self._num_events], np.int64))
        has_targets = IS_TARGET in (self._names or ())
        return SplitColumns(
            self._columns["items"].finish(),
            self._columns["offsets"].finish(),
            self._columns["times"].finish(),
            self._columns["targets"].finish().view(np.bool_) if has_targets else None,
        )

    def _add(self, name: str, values: npt.NDArray[np.generic]) -> None:
        if not self._columns[name].add(values):
            raise damaged_file(self._path, "its parts have columns of different types")


_COLUMNS = ("items", "offsets", "times", "targets")


def _read_targets(path: Path, batch: "pa.Table", begins: BoolArray) -> npt.NDArray[np.uint8]:
    import pyarrow as pa

    column = batch[IS_TARGET]
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise damaged_file(path, f"its column {IS_TARGET} holds other values than true and false")
    targets = to_numpy(column.cast(pa.uint8()))
    if targets[begins].any():
        raise damaged_file(path, f"its column {IS_TARGET} asks for the first event of a session")
    return targets.astype(np.uint8)
