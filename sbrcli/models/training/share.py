"""The share of a chunk that one of several workers computes.

The lanes of a chunk are divided evenly: worker r of n computes lanes r * lanes / n and following.
Every worker knows the items of all lanes, so that all of them sample the same negatives, compare
their rows with the targets of all lanes, and touch the same rows of the tables in the same order.
The gradients of a chunk are then the mean of what the workers compute, as if one had computed it.
"""

from typing import Any, NamedTuple

import tensorflow as tf


class Share(NamedTuple):
    """Which of a chunk's lanes a worker computes.

    "In order" below means worker after worker, and step by step within each.
    """

    rank: int = 0
    """The number of the worker, from 0."""

    size: int = 1
    """The number of workers, a divisor of the number of lanes."""

    def in_order(self, array: Any) -> Any:
        """Return the rows of all lanes, (rows of all,), in order; `array` is (steps, lanes).

        With two workers, the chunk [[a b], [c d]] becomes [a c b d].
        """
        if self.size > 1:
            steps, lanes = array.shape
            blocks = tf.reshape(array, (steps, self.size, lanes // self.size))
            array = tf.transpose(blocks, (1, 0, 2))
        return tf.reshape(array, (-1,))

    def own(self, rows: Any) -> Any:
        """Return this worker's rows of those of all."""
        if self.size == 1:
            return rows
        number = rows.shape[0] // self.size
        return rows[self.rank * number : (self.rank + 1) * number]

    def own_lanes(self, array: Any) -> Any:
        """Return this worker's lanes of a (steps, lanes) array."""
        if self.size == 1:
            return array
        return array[:, self.lanes_of(array.shape[1])]

    def lanes_of(self, num_lanes: int) -> slice:
        """Return which of all lanes are this worker's."""
        number = num_lanes // self.size
        return slice(self.rank * number, (self.rank + 1) * number)

    def own_first(self, rows: Any) -> Any:
        """Return the rows of all with this worker's first."""
        first = self.rank * (rows.shape[0] // self.size)
        return rows if first == 0 else tf.roll(rows, -first, axis=0)

    def restored(self, columns: Any, num_rows: int) -> Any:
        """Undo `own_first` for the first `num_rows` columns; the others are the same for all."""
        first = self.rank * (num_rows // self.size)
        if first == 0:
            return columns
        rows = tf.roll(columns[:num_rows], first, axis=0)
        return tf.concat([rows, columns[num_rows:]], axis=0)

    def among_all(self, rows: Any) -> Any:
        """Return the rows of all: this worker's, (own rows, width), and zeros for the others'."""
        if self.size == 1:
            return rows
        before, after = self.rank, self.size - 1 - self.rank
        number = rows.shape[0]
        return tf.pad(rows, [[before * number, after * number], [0, 0]])


WHOLE = Share()
"""All lanes: there is one worker."""
