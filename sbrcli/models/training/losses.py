"""Cross-entropy over all items or sampled ones, and its gradients, in blocks of rows."""

from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.models.repeats.chunk import ChunkRepeats, add_by_lane, sum_by_lane

ROWS_PER_BLOCK = 256
"""With a few thousand items, a block of scores of this many rows stays in the CPU's cache."""

_LOWEST = -1e30
"""The value of a score that does not count."""


class LossGradients(NamedTuple):
    """The sum of a loss over rows, and the gradients of its mean."""

    loss: Any
    """Scalar: the weighted sum of the rows' losses."""

    hidden: Any
    """(rows, units)"""

    table: Any
    """(num_items, units)"""

    bias: Any
    """(num_items,)"""

    repeats: Any = None
    """(AGES,) of the terms of repeats; None without them."""


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
    aim = _target_scores(hidden, target_table, tf.gather(bias, targets), repeats)
    share = row_weights / rows
    even = label_smoothing / table.shape[0]  # each item's probability in the target distribution
    if label_smoothing:
        aim = (1 - label_smoothing) * aim + even * _sums_of_scores(hidden, table, bias, repeats)

    terms = _Terms(repeats, bias)
    loss, hidden_blocks, table_gradient = tf.constant(0.0), [], tf.zeros_like(table)
    factor = tf.cast(table, dtype)
    for block in _blocks(rows):
        scores = terms.add_to(_score(hidden[block], factor), block)
        log_total, probability = _softmax(scores, share[block])
        loss += tf.reduce_sum(row_weights[block] * (log_total - aim[block]))
        if label_smoothing:
            probability -= even * share[block][:, None]
        terms.pull(probability)
        to_hidden, to_table = _pass_on(probability, hidden[block], factor)
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
    own_table = part[:rows]
    own = _target_scores(hidden, own_table, bias[:rows], repeats)
    share = row_weights / rows

    terms = _Terms(repeats, bias - correction)
    loss, table_gradient = tf.constant(0.0), tf.zeros_like(part)
    hidden_blocks, pulls = [], []
    factor = tf.cast(part, dtype)
    for block in _blocks(rows):
        scores = terms.add_to(_score(hidden[block], factor), block)  # (block, columns)
        even = _even(label_smoothing, correction, counts[block])
        aim = (1 - label_smoothing + even.own) * own[block]
        if label_smoothing:
            plain = tf.where(counts[block], scores + correction, 0.0)
            aim += tf.reduce_sum(even.negatives * plain, axis=1)
        scores = tf.where(counts[block], scores, _LOWEST)
        highest = tf.maximum(tf.reduce_max(scores, axis=1), own[block])
        exponential = tf.exp(scores - highest[:, None])
        own_exponential = tf.exp(own[block] - highest)
        total = tf.reduce_sum(exponential, axis=1) + own_exponential
        loss += tf.reduce_sum(row_weights[block] * (tf.math.log(total) + highest - aim))
        probability = exponential * (share[block] / total)[:, None]
        if label_smoothing:
            probability -= even.negatives * share[block][:, None]
        pull = share[block] * (own_exponential / total - (1 - label_smoothing + even.own))
        pulls.append(pull)
        terms.pull(probability)
        to_hidden, to_table = _pass_on(probability, hidden[block], factor)
        hidden_blocks.append(to_hidden + pull[:, None] * own_table[block])
        table_gradient += to_table

    pull = tf.concat(pulls, axis=0)
    columns = tf.range(rows)[:, None]
    return LossGradients(
        loss,
        tf.concat(hidden_blocks, axis=0),
        tf.tensor_scatter_nd_add(table_gradient, columns, pull[:, None] * hidden),
        tf.tensor_scatter_nd_add(terms.bias_gradient(), columns, pull),
        terms.gradient(pull),
    )


class _Terms:
    """What is added to the products, block by block: the bias and the terms of repeats.

    Args:
        repeats: the learned terms, if there are any.
        bias: (columns,)
    """

    def __init__(self, repeats: ChunkRepeats | None, bias: Any) -> None:
        self.repeats = repeats
        self.shift = bias[None] if repeats is None else repeats.shift(bias)  # (lanes, columns)
        self.of_shift, self.of_terms = tf.zeros_like(self.shift), 0.0
        self.first, self.near = 0, repeats

    def add_to(self, products: Any, block: slice) -> Any:
        """Return the scores of a block of rows."""
        self.first = block.start
        scores = add_by_lane(products, self.shift, self.first)
        if self.repeats is None:
            return scores
        self.near = self.repeats.between(block.start, block.stop)
        return self.near.add_to(scores)

    def pull(self, of_scores: Any) -> None:
        """Take the gradient of the scores of the last block."""
        self.of_shift += sum_by_lane(of_scores, self.shift.shape[0], self.first)
        self.of_terms += 0.0 if self.near is None else self.near.gradient(of_scores)

    def bias_gradient(self) -> Any:
        """Return the gradient of the bias, (columns,)."""
        return tf.reduce_sum(self.of_shift, axis=0)

    def gradient(self, of_targets: Any) -> Any:
        """Return the gradient of the terms; None without repeats.

        Args:
            of_targets: (rows,) the gradient of the targets' scores apart from the blocks.
        """
        if self.repeats is None:
            return None
        by_bases = self.repeats.gradient_by_bases(self.of_shift)
        return self.of_terms + by_bases + self.repeats.gradient_by_targets(of_targets)


class _Even(NamedTuple):
    """What smoothed labels spread evenly: the parts of the target distribution."""

    own: Any
    """(block,) of the targets; 0 without smoothing."""

    negatives: Any = None
    """(block, columns) of the negatives; None without smoothing."""


def _even(label_smoothing: float, correction: Any, counts: Any) -> _Even:
    if not label_smoothing:
        return _Even(0.0)
    weights = tf.where(counts, tf.exp(-correction), 0.0)
    own = label_smoothing / (1 + tf.reduce_sum(weights, axis=1))
    return _Even(own, weights * own[:, None])


def _blocks(rows: int) -> list[slice]:
    """Divide rows into blocks."""
    firsts = range(0, rows, ROWS_PER_BLOCK)
    return [slice(first, min(first + ROWS_PER_BLOCK, rows)) for first in firsts]


def _target_scores(hidden: Any, tables: Any, biases: Any, repeats: ChunkRepeats | None) -> Any:
    """Score each row's target, (rows,), by its row of the table and its bias."""
    scores = tf.reduce_sum(hidden * tables, axis=1) + biases
    return scores if repeats is None else scores + repeats.of_targets()


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


def _score(hidden: Any, factor: Any) -> Any:
    """Multiply hidden states by (columns, units) rows of the table: (block, columns)."""
    return _product(tf.cast(hidden, factor.dtype), factor, transpose_b=True)


def _pass_on(gradient: Any, hidden: Any, factor: Any) -> tuple[Any, Any]:
    """Return the gradients of the operands of `_score` from the gradient of the scores.

    Returns:
        (block, units) of the hidden states, and (columns, units) of the table's rows.
    """
    gradient = tf.cast(gradient, factor.dtype)
    to_table = _product(gradient, tf.cast(hidden, factor.dtype), transpose_a=True)
    return _product(gradient, factor), to_table


def _product(left: Any, right: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Multiply two matrices of one type; return float32."""
    product = tf.matmul(left, right, transpose_a=transpose_a, transpose_b=transpose_b)
    return tf.cast(product, tf.float32)
