"""The metrics that training monitors after each epoch."""

from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.rank_metrics.registry import MONITORED_K
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions


def validate(
    scorer: Scorer, sessions: Sessions, advance: Advance = ignore_progress
) -> dict[str, float]:
    """Return every metric at 20 over the targets of the valid split.

    Args:
        scorer: any model.
        sessions: the valid split.
        advance: called with the number of targets just ranked.
    """
    return metrics_at(rank_targets(scorer, sessions, advance=advance).ranks, [MONITORED_K])
