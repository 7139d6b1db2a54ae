"""How fast a network trains, from a few timed steps."""

from time import perf_counter

from sbrcli.models.training.fit import EpochLoop


def time_epoch(loop: EpochLoop, seconds: float) -> float:
    """Return about how many seconds the steps of an epoch take, validation excluded.

    Trains on the first steps of the epoch. The first chunk is not timed if others follow: the
    first call of a graph takes longer.

    Args:
        loop: one that has not begun; it cannot be trained afterwards.
        seconds: how long to measure. At least one call of the graph is timed.
    """
    lanes, states = loop.lanes, loop.lane_states
    total, first, length = len(lanes.inputs), 0, loop.bptt
    timed, took = 0, 0.0
    while first < total and (took < seconds or not timed):
        window = slice(first, first + length)
        arrays = (lanes.inputs, lanes.targets, lanes.starts, lanes.is_pair)
        began = perf_counter()
        loss, states = loop.step.walk(*(array[window] for array in arrays), states)
        float(loss)
        if first or total <= loop.bptt:
            took += perf_counter() - began
            timed += min(length, total - first)
        first, length = window.stop, loop.steps_per_call
    return took / max(timed, 1) * total
