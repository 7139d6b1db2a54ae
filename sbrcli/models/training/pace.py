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
    states = loop.lane_states
    total, first, length = loop.lanes.num_steps, 0, loop.bptt
    timed, took = 0, 0.0
    while first < total and (took < seconds or not timed):
        part, *repeats = loop.call_at(first, length)
        arrays = (part.inputs, part.targets, part.starts, part.is_pair)
        began = perf_counter()
        loss, states = loop.step.walk(*arrays, states, *repeats)
        float(loss)
        if first or total <= loop.bptt:
            took += perf_counter() - began
            timed += len(part.inputs)
        first, length = first + len(part.inputs), loop.steps_per_call
    return took / max(timed, 1) * total
