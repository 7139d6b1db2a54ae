"""Sessions in blocks: what is computed block by block is that of all of them at once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.random_sessions import BLOCKS, any_sessions, require_equal


def test_a_block_holds_whole_sessions_of_at_most_so_many_events(monkeypatch):
    monkeypatch.setattr("sbrcli.sessions._BLOCK", 4)
    sessions = make_sessions([0, 1], [2, 3], [4], [], [5, 6, 7, 8, 9], [])
    blocks = [block.item_indices.tolist() for block in sessions.blocks()]
    assert blocks == [[0, 1, 2, 3], [4], [5, 6, 7, 8, 9], []]
    assert [block.offsets.tolist() for block in sessions.blocks()] == [
        [0, 2, 4],
        [0, 1, 1],
        [0, 5],
        [0, 0],
    ]


@given(any_sessions(), BLOCKS)
def test_blocks_in_a_row_are_the_sessions_and_copy_none_of_their_events(sessions, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        blocks = list(sessions.blocks())
    joined = blocks[0]
    for other in blocks[1:]:
        joined = joined.followed_by(other)
    require_equal(joined, sessions)
    for part in blocks:
        assert not len(part.item_indices) or part.item_indices.base is not None


@given(any_sessions(), BLOCKS)
def test_targets_are_counted_without_a_mask_of_all_events(sessions, block):
    mask = sessions.target_mask
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        counts = sessions.count_targets()
    assert counts.tolist() == [
        np.count_nonzero(mask[begin:end]) for begin, end in pairwise(sessions.offsets)
    ]
    assert sessions.num_targets == np.count_nonzero(mask)


@given(any_sessions(), BLOCKS, st.integers(-1, 21), st.integers(1, 4))
def test_the_newest_part_of_blocks_is_that_of_the_whole(sessions, block, moment, context):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        parts = [part.since(moment, context) for part in sessions.blocks()]
    joined = parts[0]
    for other in parts[1:]:
        joined = joined.followed_by(other)
    found = Sessions(joined.item_indices, joined.offsets, joined.timestamps, joined.target_mask)
    require_equal(found, sessions.since(moment, context))
