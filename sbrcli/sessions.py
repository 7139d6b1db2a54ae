"""Sessions as one flat array with offsets and a target mask."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions laid end to end, in the dataset's order.

    Args:
        item_indices: (events,) int32.
        offsets: (sessions + 1,) int64; session s is `item_indices[offsets[s]:offsets[s + 1]]`.
        timestamps: (events,) seconds since 1970 UTC, int64 or float64.
        targets: (events,) the events that a model is asked for; None for every next item.
    """

    item_indices: IntArray
    offsets: IntArray
    timestamps: npt.NDArray[np.generic]
    targets: BoolArray | None = None

    @property
    def num_sessions(self) -> int:
        """How many sessions there are."""
        return len(self.offsets) - 1

    def followed_by(self, others: "Sessions") -> "Sessions":
        """Lay other sessions behind these."""
        targets = None
        if self.targets is not None or others.targets is not None:
            targets = np.concatenate((self.target_mask, others.target_mask))
        return Sessions(
            np.concatenate((self.item_indices, others.item_indices)),
            np.concatenate((self.offsets, self.offsets[-1] + others.offsets[1:])),
            np.concatenate((self.timestamps, others.timestamps)),
            targets,
        )

    def only(self, kept: BoolArray) -> "Sessions":
        """Return the sessions for which `kept`, (sessions,), is true."""
        lengths = np.diff(self.offsets)
        events = np.repeat(kept, lengths)
        return Sessions(
            self.item_indices[events],
            np.concatenate(([0], np.cumsum(lengths[kept]))),
            self.timestamps[events],
            None if self.targets is None else self.targets[events],
        )

    @property
    def target_mask(self) -> BoolArray:
        """The events that a model is asked for, (events,): never a session's first."""
        asked = (
            np.ones(len(self.item_indices), np.bool_)
            if self.targets is None
            else self.targets.copy()
        )
        firsts = self.offsets[:-1]
        asked[firsts[firsts < len(asked)]] = False
        return asked

    @property
    def num_targets(self) -> int:
        """How many events a model is asked for."""
        return int(np.count_nonzero(self.target_mask))
