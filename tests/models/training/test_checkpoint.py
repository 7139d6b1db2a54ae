"""The checkpoint: read as it was written, or refused."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.tensor_file import write_tensors
from sbrcli.errors import ArtefactError
from sbrcli.models.training import checkpoint
from sbrcli.models.training.checkpoint import (
    CHECKPOINT_FILE,
    TrainingState,
    UnusableCheckpointError,
    load_checkpoint,
    save_checkpoint,
)

TENSORS = {"weight/a": np.ones((2, 3), np.float32), "chunks_done": np.array(7, np.int64)}
ROW = {"epoch": 1, "loss": 1 / 3, "seconds": 0.5, "events_per_second": 1e5}
ROW |= {"recall@20": None, "mrr@20": None, "ndcg@20": None}
STATE = TrainingState(epoch=2, step=8, loss=0.1 + 0.2, seconds=1.5, history=[ROW])


def test_a_checkpoint_is_read_as_it_was_written_to_the_last_bit(tmp_path: Path):
    save_checkpoint(tmp_path, STATE, TENSORS)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.shapes == {name: tensor.shape for name, tensor in TENSORS.items()}
    state, tensors = found.state, {name: found.read(name) for name in found.shapes}
    assert state == STATE
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (tensors[name].shape, tensors[name].dtype) == (tensor.shape, tensor.dtype)
        np.testing.assert_array_equal(tensors[name], tensor)


def test_a_run_without_a_checkpoint_has_none(tmp_path: Path):
    assert load_checkpoint(tmp_path) is None


def test_a_later_checkpoint_replaces_the_one_before_and_leaves_no_other_file(tmp_path: Path):
    save_checkpoint(tmp_path, STATE, TENSORS)
    save_checkpoint(tmp_path, TrainingState(step=3), TENSORS)
    found = load_checkpoint(tmp_path)
    assert found is not None and found.state == TrainingState(step=3)
    assert list((tmp_path / CHECKPOINT_FILE.parent).iterdir()) == [tmp_path / CHECKPOINT_FILE]


def test_each_flipped_bit_of_a_checkpoint_is_noticed(tmp_path: Path):
    save_checkpoint(tmp_path, STATE, TENSORS)
    path = tmp_path / CHECKPOINT_FILE
    whole = path.read_bytes()
    name = whole.index(b"crc32")  # without its name, the checksum alone is lost
    for place in {*range(len(whole))} - {*range(name, name + 5)}:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UnusableCheckpointError):
            load_checkpoint(tmp_path)


def test_a_checkpoint_from_before_there_were_checksums_is_read(tmp_path: Path):
    save_checkpoint(tmp_path, STATE, TENSORS)
    write_tensors(tmp_path / CHECKPOINT_FILE, TENSORS, {"place": json.dumps(asdict(STATE))})
    found = load_checkpoint(tmp_path)
    assert found is not None and found.state == STATE


@pytest.mark.parametrize("length", [0, 4, 60, -1])
def test_a_cut_checkpoint_is_refused(tmp_path: Path, length: int):
    save_checkpoint(tmp_path, STATE, TENSORS)
    path = tmp_path / CHECKPOINT_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UnusableCheckpointError) as caught:
        load_checkpoint(tmp_path)
    assert str(caught.value).startswith(f"{path} is damaged: ")
    assert "\n" not in str(caught.value)


def test_tensors_without_a_training_state_are_no_checkpoint(tmp_path: Path):
    from safetensors.numpy import save_file

    path = tmp_path / CHECKPOINT_FILE
    path.parent.mkdir()
    save_file(TENSORS, path)
    with pytest.raises(UnusableCheckpointError, match="is damaged"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 3},
        {"epoch": "2"},
        {"epoch": None},
        {"step": -1},
        {"step": 0.5},
        {"loss": math.nan},
        {"seconds": [1]},
        {"history": {}},
        {"history": [1]},
        {"history": [ROW | {"epoch": 2}]},
        {"history": [ROW | {"loss": "1"}]},
        {"history": [{"epoch": 1}]},
        {"history": [ROW | {"mrr@20": "high"}]},
    ],
    ids=str,
)
def test_an_impossible_training_state_is_damage(tmp_path: Path, change: dict[str, object]):
    state = json.dumps(asdict(STATE) | change)
    (tmp_path / CHECKPOINT_FILE).parent.mkdir()
    write_tensors(tmp_path / CHECKPOINT_FILE, TENSORS, {"place": state})
    with pytest.raises(UnusableCheckpointError, match="is damaged: "):
        load_checkpoint(tmp_path)


def test_a_checkpoint_of_an_earlier_or_a_later_version_is_read(tmp_path: Path):
    earlier = {name: value for name, value in ROW.items() if name != "ndcg@20"}
    later = ROW | {"map@20": 0.25, "device": "gpu", "layers": [1.0, 2.0]}
    for row in (earlier, later):
        state = asdict(STATE) | {"history": [row]}
        stored = json.dumps(state | {"examples": 7})
        (tmp_path / CHECKPOINT_FILE).parent.mkdir(exist_ok=True)
        write_tensors(tmp_path / CHECKPOINT_FILE, TENSORS, {"place": stored})
        found = load_checkpoint(tmp_path)
        assert found is not None
        assert found.state == replace(STATE, history=[row])


def test_a_state_beyond_its_history_is_reported(tmp_path: Path):
    path = tmp_path / CHECKPOINT_FILE
    save_checkpoint(tmp_path, replace(STATE, epoch=9), TENSORS)
    with pytest.raises(UnusableCheckpointError) as caught:
        load_checkpoint(tmp_path)
    assert str(caught.value) == f"{path} is damaged: it contains no training state"


def test_what_must_not_be_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / CHECKPOINT_FILE
    save_checkpoint(tmp_path, STATE, TENSORS)
    monkeypatch.setattr(checkpoint, "read_metadata", refuse)
    with pytest.raises(ArtefactError) as caught:
        load_checkpoint(tmp_path)
    assert str(caught.value) == f"cannot read {path}: Permission denied"
    assert caught.value.hint == f"allow it: chmod u+r {path}"


def test_tensors_of_other_names_shapes_types_or_without_a_number_are_refused(tmp_path: Path):
    def refusal(changed: dict[str, np.ndarray]) -> str:
        save_checkpoint(tmp_path, STATE, TENSORS | changed)
        found = load_checkpoint(tmp_path)
        assert found is not None
        with pytest.raises(UnusableCheckpointError) as caught:
            found.require(TENSORS)
        return str(caught.value)

    path = tmp_path / CHECKPOINT_FILE
    unfit = f"{path} does not fit the run's configuration"
    assert refusal({"weight/b": np.ones(2, np.float32)}) == unfit
    assert refusal({"weight/a": np.ones((3, 2), np.float32)}) == unfit
    assert refusal({"weight/a": np.ones((2, 3), np.int64)}) == unfit
    assert refusal({"weight/a": np.full((2, 3), np.nan, np.float32)}) == (
        f"{path} is damaged: weight/a is not made of finite numbers"
    )
    save_checkpoint(tmp_path, STATE, TENSORS)
    found = load_checkpoint(tmp_path)
    assert found is not None
    found.require(TENSORS)
