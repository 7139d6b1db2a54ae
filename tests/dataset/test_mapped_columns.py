"""Sessions collected block by block: in memory, or mapped from a file without a name."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.dataset import mapped_columns
from sbrcli.dataset.mapped_columns import collect_sessions, join_sessions
from sbrcli.dataset.unions import load_train_full
from sbrcli.errors import ArtefactError
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.chains import make_workspace
from tests.random_sessions import BLOCKS, any_sessions, require_equal


def is_mapped(sessions: Sessions) -> bool:
    array = sessions.item_indices
    while isinstance(array.base, np.ndarray):
        array = array.base
    return isinstance(array, np.memmap)


@given(any_sessions(), any_sessions(), BLOCKS, st.booleans())
def test_joined_sessions_are_those_of_memory(tmp_path_factory, first, second, block, is_large):
    folder: Path = tmp_path_factory.mktemp("dataset")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        patch.setattr(mapped_columns, "IN_MEMORY_EVENTS", -1 if is_large else 10**6)
        found = join_sessions(folder, first, second)
    require_equal(found, first.followed_by(second))
    assert not list(folder.iterdir())


@given(any_sessions(), BLOCKS, st.booleans())
def test_collected_blocks_are_the_sessions(tmp_path_factory, sessions, block, is_large):
    folder = tmp_path_factory.mktemp("dataset")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        patch.setattr(mapped_columns, "IN_MEMORY_EVENTS", -1 if is_large else 10**6)
        found = collect_sessions(folder, sessions.blocks(), len(sessions.item_indices))
    require_equal(found, sessions)
    assert is_mapped(found) == (is_large and len(sessions.item_indices) > 0)


def test_what_a_refit_trains_on_is_mapped_if_train_and_valid_are_large(tmp_path, monkeypatch):
    folder = make_workspace(tmp_path).open("dataset").path
    in_memory = load_train_full(folder)
    assert not is_mapped(in_memory)
    monkeypatch.setattr(mapped_columns, "IN_MEMORY_EVENTS", 0)
    monkeypatch.setattr("sbrcli.sessions._BLOCK", 10)
    mapped = load_train_full(folder)
    assert is_mapped(mapped)
    require_equal(mapped, in_memory)


def test_a_disk_too_full_to_join_train_and_valid_is_one_clear_error(tmp_path, monkeypatch):
    def refuse(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped_columns, "IN_MEMORY_EVENTS", 0)
    monkeypatch.setattr(mapped_columns, "_open_nameless", refuse)
    with pytest.raises(ArtefactError) as caught:
        join_sessions(tmp_path, make_sessions([0, 1]), make_sessions([1, 0]))
    assert str(caught.value) == (
        f"cannot write the columns of dataset {tmp_path.name} to a temporary file: "
        "No space left on device"
    )
