"""The search for the weights of a blend: one member after the other, by mrr@20.

A member's weight is tried from 0 to 1, while the others keep their proportions. The search begins
with equal weights and ends when no member's weight gains. Each model alone is among what is tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.confidence import resample_means, session_sums
from sbrcli.evaluation.metrics import metric_at, metric_values
from sbrcli.evaluation.ranks import rank_rows
from sbrcli.evaluation.scoring import session_of
from sbrcli.models.blend.members import Member, score_apart, weighted_mean
from sbrcli.reporter import Reporter
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
Weights = tuple[float, ...]

K = 20
STEPS = tuple(tenth / 10 for tenth in range(11))
"""The weights of a member that are tried."""

_MAX_ROUNDS = 5
_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Tried:
    """Weights that were tried, and the ranks of the targets, in the order of the events."""

    weights: Weights
    ranks: IntArray
    mrr: float


Judge = Callable[[Sequence[Weights]], list[Tried]]
"""Tries several weights at once."""


def equal_weights(count: int) -> Weights:
    """Return the same weight for each of some members."""
    return (1 / count,) * count


def search_weights(count: int, judge: Judge) -> dict[Weights, Tried]:
    """Search for the best weights of some members.

    Args:
        count: how many members there are.
        judge: tries weights.

    Returns:
        All weights that were tried, those of the first place being equal.
    """
    best = equal_weights(count)
    tried = {best: judge([best])[0]}
    for _ in range(_MAX_ROUNDS):
        before = best
        for member in range(count):
            moved = [_move(best, member, step) for step in STEPS]
            new = [weights for weights in dict.fromkeys(moved) if weights not in tried]
            tried |= {found.weights: found for found in (judge(new) if new else ())}
            best = max([best, *moved], key=lambda weights: tried[weights].mrr)
        if best == before:
            break
    return tried


def _move(weights: Weights, member: int, weight: float) -> Weights:
    """Return weights in which a member has the one given.

    The others keep their proportions, or are equal if all are 0.
    """
    others = [0.0 if place == member else own for place, own in enumerate(weights)]
    total = sum(others)
    if not total:
        others = [float(place != member) for place in range(len(weights))]
        total = sum(others)
    found = [own / total * (1 - weight) for own in others]
    found[member] = weight
    return tuple(round(own, 6) for own in found)


def make_judge(members: Sequence[Member], sessions: Sessions, reporter: Reporter) -> Judge:
    """Return what ranks the targets of sessions with several weights, in one pass.

    Args:
        members: the models.
        sessions: every item known.
        reporter: receives the number of targets scored, pass by pass.
    """
    targets = np.flatnonzero(sessions.target_mask)

    def judge(tried: Sequence[Weights]) -> list[Tried]:
        ranks = np.zeros((len(tried), len(targets)), np.int64)
        with reporter.progress(len(targets), "events", "blend") as advance:
            for positions, apart in score_apart(members, sessions):
                places = np.searchsorted(targets, positions + 1)
                following = sessions.item_indices[positions + 1]
                for own, weights in zip(ranks, tried, strict=True):
                    own[places] = rank_rows(weighted_mean(apart, weights), following)[0]
                advance(len(positions))
        return [
            Tried(weights, own, metric_at("mrr", own, K))
            for weights, own in zip(tried, ranks, strict=True)
        ]

    return judge


def standard_error(sessions: Sessions, found: Tried, other: Tried) -> float | None:
    """Return the standard error of a difference in mrr@20, by resampling sessions.

    None with a single session, which leaves it unknown.
    """
    session = session_of(sessions, np.flatnonzero(sessions.target_mask))
    values = [metric_values("mrr", one.ranks, K) for one in (found, other)]
    sums = session_sums(session, values)
    if len(sums) < 2:
        return None
    means = resample_means(sums, _RESAMPLES)
    return float((means[:, 0] - means[:, 1]).std(ddof=1))
