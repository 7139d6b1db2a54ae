"""The figures that training watches after each epoch."""

from sbrcli.dataset.storage import Sessions
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.scorer import Scorer


def validate(scorer: Scorer, sessions: Sessions) -> dict[str, float]:
    """Give recall, mrr and ndcg at 20 over the next items that the valid split asks for."""
    return metrics_at(rank_targets(scorer, sessions).ranks, [20])
