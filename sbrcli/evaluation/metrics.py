"""Metrics at k: means over the targets, computed from their ranks alone."""

from collections.abc import Iterable, Iterator
from importlib import import_module

import numpy as np

from sbrcli.arrays import FloatArray, IntArray
from sbrcli.evaluation.rank_metrics.registry import METRICS

ALWAYS_STORED = ("recall", "mrr", "ndcg")
"""The metrics that every version of sbr has stored; earlier versions lack the others."""


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


def metric_values(metric: str, ranks: IntArray, k: int) -> FloatArray:
    """Return a metric's value for each target, (events,); `ranks` (events,) count from 1."""
    return import_module(METRICS[metric]).values(ranks, k)


def metric_at(metric: str, ranks: IntArray, k: int) -> float:
    """Return the mean of a metric's values; 0 if there are no ranks."""
    return _mean(metric_values(metric, ranks, k))


def values_at(ranks: IntArray, ks: Iterable[int]) -> Iterator[tuple[str, FloatArray]]:
    """Yield the values, (events,), of each metric; `metrics_at` returns their means."""
    for k in ks:
        for metric in METRICS:
            yield f"{metric}@{k}", metric_values(metric, ranks, k)


def metrics_at(ranks: IntArray, ks: Iterable[int]) -> dict[str, float]:
    """Return every metric at every k, named as in `recall@20`; all 0 if there are no ranks."""
    return {name: _mean(values) for name, values in values_at(ranks, ks)}


def _mean(values: FloatArray) -> float:
    # Sorted, so that the order of the events does not change even the last bit.
    return float(np.sort(values).mean()) if len(values) else 0.0
