"""Paired comparison of runs: the difference of each to the first, on the same targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sbrcli.evaluation.confidence import resample_means, session_sums
from sbrcli.evaluation.leaderboard import Difference, difference_of
from sbrcli.evaluation.metrics import metrics_at, values_at
from sbrcli.evaluation.stored_ranks import StoredRanks
from sbrcli.evaluation.verdict import FEW_SESSIONS, is_below_a_seed


@dataclass(frozen=True, slots=True)
class RunDifference:
    """The difference of a run to the first run of its protocol, `difference.model`."""

    protocol: int
    run: str
    difference: Difference
    finding: str


def find_differences(
    protocol: int, stored: Mapping[str, StoredRanks], metric: str, share_of_a_seed: float
) -> list[RunDifference]:
    """Compare runs with the first one, by the paired bootstrap over sessions.

    Args:
        protocol: the number of the protocol by which they were evaluated.
        stored: the ranks of the same targets, by the run's name.
        metric: the metric to compare, such as "mrr@20".
        share_of_a_seed: how far another training seed moves a figure, as a share of it.
    """
    if len(stored) < 2:
        return []
    k = int(metric.partition("@")[2])
    first, *others = stored
    values = [dict(values_at(ranks.ranks, [k]))[metric] for ranks in stored.values()]
    sums = session_sums(stored[first].session, values)
    draws = resample_means(sums)
    figures = [metrics_at(ranks.ranks, [k])[metric] for ranks in stored.values()]
    found = []
    for place, run in enumerate(others, start=1):
        difference = difference_of(
            (first, metric),
            (figures[place], draws[:, place]),
            (figures[0], draws[:, 0]),
            len(sums),
        )
        finding = describe_finding(difference, len(sums), share_of_a_seed)
        found.append(RunDifference(protocol, run, difference, finding))
    return found


def describe_finding(found: Difference, sessions: int, share_of_a_seed: float) -> str:
    """Return in words whether the difference of two runs is significant."""
    if sessions < FEW_SESSIONS:
        return "too few sessions"
    if not found.is_significant:
        return "not significant"
    if is_below_a_seed(found, share_of_a_seed):
        return f"level: below {100 * share_of_a_seed:.1f} %, which a seed may change"
    return "significant at 5 %"


def same_targets(stored: Sequence[tuple[str, StoredRanks | None]]) -> dict[str, StoredRanks]:
    """Return the ranks of the runs that have the same targets as the first one."""
    known = [(run, ranks) for run, ranks in stored if ranks is not None]
    return {run: ranks for run, ranks in known if ranks.positions == known[0][1].positions}
