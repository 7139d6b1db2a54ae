"""Recall, MRR and NDCG at k: means over next items, made of their ranks alone.

A next item is the one right answer among the candidates, so recall at k is the hit rate, and the
ideal DCG is 1.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]


def recall_at_k(ranks: IntArray, k: int) -> float:
    """Give the share of next items ranked k or better; ranks (events,) from 1."""
    return _mean(ranks <= k)


def mrr_at_k(ranks: IntArray, k: int) -> float:
    """Give the mean of 1 / rank, 0 beyond k; ranks (events,) from 1."""
    return _mean(np.where(ranks <= k, 1.0 / ranks, 0.0))


def ndcg_at_k(ranks: IntArray, k: int) -> float:
    """Give the mean of 1 / log2(rank + 1), 0 beyond k; ranks (events,) from 1."""
    # In floating point, where one more than the greatest integer does not overflow.
    return _mean(np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0))


METRICS = {"recall": recall_at_k, "mrr": mrr_at_k, "ndcg": ndcg_at_k}


def metrics_at(ranks: IntArray, ks: Iterable[int]) -> dict[str, float]:
    """Give every metric at every k, named as in `recall@20`; all 0 where there are no ranks."""
    return {f"{name}@{k}": metric(ranks, k) for k in ks for name, metric in METRICS.items()}


def _mean(values: npt.NDArray[np.generic]) -> float:
    # Sorted, so that the order of the events does not change even the last bit.
    return float(np.sort(values).mean()) if len(values) else 0.0
