"""Read and write the sessions and items of a dataset.

The files are plain Parquet: `items.parquet` with item_index, item_id, train_count and, if there are
titles, title; `train|valid|test.parquet` with session_id, item_id, item_index and timestamp, where
the events of a session are contiguous. A split of a log prepared in parts is a folder of that name
with files part-00000.parquet, part-00001.parquet, … to read one after the other.

`valid_full.parquet` is valid including the items that train lacks: `sbr train --refit` trains on it
in addition to train.

With `--split last`, valid and test have another column, is_target, which marks the targets. The
other events are their context and also occur in an earlier split. valid_full then contains every
session without its test event, and so all of train.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.dataset.consistency import find_items_mismatch, find_mismatch, is_described
from sbrcli.dataset.split_reading import IS_TARGET, ITEM_INDEX, read_split_columns
from sbrcli.dataset.tables import (
    damaged_file,
    read_table,
    require_numbers,
    require_text,
    to_numpy,
)
from sbrcli.engines.temporary_files import replacing
from sbrcli.errors import ArtefactError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    import pyarrow as pa

# PyArrow is imported where it is used, so that code that needs only `Sessions` does not load it.

Split = Literal["train", "valid", "test", "valid_full"]

TRAIN_COUNT = "train_count"
TITLE = "title"

ITEMS_FILE = "items.parquet"

_COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True)
class Items:
    """A dataset's items; an item's index is its position here.

    Args:
        ids: ids as in the log; train's items come first, in order of appearance.
        train_count: (items,) int64 events in train, 0 for items that train lacks.
        titles: one per item, None for an item without one; None if no titles were given.
    """

    ids: list[str]
    train_count: IntArray
    titles: list[str | None] | None = None

    @property
    def num_train_items(self) -> int:
        """The number of items in train; their indices are 0 to this minus 1."""
        return int(np.count_nonzero(self.train_count))


def load_split(folder: Path, split: Split) -> Sessions:
    """Read one split of a dataset; the arrays of a large one are mapped from disk.

    Raises:
        ArtefactError: the dataset lacks it, or the file is damaged.
    """
    path = split_path(folder, split)
    if split == "valid" and not path.exists() and not is_described(folder, split):
        raise ArtefactError(
            f"dataset {folder.name} has no valid split",
            hint="sbr preprocess makes one with --valid-days above 0",
        )
    if split == "test" and not path.exists() and not is_described(folder, split):
        raise ArtefactError(
            f"dataset {folder.name} has no test split",
            hint="sbr evaluate --log LOG scores a later log, --split valid scores valid, unless "
            "the run has learned from it; sbr preprocess makes test with --test-days above 0",
        )
    read = read_split_columns(path, _count_items(folder))
    sessions = Sessions(read.item_indices, read.offsets, read.timestamps, read.targets)
    misfit = find_mismatch(folder, split, sessions) or find_checksum_mismatch(path)
    if misfit is not None:
        raise damaged_file(path, misfit)
    return sessions


def load_items(folder: Path) -> Items:
    """Read the items of a dataset.

    Raises:
        ArtefactError: the file is missing or damaged.
    """
    path = folder / ITEMS_FILE
    table = read_table(path, [ITEM_INDEX, ITEM_ID, TRAIN_COUNT], optional=TITLE)
    require_numbers(path, table, [ITEM_INDEX, TRAIN_COUNT], [])
    require_text(path, table, [ITEM_ID, TITLE])
    if not np.array_equal(to_numpy(table[ITEM_INDEX]), np.arange(table.num_rows)):
        raise damaged_file(path, "its item indices are not 0, 1, 2, …")
    titles = table[TITLE].to_pylist() if TITLE in table.column_names else None
    train_count = to_numpy(table[TRAIN_COUNT]).astype(np.int64)
    items = Items(table[ITEM_ID].to_pylist(), train_count, titles)
    if (train_count < 0).any() or not train_count[: items.num_train_items].all():
        raise damaged_file(path, "its items do not begin with those of train")
    misfit = find_items_mismatch(folder, items.num_train_items) or find_checksum_mismatch(path)
    if misfit is not None:
        raise damaged_file(path, misfit)
    return items


def _count_items(folder: Path) -> int:
    """Return the number of items; the limit of an index if the file of items is missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(folder / ITEMS_FILE).num_rows
    except (pa.ArrowException, OSError):  # reported when the items are read
        return np.iinfo(np.int32).max


