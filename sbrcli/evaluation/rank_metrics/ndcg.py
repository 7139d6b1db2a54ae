"""Discounted cumulative gain at k; with one relevant item the ideal is 1, so it equals NDCG."""

import numpy as np

from sbrcli.arrays import FloatArray, IntArray


def values(ranks: IntArray, k: int) -> FloatArray:
    """Return 1 / log2(rank + 1), and 0 beyond k; ranks (events,) from 1."""
    # In floating point: the greatest integer plus one does not overflow.
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)
