"""Splits read in batches, in memory and mapped from disk: the same arrays, the same errors."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.dataset import mapped_columns, split_reading
from sbrcli.dataset.split_reading import SplitColumns, read_split_columns
from sbrcli.errors import ArtefactError

ITEMS = 9


def write_parts(folder: Path, ids: list, numbers: list[int], *, is_text: bool) -> Path:
    """Write a split of one file, or of a part for each number of rows, with is_target."""
    path = folder / "train.parquet"
    path.mkdir()
    rng = np.random.default_rng(len(ids))
    begins = [at == 0 or ids[at] != ids[at - 1] for at in range(len(ids))]
    kind = pa.string() if is_text else pa.int64()
    column = pa.array([str(one) for one in ids] if is_text else ids, kind)
    table = pa.table(
        {
            "session_id": column.dictionary_encode() if is_text else column,
            "item_index": pa.array(rng.integers(0, ITEMS, len(ids)), pa.int32()),
            "timestamp": pa.array(rng.random(len(ids))),
            "is_target": pa.array((rng.random(len(ids)) < 0.5) & ~np.array(begins)),
        }
    )
    cuts = [0, *np.cumsum(numbers).tolist()]
    for part, (first, end) in enumerate(pairwise(cuts)):
        rows = table.slice(first, end - first)
        pq.write_table(rows, path / f"part-{part:05d}.parquet", row_group_size=5)
    return path


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=12),
    st.integers(1, 7),
    st.booleans(),
    st.booleans(),
)
def test_batches_and_parts_give_the_columns_of_the_whole(
    tmp_path_factory, lengths, batch, is_text, is_large
):
    ids = np.repeat(np.arange(len(lengths))[::-1] * 3, lengths).tolist()
    half = len(ids) // 2  # a session may go on in the next part
    folder = tmp_path_factory.mktemp("split")
    path = write_parts(folder, ids, [half, len(ids) - half], is_text=is_text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split_reading, "_BATCH", batch)
        patch.setattr(split_reading, "IN_MEMORY_EVENTS", 0 if is_large else 10**6)
        found = read_split_columns(path, ITEMS)
    table = pa.concat_tables(pq.read_table(file) for file in sorted(path.iterdir()))
    assert found.item_indices.tolist() == table["item_index"].to_pylist()
    assert found.timestamps.tolist() == table["timestamp"].to_pylist()
    assert found.targets is not None
    assert found.targets.tolist() == table["is_target"].to_pylist()
    assert found.offsets.tolist() == [0, *np.cumsum(lengths).tolist()]
    kinds = [one.dtype for one in (found.item_indices, found.offsets, found.timestamps)]
    assert kinds == [np.int32, np.int64, np.float64]
    assert _is_mapped(found) == is_large
    assert [one.name for one in folder.iterdir()] == ["train.parquet"]


def _is_mapped(columns: SplitColumns) -> bool:
    arrays = (columns.item_indices, columns.offsets, columns.timestamps, columns.targets)
    return all(isinstance(_root(array), np.memmap) for array in arrays)


def _root(array: np.ndarray | None) -> object:
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize("is_large", [False, True])
def test_a_part_with_a_column_of_another_type_is_damaged(tmp_path, monkeypatch, is_large):
    monkeypatch.setattr(split_reading, "IN_MEMORY_EVENTS", 0 if is_large else 10**6)
    path = write_parts(tmp_path, [1, 1, 2, 2], [2, 2], is_text=False)
    part = path / "part-00001.parquet"
    table = pq.read_table(part)
    times = pa.array([1, 2], pa.int64())
    pq.write_table(table.set_column(2, "timestamp", times), part)
    with pytest.raises(ArtefactError, match="its parts have columns of different types"):
        read_split_columns(path, ITEMS)


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    def refuse(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(split_reading, "IN_MEMORY_EVENTS", 0)
    monkeypatch.setattr(mapped_columns, "_open_nameless", refuse)
    path = write_parts(tmp_path, [1, 1], [2], is_text=False)
    with pytest.raises(ArtefactError) as caught:
        read_split_columns(path, ITEMS)
    assert caught.value.exit_code == 5
    assert str(caught.value) == (
        f"cannot write the columns of dataset {tmp_path.name} to a temporary file: "
        "No space left on device"
    )
    assert caught.value.hint == (
        "free 12 bytes for each of its events on the disk of the work directory"
    )


def test_targets_in_only_some_parts_are_damage(tmp_path):
    path = write_parts(tmp_path, [1, 1, 2, 2], [2, 2], is_text=False)
    part = path / "part-00001.parquet"
    pq.write_table(pq.read_table(part).drop_columns(["is_target"]), part)
    with pytest.raises(ArtefactError) as caught:
        read_split_columns(path, ITEMS)
    assert str(caught.value) == (
        f"{path} is damaged: only some of its parts have the column is_target"
    )


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    opened = []

    def open_elsewhere(dir: Path | None = None) -> object:  # noqa: A002
        opened.append(dir)
        if dir is not None:
            raise PermissionError(13, "Permission denied")
        return (tmp_path / f"temporary-{len(opened)}").open("wb+")

    monkeypatch.setattr(split_reading, "IN_MEMORY_EVENTS", 0)
    monkeypatch.setattr(mapped_columns.tempfile, "TemporaryFile", open_elsewhere)
    path = write_parts(tmp_path, [1, 1], [2], is_text=False)
    assert read_split_columns(path, ITEMS).offsets.tolist() == [0, 2]
    assert None in opened
