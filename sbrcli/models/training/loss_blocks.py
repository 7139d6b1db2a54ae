"""What the two cross-entropies share: blocks of rows, scores and their gradients."""

from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.models.repeats.chunk import ChunkRepeats, add_by_lane, sum_by_lane

ROWS_PER_BLOCK = 256
"""With a few thousand items, a block of scores of this many rows stays in the CPU's cache."""


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


class Terms:
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


def divide_rows(rows: int) -> list[slice]:
    """Divide rows into blocks."""
    firsts = range(0, rows, ROWS_PER_BLOCK)
    return [slice(first, min(first + ROWS_PER_BLOCK, rows)) for first in firsts]


def score_targets(hidden: Any, tables: Any, biases: Any, repeats: ChunkRepeats | None) -> Any:
    """Score each row's target, (rows,), by its row of the table and its bias."""
    scores = tf.reduce_sum(hidden * tables, axis=1) + biases
    return scores if repeats is None else scores + repeats.of_targets()


def score_rows(hidden: Any, factor: Any) -> Any:
    """Multiply hidden states by (columns, units) rows of the table: (block, columns)."""
    return _product(tf.cast(hidden, factor.dtype), factor, transpose_b=True)


def pass_on(gradient: Any, hidden: Any, factor: Any) -> tuple[Any, Any]:
    """Return the gradients of the operands of `score_rows` from the gradient of the scores.

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
