"""Session ids read block by block."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.dataset import session_ids
from sbrcli.dataset.session_ids import SessionIds
from sbrcli.dataset.storage import write_split
from sbrcli.errors import ArtefactError
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.random_sessions import BLOCKS, any_sessions

ITEM_IDS = list("abcdef")


def write(folder: Path, sessions: Sessions, ids: pa.Array, part: int | None = None) -> Path:
    places = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
    write_split(folder, "train", sessions, ids.take(pa.array(places)), ITEM_IDS, part)
    return folder / "train.parquet"


@given(
    any_sessions(),
    any_sessions(),
    BLOCKS,
    st.sampled_from([1, 4, 2**18]),
    st.sampled_from(["integers", "texts", "dictionaries", "both"]),
)
def test_the_ids_of_each_block_are_those_of_its_sessions(
    tmp_path_factory, first, second, block, batch, kind
):
    paths, numbers, parts = [], [], []
    for split in (first, second):
        sessions = split.only(np.diff(split.offsets) > 0)
        if not sessions.num_sessions:
            continue
        own = list(range(len(numbers), len(numbers) + sessions.num_sessions))
        is_text = kind in ("texts", "dictionaries") or (kind == "both" and bool(paths))
        ids = pa.array([str(one) for one in own] if is_text else own)
        ids = ids.dictionary_encode() if kind == "dictionaries" else ids
        folder = tmp_path_factory.mktemp("dataset")
        half = sessions.num_sessions // 2
        if half:  # a folder of two parts
            write(folder, sessions.part(0, half), ids[:half], 0)
        paths.append(write(folder, sessions.part(half, sessions.num_sessions), ids[half:], 1))
        numbers += own
        parts.append(sessions)
    if not parts:
        return
    joined = parts[0] if len(parts) == 1 else parts[0].followed_by(parts[1])
    are_texts = kind in ("texts", "dictionaries") or (kind == "both" and len(parts) == 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        patch.setattr(session_ids, "_BATCH", batch)
        ids = SessionIds(paths, joined)
        blocks, found, again = list(joined.blocks()), list(ids), list(ids)
    assert [len(part) for part in found] == [part.num_sessions for part in blocks]
    assert {part.type for part in found} == {pa.string() if are_texts else pa.int64()}
    flat = [one for part in found for one in part.to_pylist()]
    assert flat == ([str(one) for one in numbers] if are_texts else numbers)
    assert [part.to_pylist() for part in again] == [part.to_pylist() for part in found]


def test_a_file_that_is_lost_or_damaged_meanwhile_is_named(tmp_path: Path):
    sessions = make_sessions([0, 1], [2, 3])
    path = write(tmp_path, sessions, pa.array([5, 6]))
    ids = SessionIds([path], sessions)
    assert [part.to_pylist() for part in ids] == [[5, 6]]
    path.write_bytes(b"PAR1")
    with pytest.raises(ArtefactError, match=r"train\.parquet is damaged: "):
        list(ids)
    path.unlink()
    with pytest.raises(ArtefactError, match=r"train\.parquet is damaged: it is missing"):
        list(ids)


def test_a_file_with_fewer_events_than_its_sessions_is_damaged(tmp_path: Path):
    path = write(tmp_path, make_sessions([0, 1]), pa.array([5]))
    ids = SessionIds([path], make_sessions([0, 1], [2, 3]))
    wanted = r"train\.parquet is damaged: it has fewer events than when it was read"
    with pytest.raises(ArtefactError, match=wanted):
        list(ids)
