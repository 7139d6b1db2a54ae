"""Sessions as arrays, and the split files they are read from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions laid end to end, in the dataset's order.

    Args:
        items: (events,) int32 item indices.
        offsets: (sessions + 1,) int64; session s is `items[offsets[s]:offsets[s + 1]]`.
        timestamps: (events,) seconds since 1970 UTC, int64 or float64.
    """

    items: IntArray
    offsets: IntArray
    timestamps: npt.NDArray[np.generic]

    @property
    def num_sessions(self) -> int:
        """How many sessions there are."""
        return len(self.offsets) - 1

    @property
    def num_next_items(self) -> int:
        """How many (input, next item) pairs there are: one less than events in each session."""
        return int(np.maximum(np.diff(self.offsets) - 1, 0).sum())
