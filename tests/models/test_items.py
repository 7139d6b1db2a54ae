"""A run's items come back exactly, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from sbrcli.artefacts.items import load_items, save_items
from sbrcli.errors import ArtefactError

any_text = st.text(st.characters(), max_size=8)  # lone surrogates and NULs too


@given(st.lists(st.tuples(any_text, st.none() | any_text), max_size=8), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_ids_and_titles_come_back_as_they_were(tmp_path, rows, has_titles):
    path = tmp_path / "items.safetensors"
    ids = [item_id for item_id, _ in rows]
    titles = [title for _, title in rows] if has_titles else None
    save_items(path, ids, np.arange(len(ids)), titles)
    items = load_items(path)
    assert items.ids == ids
    assert items.titles == titles
    assert items.train_count.tolist() == list(range(len(ids)))


def test_an_empty_title_is_not_the_same_as_none(tmp_path):
    save_items(tmp_path / "i", ["a", "b"], np.array([1, 2]), ["", None])
    assert load_items(tmp_path / "i").titles == ["", None]


def test_the_same_items_give_the_same_bytes(tmp_path):
    for name in "ab":
        save_items(tmp_path / name, ["1", "é"], np.array([1, 2]), ["x", None])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_id_is_found_by_its_index(tmp_path):
    save_items(tmp_path / "i", ["7", "07"], np.array([1, 2]))
    assert load_items(tmp_path / "i").index_of == {"7": 0, "07": 1}


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("id/offsets", np.array([0, 3, 2, 4]), "id/offsets do not cut id/bytes into 3 strings"),
        ("id/offsets", np.array([0, 1, 2, 9]), "id/offsets do not cut id/bytes into 3 strings"),
        ("id/offsets", np.array([-1, 1, 2, 4]), "id/offsets do not cut id/bytes into 3 strings"),
        ("id/offsets", np.array([0, 1, 4]), "id/offsets do not cut id/bytes into 3 strings"),
        ("id/offsets", np.array([], np.int64), "id/offsets do not cut id/bytes into 3 strings"),
        (
            "id/bytes",
            np.array([255] * 4, np.uint8),
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
        ("id/bytes", np.array([1.0] * 4), "id/bytes is float64 (4,)"),
        ("train_count", np.array([1.0, 2.0, 3.0]), "train_count is float64 (3,)"),
        ("train_count", np.array([1, 2]), "id/offsets do not cut id/bytes into 2 strings"),
        ("title/given", np.array([1], np.uint8), "title/given has 1 entries for 3 items"),
        ("id/bytes", None, "it has no id/bytes"),
        ("title/offsets", None, "it has no title/offsets"),
    ],
)
def test_damage_is_an_artefact_error(tmp_path, name, value, what):
    path = tmp_path / "items.safetensors"
    save_items(path, ["a", "bc", "d"], np.array([1, 2, 3]), ["x", None, ""])
    columns = load(path.read_bytes())
    columns.pop(name)
    if value is not None:
        columns[name] = value
    path.write_bytes(save(columns))
    with pytest.raises(ArtefactError) as error:
        load_items(path)
    assert str(error.value) == f"{path} is damaged: {what}"
    assert error.value.hint == "train the run again with --overwrite"


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}", b"\xff" * 99])
def test_what_is_no_safetensors_file_is_an_artefact_error(tmp_path, content):
    (tmp_path / "i").write_bytes(content)
    with pytest.raises(ArtefactError, match="is damaged"):
        load_items(tmp_path / "i")


def test_a_missing_file_is_an_artefact_error(tmp_path):
    with pytest.raises(ArtefactError) as error:
        load_items(tmp_path / "i")
    assert str(error.value) == f"{tmp_path / 'i'} is damaged: it is missing"
    assert error.value.hint == "train the run again with --overwrite"
