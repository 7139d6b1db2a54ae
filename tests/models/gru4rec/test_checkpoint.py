"""The checkpoint: read as it was written, or refused."""

from pathlib import Path

import numpy as np
import pytest

from sbrcli.errors import ArtefactError
from sbrcli.models.gru4rec.checkpoint import (
    CHECKPOINT_FILE,
    Place,
    load_checkpoint,
    save_checkpoint,
)

TENSORS = {"weight/a": np.ones((2, 3), np.float32), "chunks_done": np.array(7, np.int64)}
ROW = {"epoch": 1, "loss": 1 / 3, "recall@20": None}
PLACE = Place(epoch=2, step=8, loss=0.1 + 0.2, seconds=1.5, history=[ROW])


def test_a_checkpoint_is_read_as_it_was_written_to_the_last_bit(tmp_path: Path):
    save_checkpoint(tmp_path, PLACE, TENSORS)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.shapes == {name: tensor.shape for name, tensor in TENSORS.items()}
    place, tensors = found.place, {name: found.read(name) for name in found.shapes}
    assert place == PLACE
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (tensors[name].shape, tensors[name].dtype) == (tensor.shape, tensor.dtype)
        np.testing.assert_array_equal(tensors[name], tensor)


def test_a_run_without_a_checkpoint_has_none(tmp_path: Path):
    assert load_checkpoint(tmp_path) is None


def test_a_later_checkpoint_replaces_the_one_before_and_leaves_no_other_file(tmp_path: Path):
    save_checkpoint(tmp_path, PLACE, TENSORS)
    save_checkpoint(tmp_path, Place(epoch=3), TENSORS)
    found = load_checkpoint(tmp_path)
    assert found is not None and found.place == Place(epoch=3)
    assert list((tmp_path / CHECKPOINT_FILE.parent).iterdir()) == [tmp_path / CHECKPOINT_FILE]


@pytest.mark.parametrize("length", [0, 4, 60, -1])
def test_a_cut_checkpoint_is_refused(tmp_path: Path, length: int):
    save_checkpoint(tmp_path, PLACE, TENSORS)
    path = tmp_path / CHECKPOINT_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ArtefactError) as caught:
        load_checkpoint(tmp_path)
    assert str(caught.value).startswith(f"{path} is damaged: ")
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "train the run again with --overwrite"


def test_tensors_without_a_place_are_no_checkpoint(tmp_path: Path):
    from safetensors.numpy import save_file

    path = tmp_path / CHECKPOINT_FILE
    path.parent.mkdir()
    save_file(TENSORS, path)
    with pytest.raises(ArtefactError, match="is damaged"):
        load_checkpoint(tmp_path)
