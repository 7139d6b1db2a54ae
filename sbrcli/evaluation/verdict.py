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
    is_enough = leaderboard.sessions >= FEW_SESSIONS
    others = [row.model for row in leaderboard.standings if row.model not in (model, blend)]
    sentences = [_compare(leaderboard, model, others[0], is_enough)]
    if any(row.model == blend for row in leaderboard.standings):
        rivals = [row.model for row in leaderboard.standings if row.model != blend]
        sentences.append(_compare(leaderboard, blend, rivals[0], is_enough))
    if not is_enough:
        number = leaderboard.sessions
        counted = "1 session is" if number == 1 else f"{number} sessions are"
        sentences.append(f"but {counted} too few to rely on that")
    return "; ".join(sentences)


def _compare(leaderboard: Leaderboard, model: str, rival: str, is_enough: bool) -> str:
    found = leaderboard.difference(model, rival)
    if not found.is_real:
        return f"{model} can not be told from {rival} by {found.metric}: " + _told(found)
    is_real = ": the difference is real" if is_enough else ""
    if found.absolute > 0:
        return f"{model} beats {rival}, the best of the others, {_by_how_much(found)}{is_real}"
    # What the rival gains is a share of the model's own figure.
    return f"{rival} beats {model} {_by_how_much(leaderboard.difference(rival, model))}{is_real}"


def _by_how_much(found: Difference) -> str:
    if found.share is None:
        amount, bounds = f"{found.absolute:.4f} in {found.metric}", _bounds(found)
    else:
        amount, bounds = f"{100 * found.share:.1f} % of {found.metric}", _bounds(found)
    return f"by {amount}, 95 % interval {bounds}"


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
