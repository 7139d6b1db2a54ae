"""Is the model worth it? The leaderboard in one or two sentences.

Two things make a figure uncertain. The sessions of the split are a sample: the bootstrap's interval
says how far a difference depends on them. And a network is trained from one random seed: another
seed changes its figures, whatever the sessions. A difference is reported as significant only if its
interval excludes 0 and the difference is larger than the effect of a seed.
"""

from sbrcli.evaluation.leaderboard import Difference, Leaderboard

FEW_SESSIONS = 20
"""With fewer sessions, the bootstrap's intervals are too narrow to rely on."""

SEED_SHARE = 0.01
"""The assumed effect of another training seed on a figure, as a share of it, if several seeds have
not been trained to measure it."""

SIGNIFICANT = "significant at 5 % (sessions resampled; one training seed)"


def give_verdict(leaderboard: Leaderboard, model: str, blend: str = "") -> str:
    """Compare a model with the best of the others, and its blend with the best of all, in words.

    Args:
        leaderboard: at least two models besides the blend.
        model: one of them.
        blend: the blend of the model with another; it does not count among the others.
    """
    is_enough = leaderboard.sessions >= FEW_SESSIONS
    others = [row.model for row in leaderboard.rows if row.model not in (model, blend)]
    sentences = [_compare(leaderboard, model, others[0], is_enough)]
    if any(row.model == blend for row in leaderboard.rows):
        others = [row.model for row in leaderboard.rows if row.model != blend]
        sentences.append(_compare(leaderboard, blend, others[0], is_enough))
    verdict = ". ".join(sentences)
    if is_enough:
        return verdict
    number = leaderboard.sessions
    counted = "1 session is" if number == 1 else f"{number} sessions are"
    return f"{verdict}; but {counted} too few to rely on that"


def _compare(leaderboard: Leaderboard, model: str, other: str, is_enough: bool) -> str:
    found = leaderboard.difference(model, other)
    if not found.is_significant:
        return (
            f"no significant difference between {model} and {other} in {found.metric}: "
            f"{signed(found)}, 95 % interval {_bounds(found)}"
        )
    if is_below_a_seed(found):
        return (
            f"{model} and {other} are level in {found.metric}: {signed(found)}, 95 % interval "
            f"{_bounds(found)}, less than another training seed may change ({100 * SEED_SHARE:g} %)"
        )
    ending = f": {SIGNIFICANT}" if is_enough else ""
    if found.absolute > 0:
        return f"{model} beats {other}, the best of the others, {_by_how_much(found)}{ending}"
    # The other model's gain is a share of this model's figure.
    return f"{other} beats {model} {_by_how_much(leaderboard.difference(other, model))}{ending}"


def is_below_a_seed(found: Difference, seed_share: float = SEED_SHARE) -> bool:
    """Return whether a difference is smaller than the effect of another training seed.

    Args:
        found: the difference; it is not smaller if it has no share, because the other figure is 0.
        seed_share: the effect of a seed, as a share of the figure.
    """
    return found.share is not None and abs(found.share) < seed_share


def signed(found: Difference) -> str:
    """Write a difference with its sign, as in "+0.3 %", or as "+0.0012" if it has no share."""
    if found.share is None:
        return f"{found.absolute:+.4f}"
    return f"{round(100 * found.share, 1) + 0.0:+.1f} %"


def _by_how_much(found: Difference) -> str:
    if found.share is None:
        amount, bounds = f"{found.absolute:.4f} in {found.metric}", _bounds(found)
    else:
        amount, bounds = f"{100 * found.share:.1f} % of {found.metric}", _bounds(found)
    return f"by {amount}, 95 % interval {bounds}"


def _bounds(found: Difference) -> str:
    if found.interval is None:
        low, high = found.absolute_interval
        return f"{low:.4f} to {high:.4f}"
    low, high = found.interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"
