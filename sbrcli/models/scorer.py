"""The protocol that every model meets, neural or not."""

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
        """How many items are scored: indices 0 to num_items - 1."""
        ...

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score what follows each event of each session, but the session's last event.

        A session's scores depend on that session alone, and on nothing of it that lies ahead.

        Args:
            sessions: every item index below `num_items`.

        Yields:
            (rows,) positions into `sessions.item_indices`, and (rows, num_items) scores of what
            follows them. Each position comes once, in any order; what is not followed by one of
            `sessions.target_mask` need not come. The scores may be overwritten by the next block;
            copy what is to stay.
        """
        ...

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`, (events,) with at least one: (num_items,)."""
        ...


def score_targets(scorer: Scorer, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield what `score_sessions` does, at the positions before targets only."""
    return only_targets(scorer.score_sessions(sessions), sessions)


def only_targets(
    blocks: Iterator[tuple[IntArray, Rows]], sessions: Sessions
) -> Iterator[tuple[IntArray, Rows]]:
    """Keep the rows of scores at positions before events that are asked for."""
    is_asked = sessions.target_mask
    for positions, scores in blocks:
        asked = is_asked[positions + 1]
        yield (positions, scores) if asked.all() else (positions[asked], scores[asked])
