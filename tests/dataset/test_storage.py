"""A dataset's files: what is written is what is read, and damage is named."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.artefacts.checksums import checksums_of
from sbrcli.artefacts.manifests import MANIFEST, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.fingerprint import fingerprint, mix
from sbrcli.dataset.storage import (
    Items,
    id_column,
    load_items,
    load_split,
    write_items,
    write_split,
    write_split_in_blocks,
)
from sbrcli.errors import ArtefactError
from sbrcli.sessions import Sessions
from tests.builders import dataset_manifest, make_sessions

ITEMS = Items(["3186", "a,b", "ü"], np.array([2, 1, 0]))
SESSIONS = Sessions(
    np.array([0, 1, 0, 2, 1], dtype=np.int32), np.array([0, 2, 5]), np.array([5, 6, 1, 2, 3])
)

ASKED = replace(SESSIONS, targets=np.array([False, True, False, False, True]))


def write(folder: Path, sessions: Sessions = SESSIONS, ids: object = None) -> None:
    numbers = np.repeat([7, 9], [2, 3])
    write_split(folder, "train", sessions, pa.array(numbers) if ids is None else ids, ITEMS.ids)


def assert_same(left: Sessions, right: Sessions) -> None:
    for name in ("item_indices", "offsets", "timestamps"):
        assert getattr(left, name).tolist() == getattr(right, name).tolist()
        assert getattr(left, name).dtype == getattr(right, name).dtype
    assert (left.targets is None) == (right.targets is None)
    if left.targets is not None and right.targets is not None:
        assert left.targets.tolist() == right.targets.tolist()
        assert left.targets.dtype == np.bool_


def test_a_split_comes_back_as_it_was_written(tmp_path: Path):
    write(tmp_path)
    assert_same(load_split(tmp_path, "train"), SESSIONS)


def test_a_split_written_in_blocks_is_that_written_at_once(tmp_path: Path):
    for name, blocks in (("once", [(0, 2)]), ("blocks", [(0, 1), (1, 2)])):
        parts = [SESSIONS.part(*block) for block in blocks]
        ids = [
            id_column(np.repeat(np.arange(begin, end), np.diff(part.offsets)), pa.array(["b", "a"]))
            for (begin, end), part in zip(blocks, parts, strict=True)
        ]
        (tmp_path / name).mkdir()
        pairs = zip(parts, ids, strict=True)
        write_split_in_blocks(tmp_path / name, "train", pairs, ITEMS.ids)
    assert_same(load_split(tmp_path / "blocks", "train"), SESSIONS)
    tables = [pq.read_table(tmp_path / name / "train.parquet") for name in ("once", "blocks")]
    assert tables[0].schema == tables[1].schema
    assert tables[0].to_pydict() == tables[1].to_pydict()
    assert pq.read_metadata(tmp_path / "blocks/train.parquet").num_row_groups == 2


def test_times_with_fractions_come_back_as_they_were(tmp_path: Path):
    sessions = Sessions(
        SESSIONS.item_indices, SESSIONS.offsets, np.add(SESSIONS.timestamps, 1_700_000_000.123)
    )
    write(tmp_path, sessions)
    assert_same(load_split(tmp_path, "train"), sessions)


def test_the_targets_come_back_as_they_were(tmp_path: Path):
    write(tmp_path, ASKED)
    assert_same(load_split(tmp_path, "train"), ASKED)
    table = pd.read_parquet(tmp_path / "train.parquet")
    assert list(table.columns) == ["session_id", "item_id", "item_index", "timestamp", "is_target"]
    assert table["is_target"].tolist() == [False, True, False, False, True]


def test_sessions_with_names_come_back_as_those_with_numbers(tmp_path: Path):
    names = np.array(["unused", "x", "y"], dtype=object)
    write(tmp_path, ids=id_column(np.repeat([2, 1], [2, 3]), names))
    assert_same(load_split(tmp_path, "train"), SESSIONS)
    assert pd.read_parquet(tmp_path / "train.parquet")["session_id"].tolist() == list("yyxxx")


def test_sessions_are_distinguished_over_the_bounds_of_row_groups(tmp_path: Path):
    write(tmp_path, ids=id_column(np.repeat([0, 1], [2, 3]), np.array(["x", "y"], dtype=object)))
    table = pq.read_table(tmp_path / "train.parquet")
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=2)
    assert_same(load_split(tmp_path, "train"), SESSIONS)


def test_the_file_of_a_split_says_everything_to_anybody(tmp_path: Path):
    write(tmp_path)
    table = pd.read_parquet(tmp_path / "train.parquet")
    assert list(table.columns) == ["session_id", "item_id", "item_index", "timestamp"]
    assert table.astype({"item_id": str}).values.tolist() == [
        [7, "3186", 0, 5],
        [7, "a,b", 1, 6],
        [9, "3186", 0, 1],
        [9, "ü", 2, 2],
        [9, "a,b", 1, 3],
    ]


@pytest.mark.parametrize("titles", [None, ["Mr. & Mrs.", None, "ü"]])
def test_items_come_back_as_they_were_written(tmp_path: Path, titles):
    write_items(tmp_path, Items(ITEMS.ids, ITEMS.train_count, titles))
    items = load_items(tmp_path)
    assert (items.ids, items.titles) == (ITEMS.ids, titles)
    assert items.train_count.tolist() == [2, 1, 0]
    assert items.num_train_items == 2


def test_reading_a_dataset_does_not_wait_for_pandas(tmp_path: Path):
    write(tmp_path)
    write_items(tmp_path, ITEMS)
    program = (
        "import sys; from pathlib import Path; from sbrcli.dataset import storage\n"
        "assert 'pyarrow' not in sys.modules\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "storage.load_split(folder, 'train'), storage.load_items(folder)\n"
        "assert 'pandas' not in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)


def test_a_dataset_without_a_valid_split_says_how_to_get_one(tmp_path: Path):
    with pytest.raises(ArtefactError) as raised:
        load_split(tmp_path, "valid")
    assert str(raised.value) == f"dataset {tmp_path.name} has no valid split"
    assert raised.value.hint == "sbr preprocess makes one with --valid-days above 0"


def damage(path: Path, **columns: object) -> None:
    """Replace columns of a file; None takes one away."""
    table = pq.read_table(path)
    for name, values in columns.items():
        at = table.column_names.index(name)
        table = table.remove_column(at)
        if values is not None:
            table = table.add_column(at, name, pa.array(values))
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"timestamp": None}, "it lacks the column timestamp"),
        ({"item_index": [0, 1, None, 2, 1]}, "its column item_index has missing values"),
        ({"item_index": [0, 1, -1, 2, 1]}, "it holds no events, or an item index below 0"),
        ({"item_index": list("abcde")}, "its column item_index holds no integers"),
        ({"timestamp": list("abcde")}, "its column timestamp holds no numbers"),
        ({"item_index": [0, 1, 3, 2, 1]}, "it holds the item index 3, which no item has"),
        ({"timestamp": [0.5, np.nan, 1, 2, 3]}, "one of its times is not a finite number"),
        ({"session_id": [0.5] * 5}, "its column session_id holds no ids"),
    ],
)
def test_a_damaged_split_is_named_with_what_is_wrong(tmp_path: Path, columns, complaint):
    write(tmp_path)
    write_items(tmp_path, ITEMS)
    path = tmp_path / "train.parquet"
    damage(path, **columns)
    with pytest.raises(ArtefactError) as raised:
        load_split(tmp_path, "train")
    assert str(raised.value) == f"{path} is damaged: {complaint}"
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([0, 1, 0, 0, 1], "its column is_target holds other values than true and false"),
        (
            [False, True, None, False, True],
            "its column is_target holds other values than true and false",
        ),
        (
            [False, True, True, False, True],
            "its column is_target asks for the first event of a session",
        ),
    ],
)
def test_damage_to_what_is_requested_is_named(tmp_path: Path, values, complaint):
    write(tmp_path, ASKED)
    path = tmp_path / "train.parquet"
    damage(path, is_target=values)
    with pytest.raises(ArtefactError) as raised:
        load_split(tmp_path, "train")
    assert str(raised.value) == f"{path} is damaged: {complaint}"
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_every_event_but_a_sessions_first_is_a_target_unless_stated_otherwise():
    sessions = make_sessions([0, 1], [], [0], [0, 1, 2], [])
    assert sessions.target_mask.tolist() == [False, True, False, False, True, True]
    assert sessions.num_targets == 3
    assert make_sessions([]).target_mask.tolist() == []
    asked = replace(sessions, targets=np.array([False, False, True, False, False, True]))
    # The third event is the first of a session, as where unknown items left: nothing comes before.
    assert asked.target_mask.tolist() == [False] * 5 + [True]
    assert asked.num_targets == 1


def test_targets_are_kept_when_sessions_are_joined_or_chosen():
    both = SESSIONS.followed_by(ASKED)
    before = [False, True, False, True, True]
    assert both.target_mask.tolist() == [*before, *ASKED.target_mask.tolist()]
    assert both.targets is not None
    assert SESSIONS.followed_by(SESSIONS).targets is None
    second = both.only(np.array([False, True, False, True]))
    assert second.item_indices.tolist() == SESSIONS.item_indices[2:].tolist() * 2
    assert second.offsets.tolist() == [0, 3, 6]
    assert second.timestamps.tolist() == SESSIONS.timestamps[2:].tolist() * 2
    assert second.target_mask.tolist() == [False, True, True, False, False, True]
    assert SESSIONS.only(np.array([True, False])).targets is None


def test_a_missing_or_truncated_file_is_named(tmp_path: Path):
    for name, load in (
        ("train", lambda: load_split(tmp_path, "train")),
        ("items", lambda: load_items(tmp_path)),
    ):
        with pytest.raises(ArtefactError) as raised:
            load()
        assert str(raised.value) == f"{tmp_path / name}.parquet is damaged: it is missing"
        assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"
    write(tmp_path)
    path = tmp_path / "train.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArtefactError, match=r"train\.parquet is damaged: "):
        load_split(tmp_path, "train")


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"item_id": [1, 2, 3]}, "its column item_id holds no text"),
        ({"train_count": [0, 2, 1]}, "its items do not begin with those of train"),
    ],
)
def test_items_that_none_can_be_are_named_with_what_is_wrong(tmp_path: Path, columns, complaint):
    write_items(tmp_path, ITEMS)
    path = tmp_path / "items.parquet"
    damage(path, **columns)
    with pytest.raises(ArtefactError) as raised:
        load_items(tmp_path)
    assert str(raised.value) == f"{path} is damaged: {complaint}"
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


@pytest.mark.parametrize(
    ("name", "train", "complaint"),
    [
        ("train", {"events": 4}, "it holds 5 events, and the manifest says 4"),
        ("train", {"items": 2}, "it holds the item index 2, and its items end at 1"),
        ("items", {"items": 3}, "2 of its items are train's, and the manifest says 3"),
    ],
)
def test_what_the_manifest_does_not_say_is_damage(tmp_path: Path, name, train, complaint):
    write(tmp_path)
    write_items(tmp_path, ITEMS)
    counts = {"events": 5, "sessions": 2, "items": 3} | train
    write_json(tmp_path / MANIFEST, dataset_manifest(splits={"train": counts}))
    with pytest.raises(ArtefactError) as raised:
        load_items(tmp_path) if name == "items" else load_split(tmp_path, "train")
    assert str(raised.value) == f"{tmp_path / name}.parquet is damaged: {complaint}"
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_items_out_of_order_are_damage(tmp_path: Path):
    write_items(tmp_path, ITEMS)
    damage(tmp_path / "items.parquet", item_index=[0, 2, 1])
    with pytest.raises(ArtefactError) as raised:
        load_items(tmp_path)
    path = tmp_path / "items.parquet"
    assert str(raised.value) == f"{path} is damaged: its item indices are not 0, 1, 2, …"
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_ids_that_are_not_utf_8_are_damage(tmp_path: Path):
    write_items(tmp_path, ITEMS)
    path = tmp_path / "items.parquet"
    pq.write_table(pq.read_table(path), path, compression="none")
    content = path.read_bytes()
    assert content.count(b"3186") > 0
    path.write_bytes(content.replace(b"3186", b"31\xff6"))
    with pytest.raises(ArtefactError) as raised:
        load_items(tmp_path)
    assert str(raised.value) == (
        f"{path} is damaged: Column 1: In chunk 0: Invalid: Invalid UTF8 sequence at string index 0"
    )
    assert raised.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_a_fingerprint_is_of_the_content_and_not_of_titles_or_widths():
    sessions = {"train": make_sessions([0, 1], [2, 0])}
    wide = make_sessions([0, 1], [2, 0])
    same = {"train": Sessions(wide.item_indices.astype(np.int64), wide.offsets, wide.timestamps)}
    titled = Items(ITEMS.ids, ITEMS.train_count, ["x", "y", "z"])
    assert fingerprint(ITEMS, sessions) == fingerprint(titled, same)


def test_a_fingerprint_differs_where_anything_differs():
    sessions = make_sessions([0, 1], [2, 0])
    later = Sessions(sessions.item_indices, sessions.offsets, np.add(sessions.timestamps, 1))
    floats = Sessions(sessions.item_indices, sessions.offsets, sessions.timestamps.astype(float))
    others = [
        (ITEMS, {"train": make_sessions([0, 1, 2, 0])}),
        (ITEMS, {"train": make_sessions([0, 1], [2, 1])}),
        (ITEMS, {"train": later}),
        (ITEMS, {"train": floats}),
        (ITEMS, {"train": replace(sessions, targets=np.array([False, True, False, True]))}),
        (ITEMS, {"train": replace(sessions, targets=np.array([False, True, False, False]))}),
        (ITEMS, {"test": sessions}),
        (ITEMS, {"train": sessions, "test": sessions}),
        (Items(["3186", "a", "b"], ITEMS.train_count), {"train": sessions}),
        (ITEMS, {"train": sessions}),
    ]
    assert len({fingerprint(items, splits) for items, splits in others}) == len(others)


def test_a_file_with_another_checksum_than_the_manifest_states_is_refused(tmp_path: Path):
    write(tmp_path)
    write_items(tmp_path, ITEMS)
    for name, load, num_items in (
        ("train.parquet", lambda: load_split(tmp_path, "train"), 3),
        ("items.parquet", lambda: load_items(tmp_path), 2),
    ):
        counts = {"events": 5, "sessions": 2, "items": num_items}
        manifest = dataset_manifest(splits={"train": counts})
        write_json(tmp_path / MANIFEST, manifest | {"files": checksums_of([tmp_path / name])})
        load()
        write_json(tmp_path / MANIFEST, manifest | {"files": {name: "crc32:00000000"}})
        with pytest.raises(ArtefactError) as caught:
            load()
        assert str(caught.value) == (
            f"{tmp_path / name} is damaged: its checksum is not the one stored when it was written"
        )
        assert caught.value.hint == "make the dataset again: sbr preprocess LOG --overwrite"


def test_memory_that_ends_is_no_damage_of_an_intact_file(tmp_path, monkeypatch):
    write(tmp_path)

    def refuse(self: pq.ParquetFile, *_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", refuse)
    with pytest.raises(MemoryError):
        load_split(tmp_path, "train")
    write_json(tmp_path / MANIFEST, {"files": {"train.parquet": "crc32:00000000"}})
    with pytest.raises(ArtefactError) as caught:
        load_split(tmp_path, "train")
    assert str(caught.value) == (
        f"{tmp_path / 'train.parquet'} is damaged: its checksum is not the one stored when "
        "it was written"
    )


def test_a_dataset_of_format_1_is_read(tmp_path: Path):
    copytree(Path(__file__).with_name("format_1"), tmp_path / "datasets" / "old")
    dataset = Workspace(tmp_path).open("dataset", "old")
    assert dataset.fingerprint.startswith("ee9b83790c49")
    assert load_items(dataset.path).ids == ["a", "b"]
    train = load_split(dataset.path, "train")
    assert train.item_indices.tolist() == [0, 1, 1, 0, 1]
    assert train.offsets.tolist() == [0, 2, 5]
    assert train.timestamps.tolist() == [1000, 2000, 3000, 4000, 5000]


def test_the_parts_of_a_split_add_up_to_its_fingerprint():
    whole = replace(make_sessions([0, 1], [2, 0, 1]), targets=np.array([0, 1, 0, 0, 1], bool))
    one, other = whole.only(np.array([True, False])), whole.only(np.array([False, True]))
    assert mix(one) + mix(other, 2, 1) == mix(whole)
    assert mix(other, 2, 1) + mix(one) == mix(whole)
    assert (mix(other) + mix(one, 3, 1)).halves != mix(whole).halves


def test_a_fingerprint_is_the_same_on_every_machine():
    sessions = make_sessions([0, 1], [2, 0])
    assert fingerprint(ITEMS, {"train": sessions}) == (
        "b5abfdb1a277d779a9f05fb61e4aa0662ced2767eda85466af5cd0566ba91bb7"
    )
