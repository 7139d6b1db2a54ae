"""How sure a figure is: the bootstrap over sessions.

Events of one session depend on each other, so that sessions are drawn, with replacement, as many
as there are, and each brings all of its next items. A metric is then the sum over the sessions
drawn, divided by their next items. All models see the same draws, so that the difference of two
is resampled as one number (the paired bootstrap; Efron & Tibshirani 1993, chapters 13 and 16).
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
"""Of `LEVEL`, two-sided."""

# Beyond this many, sessions are dealt at random into as many groups, and groups are drawn: the
# variance that is expected is the same, and the cost no longer grows.
_MAX_GROUPS = 20_000
_DRAWS_AT_A_TIME = 2**21


def session_sums(session: IntArray, values: Iterable[FloatArray]) -> FloatArray:
    """Sum up the values of each session's next items.

    Args:
        session: (events,) ascending numbers of sessions.
        values: columns, each (events,); taken one at a time.

    Returns:
        (sessions that occur, columns + 1); the last column counts the next items.
    """
    begins = np.flatnonzero(np.diff(session, prepend=-1))
    counts = np.diff(begins, append=len(session)).astype(np.float64)
    return np.column_stack([*(np.add.reduceat(column, begins) for column in values), counts])


def resample_means(sums: FloatArray, resamples: int = RESAMPLES, seed: int = SEED) -> FloatArray:
    """Draw sessions again and again, and give each draw's means.

    Args:
        sums: (sessions, columns + 1), as `session_sums` gives them.
        resamples: how many draws.
        seed: the same seed gives the same draws.

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
    """Return the bounds between which `LEVEL` of the resampled figures, (resamples,), lie."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return float(low), float(high)


def approximate_interval(sums: FloatArray) -> tuple[float, float] | None:
    """Return bounds of a mean over few or many sessions without resampling them.

    The mean is a ratio of two sums over sessions, value and next items, whose variance is, to the
    first order, the sum of the squared (value - mean * items) over the squared number of items
    (Cochran 1977, section 6.3), with a correction for few sessions.

    Args:
        sums: (sessions, 2), as `session_sums` gives them of one column.

    Returns:
        The mean less and plus 1.96 standard errors; None of a single session, which says nothing
        of how sessions differ.
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
    """Return the two-sided p-value that a resampled difference, (resamples,), is no difference.

    Where all draws of a few sessions agree, that says little: by chance alone n sessions all lean
    to the same side in 2 of 2^n cases (the sign test), and the p-value is never below that.

    Args:
        differences: one for each draw.
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
