"""Sessions as one flat array with offsets and a target mask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import BoolArray, IntArray

_SUBSAMPLE_SEED = 1

IN_MEMORY_EVENTS = 2**22
"""A split with more events than this is mapped from disk, 12 to 13 bytes per event and 8 per
session: the system can take the memory of a mapped file back at any time."""

_BLOCK = 2**20
"""Events that are looked at together where all of them at once would take memory."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Concatenated sessions, in the order of the dataset.

    Args:
        item_indices: (events,) int32.
        offsets: (sessions + 1,) int64; session s is `item_indices[offsets[s]:offsets[s + 1]]`.
        timestamps: (events,) seconds since 1970 UTC, int64 or float64.
        targets: (events,) true for the events that a model predicts; None for every event but
            the first of each session.
    """

    item_indices: IntArray
    offsets: IntArray
    timestamps: npt.NDArray[np.generic]
    targets: BoolArray | None = None

    @property
    def num_sessions(self) -> int:
        """The number of sessions."""
        return len(self.offsets) - 1

    def blocks(self) -> Iterator["Sessions"]:
        """Yield consecutive sessions, whole, some at a time; nothing is copied but offsets.

        A block has at most 2**20 events, or one session.
        """
        for begin, end in block_bounds(self.offsets):
            yield self.part(begin, end)

    def part(self, begin: int, end: int) -> "Sessions":
        """Return the sessions from `begin` to before `end`, without copying their events."""
        first, last = self.offsets[begin], self.offsets[end]
        return Sessions(
            self.item_indices[first:last],
            self.offsets[begin : end + 1] - first,
            self.timestamps[first:last],
            None if self.targets is None else self.targets[first:last],
        )

    def take(self, chosen: IntArray) -> "Sessions":
        """Return some sessions, by their numbers in this order, without their times (all 0)."""
        begins = self.offsets[chosen]
        lengths = self.offsets[chosen + 1] - begins
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        events = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
        targets = None if self.targets is None else self.targets[events]
        times = np.broadcast_to(np.int64(0), events.shape)
        return Sessions(self.item_indices[events], offsets, times, targets)

    def followed_by(self, others: "Sessions") -> "Sessions":
        """Return these sessions followed by `others`."""
        targets = None
        if self.targets is not None or others.targets is not None:
            targets = np.concatenate((self.target_mask, others.target_mask))
        return Sessions(
            np.concatenate((self.item_indices, others.item_indices)),
            np.concatenate((self.offsets, self.offsets[-1] + others.offsets[1:])),
            np.concatenate((self.timestamps, others.timestamps)),
            targets,
        )

    def only(self, chosen: BoolArray) -> "Sessions":
        """Return the sessions for which `chosen`, (sessions,), is true."""
        lengths = np.diff(self.offsets)
        events = np.repeat(chosen, lengths)
        return Sessions(
            self.item_indices[events],
            np.concatenate(([0], np.cumsum(lengths[chosen]))),
            self.timestamps[events],
            None if self.targets is None else self.targets[events],
        )

    def since(self, moment: float, most_context: int) -> "Sessions":
        """Return the sessions with a target at or after a moment, whose only targets are these.

        Args:
            moment: seconds since 1970 UTC.
            most_context: how many events before a session's first such target are kept at most.
        """
        targets = self.target_mask & (self.timestamps.astype(np.float64) >= moment)
        places = np.where(targets, np.arange(len(targets)), len(targets))
        firsts = np.full(self.num_sessions, len(targets))
        is_filled = np.diff(self.offsets) > 0
        if is_filled.any():
            firsts[is_filled] = np.minimum.reduceat(places, self.offsets[:-1][is_filled])
        begins = np.maximum(self.offsets[:-1], firsts - most_context)
        begins = np.where(firsts < self.offsets[1:], begins, self.offsets[1:])
        lengths = np.diff(self.offsets)
        kept = np.arange(len(targets)) >= np.repeat(begins, lengths)
        left = self.offsets[1:] - begins
        return Sessions(
            self.item_indices[kept],
            np.concatenate(([0], np.cumsum(left[left > 0]))),
            self.timestamps[kept],
            targets[kept],
        )

    @property
    def target_mask(self) -> BoolArray:
        """(events,), true for the targets: never a session's first event."""
        mask = (
            np.ones(len(self.item_indices), np.bool_)
            if self.targets is None
            else self.targets.copy()
        )
        firsts = self.offsets[:-1]
        mask[firsts[firsts < len(mask)]] = False
        return mask

    @property
    def num_targets(self) -> int:
        """The number of targets."""
        firsts = self.offsets[:-1][np.diff(self.offsets) > 0]
        if self.targets is None:
            return len(self.item_indices) - len(firsts)
        return int(np.count_nonzero(self.targets) - np.count_nonzero(self.targets[firsts]))

    def count_items(self, num_items: int, *, only_targets: bool = False) -> IntArray:
        """Count each item's events, in little memory: (num_items,) int64, or longer if need be.

        Args:
            num_items: the least number of items.
            only_targets: count the events that are targets.
        """
        counts = np.zeros(num_items, np.int64)
        for first in range(0, len(self.item_indices), _BLOCK):
            block = slice(first, first + _BLOCK)
            items = self.item_indices[block]
            if only_targets:
                is_target = np.ones(len(items), np.bool_)
                if self.targets is not None:
                    is_target[:] = self.targets[block]
                begin, end = np.searchsorted(self.offsets[:-1], (first, first + len(items)))
                is_target[self.offsets[begin:end] - first] = False
                items = items[is_target]
            found = np.bincount(items, minlength=len(counts))
            found[: len(counts)] += counts
            counts = found
        return counts

    def subsample(
        self, num_targets: int, seed: Sequence[int] | int = _SUBSAMPLE_SEED
    ) -> "Sessions":
        """Draw whole sessions at random until they hold at least `num_targets` targets.

        The same sessions are drawn on every call, and their order is kept. Because long sessions
        are the most likely to overshoot, the last session drawn is replaced by the shortest
        undrawn one that still suffices.

        Args:
            num_targets: at least 1. Sessions with no more targets than this are returned whole.
            seed: which sessions are drawn.
        """
        chosen = draw_sessions(self.count_targets(), num_targets, seed)
        return self if chosen is None else self.only(chosen)

    def count_targets(self) -> IntArray:
        """Count the targets of each session, in little memory: (sessions,) int64."""
        counts = np.diff(self.offsets)
        counts -= 1
        np.maximum(counts, 0, out=counts)
        if self.targets is None:
            return counts
        begin = 0
        for block in self.blocks():
            total = np.concatenate(([0], np.cumsum(block.target_mask)))
            end = begin + block.num_sessions
            counts[begin:end] = np.diff(total[block.offsets])
            begin = end
        return counts


