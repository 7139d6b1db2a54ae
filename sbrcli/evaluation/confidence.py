"""Confidence intervals and p-values of metrics, by the bootstrap over sessions.

The events of a session are not independent. Therefore whole sessions are resampled, with
replacement, each with all of its targets. The metric of a resample is the sum over its sessions
divided by their number of targets. All models share the same resamples, so that the difference of
two models is resampled directly (the paired bootstrap; Efron & Tibshirani 1993, chapters 13 and
16).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 1
_NORMAL_QUANTILE = 1.959964
"""The quantile of a two-sided interval of `LEVEL`."""

# More sessions than this are dealt at random into this many groups, and groups are resampled: the
# expected variance is the same, and the cost is bounded.
_MAX_GROUPS = 20_000
_DRAWS_AT_A_TIME = 2**21


def session_sums(session: IntArray, values: Iterable[FloatArray]) -> FloatArray:
    """Return the sum of the values over each session's targets.

    Args:
        session: (targets,) the session number of each target, ascending.
        values: columns, each (targets,); consumed one at a time.

    Returns:
        (sessions that occur, columns + 1); the last column counts the targets.
    """
    begins = np.flatnonzero(np.diff(session, prepend=-1))
    counts = np.diff(begins, append=len(session)).astype(np.float64)
    return np.column_stack([*(np.add.reduceat(column, begins) for column in values), counts])


def resample_means(sums: FloatArray, resamples: int = RESAMPLES, seed: int = SEED) -> FloatArray:
    """Resample sessions with replacement and return the means of each resample.

    Args:
        sums: (sessions, columns + 1), as returned by `session_sums`.
        resamples: the number of resamples.
        seed: the seed of the random generator.

    Returns:
        (resamples, columns).
    """
    rng = np.random.default_rng(seed)
    groups = _deal(sums, rng)
    number, columns = groups.shape
    means = np.empty((resamples, columns - 1))
    step = max(1, _DRAWS_AT_A_TIME // number)
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        drawn = rng.integers(0, number, (rows, number)) + number * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * number).reshape(rows, number)
        totals = times.astype(np.float64) @ groups
        means[begin : begin + rows] = totals[:, :-1] / totals[:, -1:]
    return means


def interval(resampled: FloatArray) -> tuple[float, float]:
    """Return the interval that contains `LEVEL` of the resampled figures, (resamples,)."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return float(low), float(high)


def approximate_interval(sums: FloatArray) -> tuple[float, float] | None:
    """Return the approximate confidence interval of a mean, without resampling.

    The mean is the ratio of two sums over sessions, of values and of targets. Its variance is, to
    first order, the sum of (value - mean * targets) squared over the squared number of targets
    (Cochran 1977, section 6.3), with a correction for few sessions.

    Args:
        sums: (sessions, 2), as returned by `session_sums` for one column.

    Returns:
        The mean minus and plus 1.96 standard errors; None for a single session, whose variance is
        unknown.
    """
    sessions = len(sums)
    if sessions < 2:
        return None
    value, items = sums[:, 0], sums[:, 1]
    mean = value.sum() / items.sum()
    residuals = value - mean * items
    variance = sessions / (sessions - 1) * (residuals**2).sum() / items.sum() ** 2
    half = _NORMAL_QUANTILE * float(np.sqrt(variance))
    return float(mean) - half, float(mean) + half


def p_value(differences: FloatArray, sessions: int) -> float:
    """Return the two-sided p-value of the hypothesis that a resampled difference is zero.

    It is at least 2 / 2^n for n sessions: by chance alone, all of them have the same sign in 2 of
    2^n cases (the sign test), even if all resamples agree.

    Args:
        differences: (resamples,), the difference in each resample.
        sessions: how many were drawn from.
    """
    number = len(differences)
    fewer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, max(2 * (fewer + 1) / (number + 1), 2.0 ** (1 - sessions)))


def _deal(sums: FloatArray, rng: np.random.Generator) -> FloatArray:
    if len(sums) <= _MAX_GROUPS:
        return sums
    group = rng.permutation(len(sums)) % _MAX_GROUPS
    order = np.argsort(group, kind="stable")
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    return np.add.reduceat(sums[order], begins, axis=0)
