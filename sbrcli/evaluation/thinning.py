"""Subsamples of sessions, for where many settings are tried on each."""

import numpy as np

from sbrcli.sessions import Sessions

_SEED = 1


def thin_out(sessions: Sessions, enough: int) -> Sessions:
    """Keep sessions drawn at random until they hold `enough` next items.

    Sessions stay whole and in their order, and the same sessions are kept each time. The last one
    drawn would be a long one more often than not; the shortest that still suffices takes its
    place. So at least `enough` next items are kept, and as few more as that session allows.

    Args:
        sessions: all of them. Where they hold no more than `enough` next items, all are kept.
        enough: the number of next items, at least 1.
    """
    counted = np.concatenate(([0], np.cumsum(sessions.target_mask)))
    counts = np.diff(counted[sessions.offsets])  # (sessions,) next items
    if counted[-1] <= enough:
        return sessions
    drawn = np.random.default_rng(_SEED).permutation(np.flatnonzero(counts))
    held = np.cumsum(counts[drawn])
    last = int(np.searchsorted(held, enough))  # the first place at which enough are held
    before = int(held[last] - counts[drawn[last]])
    left = drawn[last:]
    suffices = left[before + counts[left] >= enough]
    kept = np.zeros(sessions.num_sessions, np.bool_)
    kept[drawn[:last]] = True
    kept[suffices[np.argmin(counts[suffices])]] = True
    return sessions.only(kept)