def write_split(
    folder: Path,
    split: Split,
    sessions: Sessions,
    session_ids: "pa.Array",
    item_ids: "Sequence[str] | pa.Array",
    part: int | None = None,
) -> None:
    """Write one split of a dataset, or a part of it.

    Args:
        folder: the dataset's folder.
        split: the name of the split.
        sessions: its events.
        session_ids: (events,) integers or strings, see `id_column`.
        item_ids: (items,) every item's id, strings.
        part: the part's number; None writes the whole split into one file.
    """
    write_split_in_blocks(folder, split, [(sessions, session_ids)], item_ids, part)


def write_split_in_blocks(
    folder: Path,
    split: Split,
    blocks: "Iterable[tuple[Sessions, pa.Array]]",
    item_ids: "Sequence[str] | pa.Array",
    part: int | None = None,
) -> None:
    """Write a split, or a part of it, block by block into one file, in the memory of a block.

    Args:
        blocks: at least one, each with the session ids of its events. All have columns of the same
            types.
        folder, split, item_ids, part: as of `write_split`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not isinstance(item_ids, pa.Array):
        item_ids = pa.array(item_ids, pa.string())
    path = split_path(folder, split)
    if part is not None:
        path.mkdir(exist_ok=True)
        path /= f"part-{part:05d}.parquet"
    tables = (_to_table(sessions, ids, item_ids) for sessions, ids in blocks)
    first = next(tables)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, first.schema, compression=_COMPRESSION) as out,
    ):
        for table in chain([first], tables):
            out.write_table(table)


def _to_table(sessions: Sessions, session_ids: "pa.Array", item_ids: "pa.Array") -> "pa.Table":
    import pyarrow as pa

    columns = {
        SESSION_ID: session_ids,
        ITEM_ID: id_column(sessions.item_indices, item_ids),
        ITEM_INDEX: pa.array(sessions.item_indices),
        TIMESTAMP: pa.array(sessions.timestamps),
    }
    if sessions.targets is not None:
        columns[IS_TARGET] = pa.array(sessions.targets)
    return pa.table(columns)


def write_items(folder: Path, items: Items) -> None:
    """Write the items of a dataset."""
    import pyarrow as pa

    columns = {
        ITEM_INDEX: pa.array(np.arange(len(items.ids), dtype=np.int32)),
        ITEM_ID: pa.array(items.ids, pa.string()),
        TRAIN_COUNT: pa.array(items.train_count),
    }
    if items.titles is not None:
        columns[TITLE] = pa.array(items.titles, pa.string())
    _write_table(folder / ITEMS_FILE, pa.table(columns))


def split_path(folder: Path, split: str) -> Path:
    """Return the path of a split in a dataset's folder: a file, or a folder of parts."""
    return folder / f"{split}.parquet"


def id_column(codes: IntArray, categories: "pa.Array") -> "pa.Array":
    """Return a dictionary-encoded column of strings with only the ids that occur.

    Args:
        codes: (rows,) places among the categories.
        categories: (categories,) strings.
    """
    import pyarrow as pa

    occurs = np.bincount(codes, minlength=len(categories)) > 0
    compact = np.cumsum(occurs, dtype=np.int32) - 1  # [True, False, True] -> [0, 0, 1]
    ids = categories.take(pa.array(np.flatnonzero(occurs)))
    return pa.DictionaryArray.from_arrays(pa.array(compact[codes]), ids)


def _write_table(path: Path, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression=_COMPRESSION)
