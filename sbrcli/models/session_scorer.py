"""What the NumPy scorers of all families of networks share: the order of sessions and the output.

A family computes the hidden states of the sessions of a batch, in `_walk_batch`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, NetworkShape
from sbrcli.models.score_blocks import score_in_blocks
from sbrcli.models.stream import Stream
from sbrcli.models.tiled_matmul import TiledMatrix
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


class SessionScorer(ABC):
    """Scores sessions with a trained network; see `sbrcli.models.scorer.Scorer`.

    The same sessions in the same order and batch size give the same scores, bit for bit, on one
    machine. At another position in the batch, or in another batch, a session has the same scores up
    to float32 rounding (see `sbrcli.models.tiled_matmul`).
    """

    def __init__(
        self,
        shape: NetworkShape,
        weights: Mapping[str, FloatArray],
        stream: Stream,
        batch_size: int,
    ) -> None:
        self._num_items = shape.num_items
        self._weights = weights
        self._batch_size = batch_size
        self._lock = Lock()
        self.stream = stream

    @property
    def num_items(self) -> int:
        """The number of items."""
        return self._num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Score the items at the positions before targets.

        Args:
            sessions: every item index below `num_items`.

        Yields:
            (rows,) positions into `sessions.item_indices`, and (rows, num_items) scores of the
            items that follow them; the next block overwrites the scores.
        """
        with self._lock:  # made once, although several threads may ask
            self._prepare()
        yield from score_in_blocks(self._walk(sessions), self._output)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`, (events,) with at least one: (num_items,).

        It differs from `score_sessions` in rounding; `stream` gives the same bits.
        """
        return self.stream.scores(self.stream.advance([None], [items]))[0]

    @cached_property
    def _output(self) -> TiledMatrix:
        return TiledMatrix(self._weights[OUTPUT_TABLE].T, self._weights[OUTPUT_BIAS])

    def _walk(self, sessions: Sessions) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield the hidden states at the positions before targets, with a column of ones."""
        steps = np.diff(sessions.offsets) - 1
        is_asked = None if sessions.targets is None else sessions.target_mask
        # The longest first, so that the sessions of a batch end from the back.
        order = np.argsort(-steps, kind="stable")
        order = order[steps[order] > 0]
        for begin in range(0, len(order), self._batch_size):
            batch = order[begin : begin + self._batch_size]
            walk = self._walk_batch(sessions.item_indices, sessions.offsets[batch], steps[batch])
            if is_asked is None:
                yield from walk
                continue
            for positions, states in walk:
                asked = is_asked[positions + 1]
                yield positions[asked], states[asked]

    @abstractmethod
    def _prepare(self) -> None:
        """Make what `_walk_batch` needs of the weights, and `_output`, unless they exist."""

    @abstractmethod
    def _walk_batch(
        self, items: IntArray, starts: IntArray, steps: IntArray
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Process sessions in parallel, from their beginning.

        Args:
            items: all events.
            starts: (sessions,) the position in `items` at which each begins.
            steps: (sessions,) the number of events of each to process, in descending order.

        Yields:
            (events,) positions and (events, units + 1) states of some events; the next ones may
            overwrite them.
        """
