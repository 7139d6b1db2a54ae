"""The figures that training watches after each epoch."""

from sbrcli.dataset.storage import Sessions
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.scorer import Scorer

WATCHED = ("recall@20", "mrr@20")


def validate(scorer: Scorer, sessions: Sessions) -> dict[str, float]:
    """Give recall@20 and mrr@20 over every next item of the valid split."""
    metrics = metrics_at(rank_targets(scorer, sessions).ranks, [20])
    return {name: metrics[name] for name in WATCHED}
