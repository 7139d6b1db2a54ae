"""Fewer sessions, where many settings are tried on each."""

import numpy as np

from sbrcli.dataset.storage import Sessions


def thin_out(sessions: Sessions, enough: int) -> Sessions:
    """Keep every so many-th session, so that about `enough` next items or some more are left.

    It may be fewer where a few sessions have most of them.
    """
    step = max(1, sessions.num_next_items // enough)
    return sessions.only(np.arange(sessions.num_sessions) % step == 0)
