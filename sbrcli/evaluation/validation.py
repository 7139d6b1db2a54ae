"""The metrics that training monitors after each epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.rank_metrics.registry import MONITORED_K
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the valid split that one of several processes ranks."""

    process: int
    """The number of the process, from 0."""

    num_processes: int

    merge: Callable[[IntArray], IntArray]
    """Called by all processes at once, each with an array that is 0 but for its own numbers;
    returns the numbers of all."""

    def choose(self, sessions: Sessions) -> BoolArray:
        """Return which sessions are this process's, (sessions,).

        With two processes, the longest session is the first one's, the next two are the second
        one's, the next two the first one's, and so on, so that both rank about as many events.
        """
        order = np.argsort(-np.diff(sessions.offsets), kind="stable")
        turn = np.arange(len(order)) % (2 * self.num_processes)
        chosen = np.empty(len(order), np.bool_)
        chosen[order] = np.minimum(turn, 2 * self.num_processes - 1 - turn) == self.process
        return chosen


def validate(
    scorer: Scorer,
    sessions: Sessions,
    advance: Advance = ignore_progress,
    part: Part | None = None,
) -> dict[str, float]:
    """Return every metric at 20 over the targets of the valid split.

    Args:
        scorer: any model.
        sessions: the valid split.
        advance: called with the number of targets just ranked.
        part: what this process ranks, if several divide the sessions: all of them call this at
            once, with the same model, and get the metrics of all targets.
    """
    if part is None:
        ranks = rank_targets(scorer, sessions, advance=advance).ranks
    else:
        ranks = _ranks_of_all(scorer, sessions, advance, part)
    return metrics_at(ranks, [MONITORED_K])


def _ranks_of_all(scorer: Scorer, sessions: Sessions, advance: Advance, part: Part) -> IntArray:
    """Rank the part's targets; return the ranks of all targets, in the order of their events."""
    chosen = part.choose(sessions)
    found = rank_targets(scorer, sessions.only(chosen), advance=advance)
    events = np.flatnonzero(np.repeat(chosen, np.diff(sessions.offsets)))
    ranks = np.zeros(len(sessions.item_indices), np.int32)  # at most the number of items
    ranks[events[found.positions]] = found.ranks
    ranks = part.merge(ranks)
    return ranks[ranks > 0].astype(np.int64)
