"""Ranking losses: they compare a row's target with its negatives, by the papers' formulas.

Each function takes

- `positive`: (rows,) the score r_i of the row's target,
- `scores`: (rows, columns) the scores r_j of the candidates,
- `counts`: (rows, columns) 1 if the candidate counts as a negative of the row, else 0,

and returns (rows,) losses. A row without negatives has the loss 0. Formulas: Hidasi et al. 2016
(arXiv 1511.06939, section 3.1.3) and Hidasi & Karatzoglou 2018 (arXiv 1706.03847, section 3).
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_TINY = 1e-24
"""Keeps the logarithm finite if a sum underflows."""
_LOWEST = -1e30

RankingLoss = Callable[[Any, Any, Any], Any]


def bpr_max(positive: Any, scores: Any, counts: Any, *, bpreg: float = 0.0) -> Any:
    """Return -log sum_j s_j sigmoid(r_i - r_j) + bpreg * sum_j s_j r_j^2 (1706.03847, eq. 10).

    The weights s are the softmax over the negatives only.
    """
    weights = _softmax(scores, counts)
    better = tf.reduce_sum(weights * tf.sigmoid(positive[:, None] - scores), axis=1)
    regular = tf.reduce_sum(weights * scores * scores, axis=1)
    return _where_any(counts, -tf.math.log(better + _TINY) + bpreg * regular)


def top1_max(positive: Any, scores: Any, counts: Any) -> Any:
    """Return sum_j s_j (sigmoid(r_j - r_i) + sigmoid(r_j^2)) (1706.03847, eq. 7)."""
    terms = tf.sigmoid(scores - positive[:, None]) + tf.sigmoid(scores * scores)
    return tf.reduce_sum(_softmax(scores, counts) * terms, axis=1)


def bpr(positive: Any, scores: Any, counts: Any) -> Any:
    """Return -mean_j log sigmoid(r_i - r_j) (1511.06939, section 3.1.3)."""
    return _mean(tf.nn.softplus(scores - positive[:, None]), counts)


def top1(positive: Any, scores: Any, counts: Any) -> Any:
    """Return mean_j sigmoid(r_j - r_i) + sigmoid(r_j^2) (1511.06939, section 3.1.3)."""
    terms = tf.sigmoid(scores - positive[:, None]) + tf.sigmoid(scores * scores)
    return _mean(terms, counts)


def elu(scores: Any, alpha: float) -> Any:
    """Apply an ELU: x above 0, alpha * (exp(x) - 1) below; with alpha 0 return x."""
    if alpha == 0:
        return scores
    return tf.where(scores > 0, scores, alpha * (tf.exp(tf.minimum(scores, 0.0)) - 1))


def _softmax(scores: Any, counts: Any) -> Any:
    lowered = tf.where(counts > 0, scores, _LOWEST)
    highest = tf.stop_gradient(tf.reduce_max(lowered, axis=1, keepdims=True))
    exponential = tf.exp(lowered - highest) * counts
    return exponential / tf.maximum(tf.reduce_sum(exponential, axis=1, keepdims=True), _TINY)


def _number(counts: Any) -> Any:
    return tf.reduce_sum(counts, axis=1)


def _mean(terms: Any, counts: Any) -> Any:
    return tf.reduce_sum(terms * counts, axis=1) / tf.maximum(_number(counts), 1.0)


def _where_any(counts: Any, loss: Any) -> Any:
    return tf.where(_number(counts) > 0, loss, 0.0)
