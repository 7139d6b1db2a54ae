"""The discounted cumulative gain at k; with one right answer the ideal is 1, so it is NDCG."""

import numpy as np

from sbrcli.arrays import FloatArray, IntArray


def values(ranks: IntArray, k: int) -> FloatArray:
    """Return 1 / log2(rank + 1), and 0 beyond k; ranks (events,) from 1."""
    # In floating point, where one more than the greatest integer does not overflow.
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)
