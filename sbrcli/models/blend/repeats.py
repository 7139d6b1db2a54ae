"""What a blend adds to the scores of the items that the session already contains.

The last item's score gains one number, and that of every earlier item another. Below 0 they push
repeats down the list, as where nobody rates a film twice; above 0 they raise them, as in clicks
that return to an item.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RepeatTerms:
    """What the session's own items gain, in the unit of the scores."""

    last: float = 0.0
    """What the session's last item gains."""

    earlier: float = 0.0
    """What each other item of the session gains, however often it occurs."""

    @property
    def are_zero(self) -> bool:
        """Whether they change no score."""
        return self.last == 0 and self.earlier == 0

    def add_to(self, scores: FloatArray, row: IntArray, items: IntArray, last: IntArray) -> None:
        """Add the terms to scores, in place.

        Args:
            scores: (rows, num_items).
            row: (events,) the row of each event of the sessions, the last events included.
            items: (events,) their items.
            last: (rows,) the last item of each row's session.
        """
        if self.are_zero:
            return
        rows = np.arange(len(last))
        lasts = scores[rows, last] + scores.dtype.type(self.last)
        # Read before it is written, so that an item that occurs twice gains the term once.
        scores[row, items] = scores[row, items] + scores.dtype.type(self.earlier)
        scores[rows, last] = lasts


NO_TERMS = RepeatTerms()


def events_up_to(sessions: Sessions, positions: IntArray) -> tuple[IntArray, IntArray]:
    """Return the events of each position's session up to and including it.

    Args:
        sessions: the sessions.
        positions: (rows,) indices of `sessions.item_indices`.

    Returns:
        (events,) the row of each event, ascending, and (events,) its item.
    """
    starts = sessions.offsets[np.searchsorted(sessions.offsets, positions, side="right") - 1]
    lengths = positions + 1 - starts
    row = np.repeat(np.arange(len(positions)), lengths)
    place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return row, sessions.item_indices[starts[row] + place].astype(np.intp)
