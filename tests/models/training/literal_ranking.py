"""The losses as the papers print them: float64 NumPy, a loop for every sum."""

from collections.abc import Callable, Sequence

import numpy as np

RowLoss = Callable[[float, Sequence[float]], float]


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def softmax(scores: Sequence[float]) -> list[float]:
    return [np.exp(score) / sum(np.exp(other) for other in scores) for score in scores]


def cross_entropy(
    own: float,
    negatives: Sequence[float],
    smoothing: float = 0.0,
    weights: Sequence[float] | None = None,
) -> float:
    """1706.03847 eq. 1, against a target spread as Szegedy et al. 2016 section 7 spread it.

    A negative stands for `weights` items of its raw score: its own score has the logarithm added.
    """
    scores = [own, *negatives]
    log_total = np.log(sum(np.exp(score) for score in scores))
    items = [1.0, *([1.0] * len(negatives) if weights is None else weights)]
    loss = (1 - smoothing) * (log_total - own)
    for score, number in zip(scores, items, strict=True):
        raw = score - np.log(number)
        loss += smoothing * number / sum(items) * (log_total - raw)
    return loss


def bpr_max(own: float, negatives: Sequence[float], bpreg: float = 0.0) -> float:
    """1706.03847 eq. 10."""
    if not negatives:
        return 0.0
    better, regular = 0.0, 0.0
    for weight, score in zip(softmax(negatives), negatives, strict=True):
        better += weight * sigmoid(own - score)
        regular += weight * score**2
    return -np.log(better) + bpreg * regular


def top1_max(own: float, negatives: Sequence[float]) -> float:
    """1706.03847 eq. 7."""
    loss = 0.0
    for weight, score in zip(softmax(negatives), negatives, strict=True):
        loss += weight * (sigmoid(score - own) + sigmoid(score**2))
    return loss


def bpr(own: float, negatives: Sequence[float]) -> float:
    """1511.06939 section 3.1.3."""
    return -sum(np.log(sigmoid(own - score)) for score in negatives) / max(len(negatives), 1)


def top1(own: float, negatives: Sequence[float]) -> float:
    """1511.06939 section 3.1.3."""
    terms = [sigmoid(score - own) + sigmoid(score**2) for score in negatives]
    return sum(terms) / max(len(negatives), 1)


def elu(score: float, alpha: float) -> float:
    if alpha == 0 or score > 0:
        return score
    return alpha * (np.exp(score) - 1)


def finite_difference(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Give the gradient of a function of one array by central differences."""
    step, gradient = 1e-6, np.zeros_like(at)
    for place in np.ndindex(at.shape):
        above, below = at.copy(), at.copy()
        above[place] += step
        below[place] -= step
        gradient[place] = (function(above) - function(below)) / (2 * step)
    return gradient
