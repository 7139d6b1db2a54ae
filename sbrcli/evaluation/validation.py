"""The figures that training watches after each epoch."""

from collections.abc import Callable

from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions


def validate(
    scorer: Scorer, sessions: Sessions, advance: Callable[[int], None] | None = None
) -> dict[str, float]:
    """Return recall, mrr and ndcg at 20 over the next items that the valid split asks for.

    Args:
        scorer: any model.
        sessions: the valid split.
        advance: told how many next items were just ranked.
    """
    return metrics_at(rank_targets(scorer, sessions, advance=advance).ranks, [20])
