"""Whether a model answers the session at hand, or every session alike, as popularity does."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.evaluation.top_lists import top_list
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions

LIST_LENGTH = 20
MIN_ITEMS = 10 * LIST_LENGTH
"""Of fewer items, any two top lists have many in common."""

MIN_LISTS = 100
_MAX_LISTS = 2_000

_MAX_POPULAR_SHARE = 0.2
"""Above this `popular_share`, a model is near popularity. On MovieLens and Diginetica, trained
models have .03 to .07, and models that have hardly learned .22 to .64."""

_MIN_DISTINCT_SHARE = 0.5
"""Below this `distinct_share` too; trained models have .96 and more."""


@dataclass(frozen=True, slots=True)
class ListVariety:
    """How a model's top lists, one for each target, differ from each other and from popularity's.

    `asdict` is `top_lists` in the JSON of `sbr train`.
    """

    lists: int
    distinct_share: float
    """Distinct lists as a share of all; the order within a list does not count."""

    coverage: float
    """Share of the items that stand in at least one list."""

    popular_share: float
    """Share of the listed items that are among the most popular, as many as a list holds."""

    @property
    def is_near_popularity(self) -> bool:
        """Whether the lists hardly depend on the session."""
        return self.popular_share > _MAX_POPULAR_SHARE or self.distinct_share < _MIN_DISTINCT_SHARE


def measure_variety(
    scorer: Scorer, sessions: Sessions, train_count: IntArray
) -> ListVariety | None:
    """Compare a model's top-20 lists for the targets of some sessions.

    Args:
        scorer: the model.
        sessions: the valid split; of a large one, some sessions are drawn.
        train_count: (num_items,) events of each item in training.

    Returns:
        None if there are too few items or targets to judge.
    """
    if scorer.num_items < MIN_ITEMS or sessions.num_targets < MIN_LISTS:
        return None
    is_popular = np.zeros(scorer.num_items, np.bool_)
    is_popular[np.argsort(-train_count, kind="stable")[:LIST_LENGTH]] = True
    counts = np.zeros(scorer.num_items, np.int64)
    distinct: set[bytes] = set()
    lists = 0

    def add_block(scores: Any, _excluded: Any) -> None:
        nonlocal lists
        for row in scores:
            items = top_list(row, LIST_LENGTH)
            counts[items] += 1
            distinct.add(items.tobytes())
        lists += len(scores)

    rank_targets(scorer, sessions.subsample(_MAX_LISTS), on_block=add_block)
    listed = max(1, int(counts.sum()))
    return ListVariety(
        lists=lists,
        distinct_share=len(distinct) / max(1, lists),
        coverage=float(np.count_nonzero(counts) / scorer.num_items),
        popular_share=float(counts[is_popular].sum() / listed),
    )
