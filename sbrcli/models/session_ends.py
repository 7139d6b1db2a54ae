"""The scores of what follows whole sessions, many sessions at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


def score_ends(
    scorer: Scorer, sessions: Sequence[IntArray]
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Score what follows the last event of each session.

    They are the scores of `Scorer.score_next`, to the rounding of single precision: a session's
    place among the others can change the last bit.

    Args:
        scorer: any model.
        sessions: the item indices of each, oldest first, at least one.

    Yields:
        (rows,) places in `sessions`, and (rows, num_items) scores, which the caller may change and
        the next block may overwrite. Each session comes once, in any order.
    """
    if not sessions:
        return
    # A model scores what precedes a target, so each session gets one: [3, 1] -> [3, 1, 0].
    ends = np.cumsum([len(session) + 1 for session in sessions])
    target = np.zeros(1, np.int32)
    events = np.concatenate([part for session in sessions for part in (session, target)])
    is_target = np.zeros(len(events), np.bool_)
    is_target[ends - 1] = True
    offsets = np.concatenate(([0], ends))
    laid = Sessions(events.astype(np.int32), offsets, np.zeros(len(events), np.int64), is_target)
    for positions, scores in score_targets(scorer, laid):
        yield np.searchsorted(ends, positions + 1), scores
