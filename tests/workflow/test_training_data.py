"""What is trained on: the newest part of train, and an update's mix of new and old sessions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.artefacts.dataset import Counts
from sbrcli.artefacts.run import Update
from sbrcli.config.update import MAX_CONTEXT
from sbrcli.dataset import mapped_columns
from sbrcli.dataset.storage import load_split
from sbrcli.models.configuration import configure_training
from sbrcli.sessions import Sessions
from sbrcli.workflow.training_data import load_training_data, mix_with_replay
from sbrcli.workflow.training_job import make_job
from tests.chains import DAY, make_workspace
from tests.random_sessions import BLOCKS, any_sessions, require_equal


def mix_at_once(sessions: Sessions, since: float, replay: float, seed: int) -> Sessions:
    """Mix new sessions with replayed ones, with all events in memory."""
    new = sessions.since(np.nextafter(since, np.inf), MAX_CONTEXT)
    is_new = sessions.timestamps.astype(np.float64) > since
    is_old = [not is_new[begin:end].any() for begin, end in pairwise(sessions.offsets)]
    old, wanted = sessions.only(np.array(is_old)), round(replay * new.num_targets)
    if not wanted or not old.num_targets:
        return new
    return new.followed_by(old.subsample(wanted, seed))


@given(any_sessions(), BLOCKS, st.integers(0, 20), st.sampled_from([0.0, 0.3, 2.0]), st.booleans())
def test_an_update_s_mix_is_the_same_in_blocks(
    tmp_path_factory, sessions, block, since, replay, is_large
):
    update = Update(since, replay, Counts())
    folder = tmp_path_factory.mktemp("dataset")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        patch.setattr(mapped_columns, "IN_MEMORY_EVENTS", -1 if is_large else 10**6)
        found = mix_with_replay(folder, sessions, update, 3)
    require_equal(found, mix_at_once(sessions, since, replay, 3))


def test_the_newest_part_is_the_same_in_blocks(tmp_path, monkeypatch):
    config = configure_training({"last_days": 10.0}, None)
    job = make_job(make_workspace(tmp_path), "user", config, "run")
    train = load_split(job.dataset.path, "train")
    monkeypatch.setattr("sbrcli.sessions._BLOCK", 7)
    monkeypatch.setattr(mapped_columns, "IN_MEMORY_EVENTS", 0)
    found = load_training_data(job, "fit").sessions
    require_equal(found, train.since(train.timestamps.max() - 10 * DAY, MAX_CONTEXT))
    assert 0 < found.num_sessions < train.num_sessions
