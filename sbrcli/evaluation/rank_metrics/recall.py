"""Recall at k, which equals the hit rate, as each target is the only relevant item."""

import numpy as np

from sbrcli.arrays import FloatArray, IntArray


def values(ranks: IntArray, k: int) -> FloatArray:
    """Return 1 for a target ranked k or better, else 0; ranks (events,) from 1."""
    return (ranks <= k).astype(np.float64)
