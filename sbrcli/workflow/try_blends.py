"""Try the blends of a run with one partner on the valid split."""

from typing import Any

from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.repeat_ranks import DEPTH, RepeatRanks, SeenItems
from sbrcli.evaluation.term_search import TermSearch
from sbrcli.models.blend.blend import Partner, blend, score_both
from sbrcli.models.blend.repeats import NO_TERMS
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance

WEIGHTS = tuple(tenth / 10 for tenth in range(11))
"""The weights of the partner that are tried; 0 is the run alone, 1 the partner alone."""


def try_weights(
    name: str,
    network: Scorer,
    partner: Partner,
    search: TermSearch,
    scale: float,
    advance: Advance,
) -> list[dict[str, Any]]:
    """Try a partner with all weights; the search tries terms for repeats with each of them.

    Args:
        name: the partner's name.
        network: the run's model.
        partner: the partner, fitted.
        search: takes what was tried; it holds the sessions.
        scale: of the network's scores.
        advance: called with the number of targets just scored.

    Returns:
        Of each weight the metrics without terms for repeats, and the best such terms.
    """
    found: dict[float, list[RepeatRanks]] = {weight: [] for weight in WEIGHTS}
    for positions, scores, rows in score_both(network, partner, search.sessions):
        seen = SeenItems.before(search.sessions, positions, scores.shape[1])
        for weight, parts in found.items():
            parts.append(RepeatRanks.gather(blend(scores, rows, weight, scale), seen))
        advance(len(positions))
    trials = []
    for weight, parts in found.items():
        ranks = RepeatRanks.join(parts)
        best = search.add(name, weight, ranks)
        trials.append(
            {
                "partner": name,
                "weight": weight,
                "metrics": metrics_at(ranks.ranks(NO_TERMS), [DEPTH]),
                "last": best.repeats.last,
                "earlier": best.repeats.earlier,
                "mrr@20": best.mrr,
            }
        )
    return trials
