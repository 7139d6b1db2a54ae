"""The reciprocal rank at k, whose mean is MRR."""

import numpy as np

from sbrcli.arrays import FloatArray, IntArray


def values(ranks: IntArray, k: int) -> FloatArray:
    """Return 1 / rank, and 0 beyond k; ranks (events,) from 1."""
    return np.where(ranks <= k, 1.0 / ranks, 0.0)
