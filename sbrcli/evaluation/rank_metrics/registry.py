"""The metrics: a new one is a module with `values`, and one line here.

Evaluations that were stored before a metric was added lack it; tables leave its cells empty.
"""

from sbrcli.errors import OptionError

METRICS = {
    "recall": "sbrcli.evaluation.rank_metrics.recall",
    "mrr": "sbrcli.evaluation.rank_metrics.mrr",
    "ndcg": "sbrcli.evaluation.rank_metrics.ndcg",
}
"""The module of each metric, in the order of tables; modules are imported when they are used."""

LEADING = "mrr"
"""The default metric by which models are ranked and runs are compared."""

MONITORED_K = 20
"""Training validates each epoch by every metric at this k."""


def monitored_metrics() -> tuple[str, ...]:
    """Return the metrics that training validates by, the default one first."""
    names = sorted(METRICS, key=lambda metric: metric != LEADING)
    return tuple(f"{metric}@{MONITORED_K}" for metric in names)


def require_monitored(name: str) -> None:
    """Check that training can select its best epoch by a metric.

    Raises:
        OptionError: it is no metric, or one at another k.
    """
    names = monitored_metrics()
    if name not in names:
        raise OptionError(f"monitor must be one of {', '.join(names)}. Received: {name}")
