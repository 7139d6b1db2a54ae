"""The lanes of an epoch, a window of steps at a time, so that few events are in memory at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.models.training.lanes import Lanes, fill_lanes, place_sessions
from sbrcli.sessions import Sessions

WINDOW_PAIRS = 2**20
"""The number of pairs in a window, about 20 MB in the lanes and 60 MB while they are filled."""

_BLOCK = 2**16
"""Sessions that are placed at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some steps of the lanes of an epoch."""

    first_step: int
    """The number of steps before them."""

    lanes: Lanes
    """Equal to these steps of `arrange_lanes`, except for `events`: positions in `sessions`."""

    sessions: Sessions
    """The sessions that these steps walk, each whole. All their times are 0."""

    @property
    def end(self) -> int:
        """The step after the last one."""
        return self.first_step + len(self.lanes.inputs)


class LaneStream:
    """Returns the windows of an epoch; they are the steps of `arrange_lanes`, padded.

    If there are several windows, only the last one asked for is kept, and going back begins again.

    Args:
        sessions: may be mapped from disk; what is in memory does not grow with them.
        num_lanes: the number of lanes.
        order: (sessions,) the order of the sessions; by default that of the dataset.
        multiple: the lanes are padded to a multiple of so many steps.
        window_steps: the number of steps of a window, a multiple of `multiple`.
        num_steps: what `count_steps` returns, if it is known.
    """

    def __init__(
        self,
        sessions: Sessions,
        num_lanes: int,
        order: IntArray | None,
        multiple: int,
        window_steps: int,
        num_steps: int | None = None,
    ) -> None:
        steps = count_steps(sessions, num_lanes, order) if num_steps is None else num_steps
        self.num_steps = steps + -steps % multiple
        """Of the whole epoch, with padding."""
        self._sessions, self._num_lanes, self._order = sessions, num_lanes, order
        self._window_steps = min(window_steps, max(self.num_steps, multiple))
        self._windows = self._stream()
        self._window: Window | None = None

    def holds(self, step: int) -> bool:
        """Return whether the window in memory has a step."""
        window = self._window
        return window is not None and window.first_step <= step < window.end

    def window_at(self, step: int) -> Window:
        """Return the window that has a step, 0 <= step < `num_steps`."""
        if self._window is not None and step < self._window.first_step:
            self._windows, self._window = self._stream(), None
        while not self.holds(step):
            self._window = None  # before the next one takes memory
            self._window = next(self._windows)
        assert self._window is not None
        return self._window

    def count_pairs(self, steps: int) -> int:
        """Return how many pairs that count the first steps have."""
        pairs, first = 0, 0
        while first < steps:
            window = self.window_at(first)
            pairs += window.lanes.part(slice(0, steps - first)).num_pairs
            first = window.end
        return pairs

    def _stream(self) -> Iterator[Window]:
        free = [(0, number) for number in range(self._num_lanes)]
        placed, first = _NOTHING, 0
        for chosen, lengths in _blocks(self._sessions, self._order):
            lane, begin = place_sessions(lengths, free)
            placed = np.concatenate((placed, np.stack((chosen, lengths, lane, begin))), axis=1)
            # No later session begins before the first step that is free in all lanes.
            while free[0][0] >= first + self._window_steps:
                yield self._fill(placed, first)
                first += self._window_steps
                placed = placed[:, placed[3] + placed[1] > first]
        while first < self.num_steps:
            yield self._fill(placed, first)
            first += self._window_steps
            placed = placed[:, placed[3] + placed[1] > first]

    def _fill(self, placed: IntArray, first: int) -> Window:
        """Return the window that begins at a step.

        Args:
            placed: (4, sessions) those that do not end before it: which session, its number of
                pairs, its lane and its first step.
            first: the step.
        """
        end = min(first + self._window_steps, self.num_steps)
        chosen, lengths, lane, begin = placed[:, placed[3] < end]
        sessions = self._sessions.take(chosen)
        # The pairs of each session that lie in the window.
        skipped = np.maximum(first - begin, 0)
        counts = np.minimum(lengths, end - begin) - skipped
        lanes = fill_lanes(
            sessions,
            (end - first, self._num_lanes),
            (sessions.offsets[:-1], skipped, counts, begin - first, lane),
        )
        return Window(first, lanes, sessions)


_NOTHING = np.zeros((4, 0), np.int64)


def count_steps(sessions: Sessions, num_lanes: int, order: IntArray | None = None) -> int:
    """Return the number of steps of the lanes of `arrange_lanes`, in little memory."""
    free = [(0, number) for number in range(num_lanes)]
    for _, lengths in _blocks(sessions, order):
        place_sessions(lengths, free)
    return max(free)[0]


def _blocks(sessions: Sessions, order: IntArray | None) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the sessions that have pairs, some at a time in their order, and their pairs."""
    for first in range(0, sessions.num_sessions, _BLOCK):
        if order is None:
            chosen = np.arange(first, min(first + _BLOCK, sessions.num_sessions))
        else:
            chosen = order[first : first + _BLOCK].astype(np.int64)
        lengths = sessions.offsets[chosen + 1] - sessions.offsets[chosen] - 1
        has_pairs = lengths > 0
        yield chosen[has_pairs], lengths[has_pairs]
