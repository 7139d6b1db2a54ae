"""Fewer sessions, where many settings are tried."""

import numpy as np
import pytest

from sbrcli.dataset.storage import Sessions
from sbrcli.evaluation.thinning import thin_out


@pytest.mark.parametrize(
    ("enough", "kept"), [(1, [0]), (2, [0, 3]), (3, [0, 2, 4]), (5, range(6)), (9, range(6))]
)
def test_every_so_many_th_session_is_kept(enough, kept):
    items = np.arange(12, dtype=np.int32)  # six sessions of two events
    sessions = Sessions(items, np.arange(0, 13, 2), items.astype(np.int64))
    thin = thin_out(sessions, enough)
    assert thin.items.tolist() == [item for each in kept for item in (2 * each, 2 * each + 1)]
