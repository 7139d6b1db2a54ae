"""Recall, MRR and NDCG at k: means over next items, made of their ranks alone.

A next item is the one right answer among the candidates, so recall at k is the hit rate, and the
ideal DCG is 1.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


def recall_at_k(ranks: IntArray, k: int) -> float:
    """Return the share of next items ranked k or better; ranks (events,) from 1."""
    return _mean(_hits(ranks, k))


def mrr_at_k(ranks: IntArray, k: int) -> float:
    """Return the mean of 1 / rank, 0 beyond k; ranks (events,) from 1."""
    return _mean(_reciprocal_ranks(ranks, k))


def ndcg_at_k(ranks: IntArray, k: int) -> float:
    """Return the mean of 1 / log2(rank + 1), 0 beyond k; ranks (events,) from 1."""
    return _mean(_discounted_gains(ranks, k))


METRICS = {"recall": recall_at_k, "mrr": mrr_at_k, "ndcg": ndcg_at_k}

ALWAYS_KEPT = ("recall", "mrr", "ndcg")
"""The metrics that every version of sbr has kept of an evaluation; a run that was evaluated by an
earlier version lacks the others."""


def is_known(name: str) -> bool:
    """Return whether this version of sbr knows a metric, named as in `recall@20`."""
    metric, _, k = name.partition("@")
    return metric in METRICS and k.isdecimal()


def find_wide_cuts(ks: Iterable[int], candidates: int) -> Iterator[str]:
    """Yield a warning if some k is not below the number of candidates, where recall is always 1."""
    wide = [str(k) for k in ks if k >= candidates]
    if wide:
        remedy = f": choose a K below {candidates:,} (sbr evaluate -k)" if candidates > 1 else ""
        yield (
            f"the number of candidates is {candidates:,}, so recall is 1 by construction at k = "
            f"{', '.join(wide)}, whatever the model{remedy}"
        )


def metrics_at(ranks: IntArray, ks: Iterable[int]) -> dict[str, float]:
    """Return every metric at every k, named as in `recall@20`; all 0 where there are no ranks."""
    return {f"{name}@{k}": metric(ranks, k) for k in ks for name, metric in METRICS.items()}


def values_at(ranks: IntArray, ks: Iterable[int]) -> Iterator[tuple[str, FloatArray]]:
    """Yield every metric's values, (events,), of which `metrics_at` gives the means."""
    for k in ks:
        yield f"recall@{k}", _hits(ranks, k)
        yield f"mrr@{k}", _reciprocal_ranks(ranks, k)
        yield f"ndcg@{k}", _discounted_gains(ranks, k)


def _hits(ranks: IntArray, k: int) -> FloatArray:
    return (ranks <= k).astype(np.float64)


def _reciprocal_ranks(ranks: IntArray, k: int) -> FloatArray:
    return np.where(ranks <= k, 1.0 / ranks, 0.0)


def _discounted_gains(ranks: IntArray, k: int) -> FloatArray:
    # In floating point, where one more than the greatest integer does not overflow.
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)


def _mean(values: FloatArray) -> float:
    # Sorted, so that the order of the events does not change even the last bit.
    return float(np.sort(values).mean()) if len(values) else 0.0