def block_bounds(offsets: IntArray) -> Iterator[tuple[int, int]]:
    """Yield the first session of each block of `Sessions.blocks`, and that after its last one.

    Args:
        offsets: (sessions + 1,) of all sessions.
    """
    begin, num_sessions = 0, len(offsets) - 1
    while begin < num_sessions:
        end = int(np.searchsorted(offsets, offsets[begin] + _BLOCK, side="right")) - 1
        end = max(begin + 1, end)
        yield begin, end
        begin = end


def draw_sessions(
    counts: IntArray, num_targets: int, seed: Sequence[int] | int = _SUBSAMPLE_SEED
) -> BoolArray | None:
    """Draw sessions as `Sessions.subsample`; return which, or None for all of them.

    In memory are 8 bytes for each session with a target, besides the counts.

    Args:
        counts: (sessions,) the targets of each.
        num_targets, seed: as there.
    """
    if counts.sum() <= num_targets:
        return None
    drawn = np.flatnonzero(counts)
    np.random.default_rng(seed).shuffle(drawn)
    last = held = 0  # the first place where they suffice, and the targets before it
    for block in _parts_of(drawn):
        total = held + np.cumsum(counts[block])
        at = int(np.searchsorted(total, num_targets))
        last += at
        held = int(total[at - 1]) if at else held
        if at < len(block):
            break
    shortest = min(
        (_find_shortest(counts, block, num_targets - held) for block in _parts_of(drawn[last:])),
        key=lambda found: found[0],
    )
    chosen = np.zeros(len(counts), np.bool_)
    chosen[drawn[:last]] = True
    chosen[shortest[1]] = True
    return chosen


def _find_shortest(counts: IntArray, drawn: IntArray, least: int) -> tuple[float, int]:
    """Return the fewest targets of drawn sessions with at least so many, and the first such one.

    They are infinitely many, and any session, if none has enough.
    """
    own = counts[drawn]
    own = np.where(own >= least, own, np.inf)
    at = int(np.argmin(own))
    return float(own[at]), int(drawn[at])


def _parts_of(numbers: IntArray) -> Iterator[IntArray]:
    for begin in range(0, len(numbers), _BLOCK):
        yield numbers[begin : begin + _BLOCK]
