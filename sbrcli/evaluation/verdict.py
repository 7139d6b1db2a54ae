"""Is the model worth it? The leaderboard in one sentence."""

from sbrcli.evaluation.leaderboard import Difference, Leaderboard

FEW_SESSIONS = 20
"""Below so many sessions the bootstrap's intervals are too narrow to be relied on."""


def give_verdict(leaderboard: Leaderboard, model: str, blend: str = "") -> str:
    """Say how a model compares with the best of the others, and then how a blend with it does.

    Args:
        leaderboard: at least two models that are no blend.
        model: one of them.
        blend: a blend of the model with another, with which it is not compared first.
    """
    others = [row.model for row in leaderboard.standings if row.model not in (model, blend)]
    sentences = [_compare(leaderboard, model, others[0])]
    if any(row.model == blend for row in leaderboard.standings):
        rivals = [row.model for row in leaderboard.standings if row.model != blend]
        sentences.append(_compare(leaderboard, blend, rivals[0]))
    verdict = "; ".join(sentences)
    if leaderboard.sessions < FEW_SESSIONS:
        verdict += f"; but {leaderboard.sessions} sessions are too few to rely on that"
    return verdict


def _compare(leaderboard: Leaderboard, model: str, rival: str) -> str:
    found = leaderboard.difference(model, rival)
    if not found.is_real:
        return f"{model} can not be told from {rival} by {found.metric}: " + _told(found)
    if found.absolute > 0:
        return f"{model} beats {rival}, the best of the others, {_by_how_much(found)}"
    # What the rival gains is a share of the model's own figure.
    return f"{rival} beats {model} {_by_how_much(leaderboard.difference(rival, model))}"


def _by_how_much(found: Difference) -> str:
    if found.share is None:
        amount, bounds = f"{found.absolute:.4f} in {found.metric}", _bounds(found)
    else:
        amount, bounds = f"{100 * found.share:.1f} % of {found.metric}", _bounds(found)
    return f"by {amount}, 95 % interval {bounds}: the difference is real"


def _told(found: Difference) -> str:
    if found.share is None:
        return f"a difference of {found.absolute:.4f}, 95 % interval {_bounds(found)}"
    return f"a difference of {100 * found.share:.1f} %, 95 % interval {_bounds(found)}"


def _bounds(found: Difference) -> str:
    if found.interval is None:
        low, high = found.absolute_interval
        return f"{low:.4f} to {high:.4f}"
    low, high = found.interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"
