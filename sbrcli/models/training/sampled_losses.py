"""Cross-entropy over the target and sampled items, and its gradients, in blocks of rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.models.repeats.chunk import ChunkRepeats
from sbrcli.models.training.loss_blocks import (
    LossGradients,
    Terms,
    divide_rows,
    pass_on,
    score_rows,
    score_targets,
)

_LOWEST = -1e30
"""The value of a score that does not count."""


def drawn_cross_entropy(
    hidden: Any,
    part: Any,
    bias: Any,
    correction: Any,
    counts: Any,
    row_weights: Any,
    label_smoothing: float = 0.0,
    dtype: Any = tf.float32,
    repeats: ChunkRepeats | None = None,
) -> LossGradients:
    """Compute the cross-entropy over each row's target and sampled items: -log p(target).

    A negative counts exp(-correction) times, in the sum of exponentials and where labels are
    smoothed.

    Args:
        hidden: (rows, units); the number of rows is static.
        part: (columns, units) rows of the item table; row r's target is column r.
        bias: (columns,) of the items.
        correction: (columns,) what is subtracted from the scores of the items as negatives, for the
            sampling.
        counts: (rows, columns) bool: whether the column counts as a negative of the row.
        row_weights: (rows,) 1 for a pair that counts, else 0.
        label_smoothing: the share of the target distribution that is spread over the target, which
            counts once, and the negatives.
        dtype: as for `softmax_cross_entropy`.
        repeats: the learned terms, if there are any, in these columns.

    Returns:
        As `softmax_cross_entropy`, with the columns in place of the items.
    """
    rows = hidden.shape[0]
    share, own_table = row_weights / rows, part[:rows]
    own = score_targets(hidden, own_table, bias[:rows], repeats)
    terms = Terms(repeats, bias - correction)
    loss, table_gradient, hidden_blocks, targets = tf.constant(0.0), tf.zeros_like(part), [], []
    factor = tf.cast(part, dtype)
    for block in divide_rows(rows):
        scores = terms.add_to(score_rows(hidden[block], factor), block)  # (block, columns)
        labels = _smooth(label_smoothing, correction, counts[block])
        aim = labels.mean_of(own[block], scores + correction)
        log_total, *softmax = _softmax(scores, own[block], counts[block], share[block])
        loss += tf.reduce_sum(row_weights[block] * (log_total - aim))
        negatives, target = labels.taken_from(softmax, share[block])
        targets.append(target)
        terms.pull(negatives)
        to_hidden, to_table = pass_on(negatives, hidden[block], factor)
        hidden_blocks.append(to_hidden + target[:, None] * own_table[block])
        table_gradient += to_table

    target = tf.concat(targets, axis=0)
    columns = tf.range(rows)[:, None]
    return LossGradients(
        loss,
        tf.concat(hidden_blocks, axis=0),
        tf.tensor_scatter_nd_add(table_gradient, columns, target[:, None] * hidden),
        tf.tensor_scatter_nd_add(terms.bias_gradient(), columns, target),
        terms.gradient(target),
    )


class _Labels(NamedTuple):
    """The target distribution of a block of rows."""

    target: Any
    """(block,) the target's part; 1 without smoothing."""

    negatives: Any = None
    """(block, columns) the negatives' parts; None without smoothing."""

    def mean_of(self, own: Any, scores: Any) -> Any:
        """Return the mean of the scores of targets and negatives by these parts, (block,)."""
        mean = self.target * own
        return mean if self.negatives is None else mean + tf.reduce_sum(self.negatives * scores, 1)

    def taken_from(self, softmax: Sequence[Any], share: Any) -> tuple[Any, Any]:
        """Return a softmax without these parts, times the rows' shares: of negatives and target."""
        negatives, target = softmax
        target -= share * self.target
        if self.negatives is not None:
            negatives -= self.negatives * share[:, None]
        return negatives, target


def _smooth(label_smoothing: float, correction: Any, counts: Any) -> _Labels:
    if not label_smoothing:
        return _Labels(1.0)
    weights = tf.where(counts, tf.exp(-correction), 0.0)
    even = label_smoothing / (1 + tf.reduce_sum(weights, axis=1))
    return _Labels(1 - label_smoothing + even, weights * even[:, None])


def _softmax(scores: Any, own: Any, counts: Any, share: Any) -> tuple[Any, Any, Any]:
    """Compute the softmax of each row over its negatives' scores and its target's.

    Args:
        scores: (block, columns) of the negatives.
        own: (block,) of the targets.
        counts: (block, columns) bool: whether the column counts as a negative of the row.
        share: (block,) of the rows.

    Returns:
        (block,) the log of the sum of exponentials, and the softmax times the row's share:
        (block, columns) of the negatives, and (block,) of the targets.
    """
    scores = tf.where(counts, scores, _LOWEST)
    highest = tf.maximum(tf.reduce_max(scores, axis=1), own)
    exponential = tf.exp(scores - highest[:, None])
    own_exponential = tf.exp(own - highest)
    total = tf.reduce_sum(exponential, axis=1) + own_exponential
    factor = share / total
    return tf.math.log(total) + highest, exponential * factor[:, None], own_exponential * factor
