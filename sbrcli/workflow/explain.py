"""Find which events of a session raised an item's score, by scoring it without each of them."""

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.models.scorer import Scorer
from sbrcli.models.session_ends import score_ends
from sbrcli.workflow.recommendation import Cause

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

MAX_CAUSES = 3
"""The events that are named for each item, at most."""

LATEST_EVENTS = 200
"""Of a longer session, only so many events, the latest, are left out one by one."""

_EVENTS_TOGETHER = 2**20


def find_causes(
    scorer: Scorer, items: RunItems, session: IntArray, recommended: IntArray
) -> list[tuple[Cause, ...]]:
    """Find the events of a session that raised the scores of items most.

    An event's change is the item's score minus its score for the session without that event, so it
    takes the events behind it into account too. Its share is the change as a part of the sum of
    all changes above 0; events that lowered the score have none.

    Args:
        scorer: the model.
        items: the run's items.
        session: (events,) item indices, oldest first, at least one.
        recommended: (items,) item indices.

    Returns:
        For each recommended item, the events with the greatest shares, the greatest first.
    """
    if len(session) == 1:
        return [(_cause(items, session, 0, 1.0, None),) for _ in recommended]
    first = max(0, len(session) - LATEST_EVENTS)
    changes = _changes(scorer, session, recommended, first)  # (events, recommended)
    raised = np.maximum(changes, 0)
    totals = raised.sum(axis=0)
    shares = np.round(raised / np.where(totals > 0, totals, 1), 4)
    found = []
    for column in range(len(recommended)):
        own = shares[:, column]
        best = np.argsort(-own, kind="stable")[:MAX_CAUSES]
        found.append(
            tuple(
                _cause(items, session, first + at, float(own[at]), float(changes[at, column]))
                for at in best.tolist()
                if own[at] > 0
            )
        )
    return found


def _changes(scorer: Scorer, session: IntArray, recommended: IntArray, first: int) -> FloatArray:
    """Return what each event from `first` on changed: (events from `first`, recommended)."""
    changes = []
    together = max(1, _EVENTS_TOGETHER // len(session))
    for begin in range(first, len(session), together):
        left_out = range(begin, min(begin + together, len(session)))
        variants = [session, *(np.delete(session, place) for place in left_out)]
        scores = np.empty((len(variants), len(recommended)))
        for rows, block in score_ends(scorer, variants):
            scores[rows] = block[:, recommended]
        changes.append(scores[0] - scores[1:])
    return np.concatenate(changes)


def _cause(
    items: RunItems, session: IntArray, place: int, share: float, change: float | None
) -> Cause:
    index = int(session[place])
    title = items.titles[index] if items.titles else None
    rounded = None if change is None else round(change, 6)
    return Cause(place + 1, items.ids[index], share, rounded, title)
