"""Cross-entropy over all items, and its gradients, in blocks of rows."""

from typing import Any

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


def softmax_cross_entropy(
    hidden: Any,
    table: Any,
    bias: Any,
    targets: Any,
    row_weights: Any,
    label_smoothing: float = 0.0,
    dtype: Any = tf.float32,
    repeats: ChunkRepeats | None = None,
) -> LossGradients:
    """Compute the cross-entropy of each row's softmax over all items: -log p(target).

    The gradient of a row's scores is p - onehot(target). It is computed block by block, while the
    scores are in the cache: writing all scores to memory and reading them back takes more time than
    the products. The one-hot part is sparse, and is subtracted from rows of the results.

    Args:
        hidden: (rows, units); the number of rows is static.
        table: (num_items, units).
        bias: (num_items,).
        targets: (rows,) item indices.
        row_weights: (rows,) 1 for a pair that counts, else 0.
        label_smoothing: the share of the target distribution that is spread evenly over all items
            (Szegedy et al. 2016, section 7).
        dtype: the type of the three products' operands and results; the rest is float32.
        repeats: the learned terms that are added to scores, if there are any.

    Returns:
        The sum of the loss, and the gradients of this sum divided by the number of rows.
    """
    rows = hidden.shape[0]
    target_table = tf.gather(table, targets)  # (rows, units)
    aim = score_targets(hidden, target_table, tf.gather(bias, targets), repeats)
    share = row_weights / rows
    even = label_smoothing / table.shape[0]  # each item's probability in the target distribution
    if label_smoothing:
        aim = (1 - label_smoothing) * aim + even * _sums_of_scores(hidden, table, bias, repeats)

    terms = Terms(repeats, bias)
    loss, hidden_blocks, table_gradient = tf.constant(0.0), [], tf.zeros_like(table)
    factor = tf.cast(table, dtype)
    for block in divide_rows(rows):
        scores = terms.add_to(score_rows(hidden[block], factor), block)
        log_total, probability = _softmax(scores, share[block])
        loss += tf.reduce_sum(row_weights[block] * (log_total - aim[block]))
        if label_smoothing:
            probability -= even * share[block][:, None]
        terms.pull(probability)
        to_hidden, to_table = pass_on(probability, hidden[block], factor)
        hidden_blocks.append(to_hidden)
        table_gradient += to_table

    share *= 1 - label_smoothing
    return LossGradients(
        loss,
        tf.concat(hidden_blocks, axis=0) - share[:, None] * target_table,
        tf.tensor_scatter_nd_sub(table_gradient, targets[:, None], share[:, None] * hidden),
        tf.tensor_scatter_nd_sub(terms.bias_gradient(), targets[:, None], share),
        terms.gradient(-share),
    )


def _sums_of_scores(hidden: Any, table: Any, bias: Any, repeats: ChunkRepeats | None) -> Any:
    """Sum the scores of all items for each row, (rows,)."""
    sums = tf.linalg.matvec(hidden, tf.reduce_sum(table, axis=0)) + tf.reduce_sum(bias)
    return sums if repeats is None else sums + repeats.sums()


def _softmax(scores: Any, share: Any) -> tuple[Any, Any]:
    """Compute the softmax of each row of scores, (block, num_items).

    Returns:
        (block,) the log of the sum of exponentials, and (block, num_items) the softmax times the
        row's share, (block,).
    """
    highest = tf.reduce_max(scores, axis=1, keepdims=True)
    exponential = tf.exp(scores - highest)
    total = tf.reduce_sum(exponential, axis=1, keepdims=True)
    return tf.math.log(total[:, 0]) + highest[:, 0], exponential * (share[:, None] / total)
