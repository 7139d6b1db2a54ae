"""The order of the sessions of each epoch, and what is to be known of its lanes beforehand."""

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.config.training import FitConfig
from sbrcli.models.training.lane_stream import WINDOW_PAIRS, LaneStream, count_steps
from sbrcli.models.training.lanes import most_steps, order_by_start
from sbrcli.sessions import Sessions


class Arrangement:
    """Arranges sessions in lanes, epoch by epoch: in the order of their start, or shuffled.

    Args:
        sessions: what is trained on.
        config: how to train.
    """

    def __init__(self, sessions: Sessions, config: FitConfig) -> None:
        self._sessions, self._config = sessions, config
        self._order = order_by_start(sessions)
        self._num_steps: dict[int, int] = {}

    def most_steps(self) -> int:
        """Return the number of steps of the lanes; a longer chunk would only add padding.

        If sessions are shuffled, it is a bound that holds for any order.
        """
        if self._config.shuffle:
            return max(1, most_steps(self._sessions, self._config.batch_size))
        return max(1, self._count_steps(1))

    def total_chunks(self, bptt: int) -> int:
        """Return the number of chunks of all epochs.

        Args:
            bptt: the number of steps in a chunk.
        """
        config = self._config
        if config.shuffle and config.schedule != "constant":
            # Sessions in another order may fill another number of chunks.
            steps = [self._count_steps(epoch) for epoch in range(1, config.epochs + 1)]
            return sum(-(-number // bptt) for number in steps)
        return config.epochs * -(-self._count_steps(1) // bptt)

    def stream(self, epoch: int, bptt: int, steps_per_call: int) -> LaneStream:
        """Return the lanes of an epoch; a window holds whole calls of the graph.

        Args:
            epoch: counted from 1.
            bptt: the number of steps in a chunk.
            steps_per_call: the number of steps in a call of the graph, a multiple of `bptt`.
        """
        lanes = self._config.batch_size
        window = max(1, WINDOW_PAIRS // (lanes * steps_per_call)) * steps_per_call
        steps = self._count_steps(epoch)
        return LaneStream(self._sessions, lanes, self._order_of(epoch), bptt, window, steps)

    def _order_of(self, epoch: int) -> IntArray:
        if not self._config.shuffle:
            return self._order
        return np.random.default_rng([self._config.seed, epoch]).permutation(self._order)

    def _count_steps(self, epoch: int) -> int:
        key = epoch if self._config.shuffle else 1
        if key not in self._num_steps:
            order = self._order_of(epoch)
            self._num_steps[key] = count_steps(self._sessions, self._config.batch_size, order)
        return self._num_steps[key]
