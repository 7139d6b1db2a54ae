"""The protocol of every model, neural or not."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from sbrcli.models.sparse_rows import SparseRows
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
Rows = TypeVar("Rows", FloatArray, SparseRows)


class Scorer(Protocol):
    """Scores every item as a session's next one; higher is better."""

    @property
    def num_items(self) -> int:
        """The number of items, with the indices 0 to num_items - 1."""
        ...

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score the item after each event of each session, except the last event.

        The scores after an event depend only on the session up to and including that event.

        Args:
            sessions: every item index below `num_items`.

        Yields:
            (rows,) positions into `sessions.item_indices`, and (rows, num_items) scores of the
            items that follow them. Each position comes once, in any order; positions that do not
            precede a target may be omitted. The next block may overwrite the scores.
        """
        ...

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`, (events,) with at least one: (num_items,)."""
        ...


def score_targets(scorer: Scorer, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield the blocks of `score_sessions`, at the positions before targets only."""
    return only_targets(scorer.score_sessions(sessions), sessions)


def only_targets(
    blocks: Iterator[tuple[IntArray, Rows]], sessions: Sessions
) -> Iterator[tuple[IntArray, Rows]]:
    """Keep the rows of scores at the positions before targets."""
    is_asked = sessions.target_mask
    for positions, scores in blocks:
        asked = is_asked[positions + 1]
        yield (positions, scores) if asked.all() else (positions[asked], scores[asked])
