"""One model's figures on one split, with the protocol that they were got by."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

from sbrcli.config import EvaluateConfig
from sbrcli.dataset.storage import Sessions
from sbrcli.errors import DataError
from sbrcli.evaluation.coverage import NOTEBOOK_LANES, all_next_items, notebook_next_items
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import MISS, Ranks, rank_targets
from sbrcli.log.times import format_time
from sbrcli.models.scorer import Scorer

TIE_RULE = "ties count against the next item"


@dataclass(frozen=True, slots=True)
class Protocol:
    """What was scored, among what, and by which rules."""

    dataset: str
    events: int
    """Next items scored."""

    sessions: int
    """Sessions with a next item scored."""

    unknown_events: int
    """Next items left out, as the run does not know them (or anything that stands before them)."""

    seen_targets: int
    """Scored next items that their session already held; misses with `exclude_seen`."""

    candidates: int
    """Items that each next item is ranked among, seen ones included."""

    exclude_seen: bool
    tie_rule: str
    tie_share: float
    """Share of scored next items whose score another candidate has too."""

    coverage: str
    first_time: str
    last_time: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `sbr evaluate` reports."""

    run: str
    split: str
    metrics: dict[str, float]
    metrics_unknown_as_miss: dict[str, float]
    """The same with every unknown next item counted as a miss."""

    protocol: Protocol
    events_per_second: float


def evaluate(
    scorer: Scorer,
    sessions: Sessions,
    config: EvaluateConfig,
    *,
    run: str,
    dataset: str,
    advance: Callable[[int], None] | None = None,
) -> Evaluation:
    """Rank the next items of a split and sum up.

    Args:
        scorer: the model.
        sessions: the split; items that the scorer does not know are allowed.
        config: what to score, and the k of the metrics.
        run: the model's name, for the report.
        dataset: the dataset's name, for the report.
        advance: told how many next items were just ranked.

    Raises:
        DataError: nothing can be scored.
    """
    covered, coverage = _coverage(sessions, config)
    begun = perf_counter()
    ranks = rank_targets(scorer, sessions, exclude_seen=config.exclude_seen, advance=advance)
    events_per_second = len(ranks.ranks) / (perf_counter() - begun)
    ranks = ranks.only(covered[ranks.positions])
    if not len(ranks.ranks):
        raise DataError(
            f"the run knows no next item of the {config.split} split",
            hint="prepare the dataset with fewer --test-days or --valid-days",
        )
    unknown = int(covered.sum()) - len(ranks.ranks)
    with_misses = np.concatenate((ranks.ranks, np.full(unknown, MISS)))
    return Evaluation(
        run=run,
        split=config.split,
        metrics=metrics_at(ranks.ranks, config.ks),
        metrics_unknown_as_miss=metrics_at(with_misses, config.ks),
        protocol=Protocol(
            dataset=dataset,
            events=len(ranks.ranks),
            sessions=_count_sessions(sessions, ranks),
            unknown_events=unknown,
            seen_targets=int(ranks.seen.sum()),
            candidates=scorer.num_items,
            exclude_seen=config.exclude_seen,
            tie_rule=TIE_RULE,
            tie_share=float(ranks.tied.mean()),
            coverage=coverage,
            first_time=format_time(sessions.timestamps.min().item()),
            last_time=format_time(sessions.timestamps.max().item()),
        ),
        events_per_second=events_per_second,
    )


def _coverage(sessions: Sessions, config: EvaluateConfig) -> tuple[npt.NDArray[np.bool_], str]:
    if not config.notebook_coverage:
        return all_next_items(sessions), "every next item of every session"
    covered, steps = notebook_next_items(sessions)
    return covered, f"the source notebook's: {steps} steps of its {NOTEBOOK_LANES} lanes"


def _count_sessions(sessions: Sessions, ranks: Ranks) -> int:
    return len(np.unique(np.searchsorted(sessions.offsets, ranks.positions, side="right")))
