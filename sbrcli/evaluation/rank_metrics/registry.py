"""The metrics: a new one is a module with `values`, and one line here.

Evaluations that were stored before a metric was added lack it; tables leave its cells empty.
"""

METRICS = {
    "recall": "sbrcli.evaluation.rank_metrics.recall",
    "mrr": "sbrcli.evaluation.rank_metrics.mrr",
    "ndcg": "sbrcli.evaluation.rank_metrics.ndcg",
}
"""The module of each metric, in the order of tables; modules are imported when they are used."""

LEADING = "mrr"
"""The default metric by which models are ranked and runs are compared."""
