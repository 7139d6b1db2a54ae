"""Session-parallel batches: sessions concatenated in lanes, which are processed in parallel."""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import position_type
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lanes:
    """Every (input, target) pair of some sessions once; each array is (steps, lanes).

    With two lanes, sessions [a b c], [d e] and [f g h i]:

        inputs      a d      targets     b e      starts      1 1      is_pair     1 1
                    b f                  c g                  0 1                  1 1
                    . g                  . h                  0 0                  0 1
                    . h                  . i                  0 0                  0 1

    A lane without further sessions is padded with pairs that do not count; they come last, so that
    they affect no state that counts. Pairs whose second event is no target do not count either, yet
    they are walked, as the context of later ones.
    """

    inputs: IntArray
    """int32 item indices; of context -1 minus the index, which tells it from padding."""

    targets: IntArray
    """int32 item indices of the next events."""

    starts: BoolArray
    """True where the input is the first of its session, and the state is zero."""

    is_pair: BoolArray
    """False for padding, and where the next event is no target."""

    events: IntArray
    """Positions of the inputs in the sessions' `item_indices`; 0 for padding."""

    @property
    def num_pairs(self) -> int:
        """The number of pairs that count."""
        return int(np.count_nonzero(self.is_pair))

    def part(self, steps: slice | tuple[slice, slice]) -> "Lanes":
        """Return some of the steps, of all lanes or, with two slices, of some of them."""
        return Lanes(
            self.inputs[steps],
            self.targets[steps],
            self.starts[steps],
            self.is_pair[steps],
            self.events[steps],
        )

    def padded(self, multiple: int) -> "Lanes":
        """Pad the lanes until the number of steps is a multiple of this one."""
        missing = -len(self.inputs) % multiple
        added = ((0, missing), (0, 0))
        return Lanes(
            np.pad(self.inputs, added),
            np.pad(self.targets, added),
            np.pad(self.starts, added),
            np.pad(self.is_pair, added),
            np.pad(self.events, added),
        )


def arrange_lanes(sessions: Sessions, num_lanes: int, order: IntArray | None = None) -> Lanes:
    """Assign each session, in order, to the lane that is free first (of several, the leftmost).

    Args:
        sessions: sessions of one event have no pair and are skipped.
        num_lanes: the number of lanes, even if there are fewer sessions.
        order: (sessions,) the order of the sessions; by default that of the dataset.
    """
    num_pairs = np.maximum(np.diff(sessions.offsets) - 1, 0)
    order = np.arange(sessions.num_sessions) if order is None else order
    order = order[num_pairs[order] > 0]
    lengths = num_pairs[order]
    lane, first_step = place_sessions(lengths, [(0, number) for number in range(num_lanes)])
    steps = int((first_step + lengths).max(initial=0))
    pieces = (sessions.offsets[order], np.zeros_like(lengths), lengths, first_step, lane)
    return fill_lanes(sessions, (steps, num_lanes), pieces)


def fill_lanes(sessions: Sessions, shape: tuple[int, int], pieces: tuple[IntArray, ...]) -> Lanes:
    """Return lanes that hold pieces of sessions.

    Args:
        sessions: the sessions.
        shape: the numbers of steps and lanes.
        pieces: (pieces,) each: the position of the session's first event; how many of its pairs
            come before the piece, and how many are in it; the step, counted from the first one
            here, at which the session began, which may be negative; and the lane.
    """
    begins, skipped, lengths, first_step, lane = pieces
    # One row per pair, in the order of the sessions: the event of its input, and its position.
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths - skipped, lengths)
    event = np.repeat(begins, lengths) + within
    place = (np.repeat(first_step, lengths) + within, np.repeat(lane, lengths))

    inputs, targets = np.zeros((2, *shape), np.int32)
    starts, is_pair = np.zeros((2, *shape), np.bool_)
    events = np.zeros(shape, position_type(len(sessions.item_indices)))
    inputs[place] = sessions.item_indices[event]
    targets[place] = sessions.item_indices[event + 1]
    starts[place] = within == 0
    is_pair[place] = True
    events[place] = event
    if sessions.targets is not None:
        is_context = ~sessions.targets[event + 1]
        is_pair[place] = ~is_context
        inputs[place] = np.where(is_context, -1 - inputs[place], inputs[place])
    return Lanes(inputs, targets, starts, is_pair, events)


def most_steps(sessions: Sessions, num_lanes: int) -> int:
    """Return an upper bound of the number of steps, for any order of the sessions.

    It is Graham's bound on list scheduling (SIAM J. Appl. Math. 17, 1969): the longest session
    begins, at the latest, when the other pairs fill all lanes evenly. If each session has its own
    lane, the bound is the length of the longest session.
    """
    pairs = np.maximum(np.diff(sessions.offsets) - 1, 0)
    longest = int(pairs.max(initial=0))
    if np.count_nonzero(pairs) <= num_lanes:
        return longest
    return longest + (int(pairs.sum()) - longest) // num_lanes


def order_by_start(sessions: Sessions) -> IntArray:
    """Return the order of sessions by the time of their first event; ties in dataset order."""
    order = np.argsort(sessions.timestamps[sessions.offsets[:-1]], kind="stable")
    return order.astype(position_type(len(order)), copy=False)


def place_sessions(lengths: IntArray, free: list[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    """Return the lane and the first step of each session, assigned in order.

    Args:
        lengths: (sessions,) the number of pairs of each.
        free: a heap of the first free step of each lane and the lane; it is brought up to date.
    """
    lane = np.empty(len(lengths), np.int64)
    first_step = np.empty(len(lengths), np.int64)
    for session, length in enumerate(lengths.tolist()):
        step, number = free[0]
        lane[session], first_step[session] = number, step
        heapq.heapreplace(free, (step + length, number))
    return lane, first_step
