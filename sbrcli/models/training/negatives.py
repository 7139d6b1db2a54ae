"""Sample the negatives that the targets of a chunk are compared with."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

IntArray = npt.NDArray[np.integer]


class Candidates(NamedTuple):
    """The columns of a chunk's scores: its targets, then the sampled items."""

    items: Any
    """(columns,) item indices; column r is the target of row r."""

    counts: Any
    """(rows, columns) bool: whether the column counts as a negative of the row.

    False if it equals the row's own target (an accidental hit), or if the column's row is padding.
    """

    log_expected: Any
    """(columns,) the log of the expected number of occurrences of the item among the columns."""


class NegativeSampler:
    """Samples items with probability proportional to count^alpha (Hidasi & Karatzoglou 2018, 4.1).

    Args:
        train_count: (num_items,) the number of training events of each item.
        n_sample: the number of items sampled for a chunk, with replacement.
        sample_alpha: 0 samples uniformly, 1 in proportion to popularity.
    """

    def __init__(self, train_count: IntArray, n_sample: int, sample_alpha: float) -> None:
        counts = np.maximum(train_count, 1).astype(np.float64)
        self.n_sample = n_sample
        drawn = counts**sample_alpha / (counts**sample_alpha).sum()
        cumulative = np.cumsum(drawn)
        # In float32, with a resolution of 1e-7, rare items among a million would never be sampled.
        self._cumulative = tf.constant(cumulative / cumulative[-1], tf.float64)
        self._popularity = tf.constant(counts / counts.sum(), tf.float32)
        self._drawn = tf.constant(drawn, tf.float32)

    def draw(self, targets: Any, row_counts: Any, seed: Any) -> Candidates:
        """Sample the columns for a chunk.

        Args:
            targets: (rows,) item indices.
            row_counts: (rows,) 1 for a pair that counts, else 0.
            seed: (2,) integers; the same seed samples the same items.
        """
        uniform = tf.random.stateless_uniform((self.n_sample,), seed, dtype=tf.float64)
        extra = tf.searchsorted(self._cumulative, uniform, side="right")
        items = tf.concat([targets, tf.minimum(extra, len(self._cumulative) - 1)], axis=0)
        column_counts = tf.concat([row_counts > 0, tf.ones((self.n_sample,), tf.bool)], axis=0)
        is_other = items[None, :] != targets[:, None]  # (rows, columns)
        expected = tf.reduce_sum(row_counts) * tf.gather(
            self._popularity, items
        ) + self.n_sample * tf.gather(self._drawn, items)
        return Candidates(items, is_other & column_counts[None, :], tf.math.log(expected))
