"""Choose the k items to recommend from rows of scores: seen items, rules, and the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.config.recommendation import RecommendConfig
from sbrcli.models.top_items import top_items
from sbrcli.workflow.recommendation import Shortage
from sbrcli.workflow.rules import Rules

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

_MORE = 4
"""Where groups are limited, so many times k items are looked at first."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items chosen for each of some sessions, best first.

    Args:
        cuts: (rows + 1,); row r has `items[cuts[r]:cuts[r + 1]]`.
        items: item indices.
        scores: their scores.
        removed: of each row, how many candidates each rule removed; None without rules.
    """

    cuts: IntArray
    items: IntArray
    scores: FloatArray
    removed: list[dict[str, int]] | None

    def of_row(self, row: int) -> tuple[list[int], list[float]]:
        """Return a row's items and scores."""
        own = slice(self.cuts[row], self.cuts[row + 1])
        return self.items[own].tolist(), self.scores[own].tolist()


def choose_items(
    scores: FloatArray, seen: Sequence[IntArray], config: RecommendConfig, rules: Rules
) -> Chosen:
    """Choose the k best candidates of each row; of equal scores, the lower index comes first.

    Args:
        scores: (rows, num_items), higher is better; changed.
        seen: of each row, the items of its session.
        config: k, and whether the session's own items are candidates.
        rules: what else is no candidate.
    """
    if not config.include_seen:
        row = np.repeat(np.arange(len(seen)), [len(items) for items in seen])
        scores[row, np.concatenate(seen) if len(row) else row] = -np.inf
    rules.remove_from(scores)
    removed = None
    if rules.are_given:
        distinct = [None if config.include_seen else np.unique(items) for items in seen]
        removed = [rules.count_removed(items) for items in distinct]
    if rules.caps and removed is not None:
        cuts, items = _top_within_caps(scores, config.k, rules, removed)
    else:
        cuts, items = top_items(scores, config.k)
    row = np.repeat(np.arange(len(scores)), np.diff(cuts))
    return Chosen(cuts, items, scores[row, items], removed)


def why_short(count: int, num_seen: int, config: RecommendConfig, rules: Rules) -> Shortage | None:
    """Return why fewer than k items were chosen; None if they are k.

    Args:
        count: how many were chosen.
        num_seen: how many different items the session has.
        config: k, and whether these are candidates.
        rules: which were applied.
    """
    if count >= config.k:
        return None
    there = rules.num_items - (0 if config.include_seen else num_seen)
    return "items" if there < config.k else "rules"


def _top_within_caps(
    scores: FloatArray, k: int, rules: Rules, removed: list[dict[str, int]]
) -> tuple[IntArray, IntArray]:
    """Choose as `top_items`, with the groups limited; add to `removed` what the limits cost."""
    at_first = min(_MORE * k, scores.shape[1])
    cuts, best = top_items(scores, at_first)
    chosen = []
    for row, counts in enumerate(removed):
        own, depth = best[cuts[row] : cuts[row + 1]].tolist(), at_first
        while True:
            skipped = {cap.name: 0 for cap in rules.caps}
            kept = rules.choose_within_caps(own, k, skipped)
            if len(kept) == k or len(own) < depth or depth >= scores.shape[1]:
                break
            depth = min(_MORE * depth, scores.shape[1])
            own = top_items(scores[row : row + 1], depth)[1].tolist()
        counts.update(skipped)
        chosen.append(kept)
    lengths = np.cumsum([0, *map(len, chosen)])
    return lengths, np.array([item for kept in chosen for item in kept], np.int64)
