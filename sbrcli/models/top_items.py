"""The best items of rows of scores, for many rows at a time."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

# The k-th best of the bests of groups bounds the k-th best of all. Groups are made of so many
# items, then of so many groups, as long as at least `_ENOUGH * k` are left, which leaves few other
# items that reach the bound.
_GROUP, _FEW_ITEMS = 64, 2**14
_GROUP_OF_FEW = 4
_ENOUGH = 2


def top_items(scores: FloatArray, k: int) -> tuple[IntArray, IntArray]:
    """Choose the k best items of each row; of equal scores, the lower index comes first.

    Args:
        scores: (rows, num_items), higher is better; -inf is no candidate.
        k: at least 1.

    Returns:
        (rows + 1,) cuts and (cuts[-1],) item indices: row r has `items[cuts[r]:cuts[r + 1]]`, best
        first; fewer than k if it has fewer candidates.
    """
    rows, num_items = scores.shape
    # At or above the bound are the k best, whoever ties with the k-th, and few others.
    is_near = scores >= _lower_bounds(scores, k)[:, None]
    row, item = np.divmod(np.flatnonzero(is_near), num_items)
    own = scores[row, item]
    order = np.lexsort((-own, row))  # stable: of equals, the lower index stays first
    order = order[own[order] > -np.inf]
    row, item = row[order], item[order]
    counts = np.bincount(row, minlength=rows)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.concatenate(([0], np.cumsum(np.minimum(counts, k)))), item[place < k]


def _lower_bounds(scores: FloatArray, k: int) -> FloatArray:
    """Return for each row a score that at least k items have or exceed: (rows,).

    -inf if there are no more than k items.
    """
    rows, num_items = scores.shape
    if num_items <= k:
        return np.full(rows, -np.inf, scores.dtype)
    size, bests = _GROUP_OF_FEW if num_items <= _FEW_ITEMS else _GROUP, scores
    while bests.shape[1] // size >= _ENOUGH * k:
        groups = bests.shape[1] // size
        # Neighbours in memory are of different groups, so that whole rows are compared.
        bests = bests[:, : size * groups].reshape(rows, size, groups).max(axis=1)
    place = bests.shape[1] - k
    return np.partition(bests, place, axis=1)[:, place]
