"""Sample the negatives that the targets of a chunk are compared with.

The loss of a row with target t is log Z - s_t, where Z is the sum of exp(s_i) over all items.
Importance sampling (Bengio & Senécal 2008, IEEE Transactions on Neural Networks 19) estimates Z
from some columns:

    Z_r = exp(s_t) + sum over the negatives c of row r of exp(s_c) / E_r(item of c)

E_r(i) is the expected number of columns with item i among those that row r may be compared with.
The expectation of Z_r is then Z: each item i other than t contributes exp(s_i) / E_r(i) times its
expected number of columns, which is exp(s_i). Dividing by E_r is subtracting log E_r from the
score (for negatives from the batch: Yi et al. 2019, RecSys, section 3). The target is present
once and with certainty, so its score needs no correction.

There are two kinds of columns. `n_sample` items are sampled independently, item i with
probability q_i. The others are the targets of the chunk, and these depend on the lane:

- A target in another lane belongs to another session. It is item i with probability p_i, the
  share of i among the targets of training, whatever the row's own session is.
- A target in the row's own lane mostly belongs to the row's own session. It is present with
  certainty, however rare the item is. A correction by p_i would count it many times over, and
  push apart just those items that occur together. These targets are no negatives of the row.

With m_r targets in the lanes other than row r's,

    E_r(i) = m_r p_i + n_sample q_i

All lanes hold equally many targets, except in the last chunks of an epoch, where lanes end; there
the mean of m_r over the rows is used. Two approximations remain. The logarithm of Z_r has a bias
of about half the relative variance of Z_r, which falls with `n_sample`. And sessions in parallel
lanes start at about the same time, while p_i is a mean over all times.

The ranking losses have no correction, as in the papers: their mean over the negatives, or their
softmax, weights item i by E_r(i).
"""

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

    False if it equals the row's own target (an accidental hit), or if it is a target in the row's
    own lane, or of padding.
    """

    log_expected: Any
    """(columns,) the log of the expected number of columns with the item among those that a row
    may be compared with."""


class NegativeSampler:
    """Samples items with probability proportional to count^alpha (Hidasi & Karatzoglou 2018, 4.1).

    Args:
        train_count: (num_items,) the number of training events of each item.
        n_sample: the number of items sampled for a chunk, with replacement.
        sample_alpha: 0 samples uniformly, 1 in proportion to popularity.
        target_count: (num_items,) the number of training targets of each item; by default that of
            its events.
        num_lanes: row r of a chunk is in lane r modulo this number; by default each row has a lane
            of its own.
    """

    def __init__(
        self,
        train_count: IntArray,
        n_sample: int,
        sample_alpha: float,
        *,
        target_count: IntArray | None = None,
        num_lanes: int | None = None,
    ) -> None:
        counts = np.maximum(train_count, 1).astype(np.float64)
        self.n_sample, self.num_lanes = n_sample, num_lanes
        drawn = counts**sample_alpha / (counts**sample_alpha).sum()
        cumulative = np.cumsum(drawn)
        # In float32, with a resolution of 1e-7, rare items among a million would never be sampled.
        self._cumulative = tf.constant(cumulative / cumulative[-1], tf.float64)
        targets = train_count if target_count is None else target_count
        self._popularity = tf.constant(targets / max(1, targets.sum()), tf.float32)
        self._drawn = tf.constant(drawn, tf.float32)

    def draw(
        self, targets: Any, row_counts: Any, seed: Any, own_rows: int | None = None
    ) -> Candidates:
        """Sample the columns for a chunk.

        Args:
            targets: (rows of all,) item indices.
            row_counts: (rows of all,) 1 for a pair that counts, else 0.
            seed: (2,) integers; the same seed samples the same items.
            own_rows: the first rows are those to compare, in lanes of their own; the next as many
                are those of another worker, and so on. By default all are to be compared.
        """
        rows = targets.shape[0] if own_rows is None else own_rows
        num_workers = targets.shape[0] // rows
        num_lanes = rows if self.num_lanes is None else self.num_lanes // num_workers
        uniform = tf.random.stateless_uniform((self.n_sample,), seed, dtype=tf.float64)
        sampled = tf.searchsorted(self._cumulative, uniform, side="right")
        sampled = tf.minimum(sampled, len(self._cumulative) - 1)
        items = tf.concat([targets, sampled], axis=0)
        row = np.arange(targets.shape[0])
        lane = row // rows * num_lanes + row % rows % num_lanes  # no two workers share a lane
        is_other = tf.constant(lane[None, :] != lane[:rows, None])
        is_elsewhere = is_other & (row_counts > 0)[None, :]
        own = targets[:rows, None]
        of_chunk = is_elsewhere & (targets[None, :] != own)
        is_negative = tf.concat([of_chunk, sampled[None, :] != own], axis=1)
        counts = tf.reshape(row_counts, (num_workers, -1, num_lanes))
        expected = self._elsewhere(counts) * tf.gather(
            self._popularity, items
        ) + self.n_sample * tf.gather(self._drawn, items)
        return Candidates(items, is_negative, tf.math.log(expected))

    @staticmethod
    def _elsewhere(row_counts: Any) -> Any:
        """Return the number of targets in other lanes, the mean over the rows that count.

        Args:
            row_counts: (workers, steps, lanes of each).
        """
        in_lane = tf.reduce_sum(row_counts, axis=1)  # (workers, lanes of each)
        total = tf.reduce_sum(in_lane)
        return total - tf.reduce_sum(in_lane * in_lane) / tf.maximum(total, 1.0)
