"""One model on one split: the ranks of the targets, and what the model recommends."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import ConfigError
from sbrcli.evaluation.notebook_events import NOTEBOOK_LANES, notebook_targets
from sbrcli.evaluation.ranks import Ranks, rank_targets
from sbrcli.evaluation.top_lists import TopLists
from sbrcli.log.columns.times import format_time
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SplitRanks:
    """One model's ranks of the covered targets of a split.

    Args:
        model: its name.
        num_items: the number of candidates.
        ranks: those of the covered targets that the model knows.
        recommended: (num_items,) how often each item was in a top list; None if not counted.
        events_per_second: targets scored and ranked per second, covered or not.
    """

    model: str
    num_items: int
    ranks: Ranks
    recommended: IntArray | None
    events_per_second: float


def rank_split(
    model: str,
    scorer: Scorer,
    sessions: Sessions,
    config: EvaluateConfig,
    *,
    with_lists: bool = False,
    advance: Advance = ignore_progress,
) -> SplitRanks:
    """Rank every target of a split by the scores of a model.

    Args:
        model: its name.
        scorer: the model.
        sessions: the split; items that the scorer does not know are allowed.
        config: which targets are covered, and whether seen items are candidates.
        with_lists: count the items of the top lists, of the length of the greatest k.
        advance: called with the number of targets just ranked.

    Raises:
        ConfigError, DataError: as `coverage_of` does.
    """
    covered, _ = coverage_of(sessions, config)
    lists = TopLists(scorer.num_items, max(config.ks)) if with_lists else None
    begun = perf_counter()
    ranks = rank_targets(
        scorer,
        sessions,
        exclude_seen=config.exclude_seen,
        advance=advance,
        on_block=lists.add_block if lists else None,
    )
    seconds = perf_counter() - begun - (lists.seconds if lists else 0)
    return SplitRanks(
        model=model,
        num_items=scorer.num_items,
        ranks=ranks.only(covered[ranks.positions]),
        recommended=lists.counts if lists else None,
        events_per_second=len(ranks.ranks) / seconds,
    )


def coverage_of(sessions: Sessions, config: EvaluateConfig) -> tuple[BoolArray, str]:
    """Return the mask of the covered targets, (events,), and a description of it.

    Raises:
        ConfigError: notebook_coverage is requested for a split other than by date.
        DataError: there are fewer sessions than the notebook's loader needs.
    """
    if not config.notebook_coverage:
        return sessions.target_mask, _covered_in_words(sessions)
    if sessions.targets is not None:
        raise ConfigError(
            "notebook-coverage requires a split by date; of this dataset "
            f"{_covered_in_words(sessions)} is scored",
            hint="leave --notebook-coverage out",
        )
    covered, steps = notebook_targets(sessions)
    return covered, f"the source notebook's: {steps} steps of its {NOTEBOOK_LANES} lanes"


def _covered_in_words(sessions: Sessions) -> str:
    if sessions.targets is None:
        return "every next item of every session"
    ends = sessions.offsets[1:] - 1
    if sessions.targets[ends].all() and sessions.num_targets == len(ends):
        return "the last event of every session"
    since = sessions.timestamps[sessions.targets].min()
    return f"every next item from {format_time(since.item())} on"


def session_of(sessions: Sessions, positions: IntArray) -> IntArray:
    """Return the number of the session that contains each position, from 0."""
    return np.searchsorted(sessions.offsets, positions, side="right") - 1
