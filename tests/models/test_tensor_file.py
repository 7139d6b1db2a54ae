"""Tensors written one at a time: the same file as safetensors writes of all at once."""

import json
import struct
import weakref
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from sbrcli.artefacts.tensor_file import read_metadata, read_shapes, read_tensor, write_tensors

TENSORS = {
    "table": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/bias": np.array([0.5, -np.inf, 1e-40], np.float32),
    "number": np.array(7, np.int64),
    "ü\"'": np.array(1.5, np.float32),
    "none": np.zeros((0, 4), np.float32),
}


@pytest.mark.parametrize("metadata", [None, {"place": '{"a": "ü/\\n"}'}])
def test_the_bytes_are_those_of_safetensors(tmp_path: Path, metadata: dict[str, str] | None):
    path = tmp_path / "file"
    write_tensors(path, TENSORS, metadata)
    assert path.read_bytes() == save(TENSORS, metadata)
    assert read_metadata(path) == (metadata or {})


def test_safetensors_reads_what_was_written_and_so_do_we(tmp_path: Path):
    write_tensors(tmp_path / "file", TENSORS)
    ours = {name: read_tensor(tmp_path / "file", name) for name in TENSORS}
    for found in (load_file(tmp_path / "file"), ours):
        assert found.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
            np.testing.assert_array_equal(found[name], tensor)
    assert read_shapes(tmp_path / "file") == {name: t.shape for name, t in TENSORS.items()}


def test_any_order_in_memory_and_any_byte_order_give_the_same_file(tmp_path: Path):
    write_tensors(tmp_path / "one", TENSORS)
    turned = {name: np.asarray(TENSORS[name], order="F") for name in reversed(TENSORS)}
    turned["number"] = turned["number"].astype(">i8")
    write_tensors(tmp_path / "two", turned)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_variables_of_tensorflow_are_tensors_too(tmp_path: Path):
    import tensorflow as tf

    write_tensors(tmp_path / "one", TENSORS)
    write_tensors(tmp_path / "two", {name: tf.Variable(t) for name, t in TENSORS.items()})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_only_one_tensor_at_a_time_is_made_an_array_of(tmp_path: Path):
    made: list[weakref.ref[np.ndarray]] = []
    alive: list[int] = []

    class Lazy:
        shape, dtype = (1000,), np.dtype(np.float32)

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            alive.append(sum(one() is not None for one in made))
            array = np.zeros(1000, np.float32)
            made.append(weakref.ref(array))
            return array

    write_tensors(tmp_path / "file", {str(number): Lazy() for number in range(50)})
    assert len(alive) == 50
    assert max(alive) <= 1, "an array is let go of before the next but one is made"


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_other(tmp_path: Path):
    class Broken:
        shape, dtype = (2,), np.dtype(np.float32)

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise MemoryError

    path = tmp_path / "file"
    write_tensors(path, TENSORS)
    before = path.read_bytes()
    with pytest.raises(MemoryError):
        write_tensors(path, TENSORS | {"zz": Broken()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_file_is_no_file_of_tensors(tmp_path: Path):
    path = tmp_path / "file"
    write_tensors(path, TENSORS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="incomplete metadata"):
        read_shapes(path)


@pytest.mark.parametrize(("kind", "width"), [("BF16", 2), ("F8_E4M3", 1), ("F64", 8)])
def test_a_type_that_is_never_written_is_refused(tmp_path: Path, kind: str, width: int):
    """Some of them NumPy has not: what is asked for them ends in errors of every kind."""
    header = {"table": {"dtype": kind, "shape": [2], "data_offsets": [0, 2 * width]}}
    text = json.dumps(header).encode()
    (tmp_path / "file").write_bytes(struct.pack("<Q", len(text)) + text + bytes(2 * width))
    with pytest.raises(ValueError, match=f"table is of type {kind}"):
        read_tensor(tmp_path / "file", "table")
