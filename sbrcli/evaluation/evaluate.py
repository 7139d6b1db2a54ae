"""One model's figures on one split, with the protocol that they were got by."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.dataset.timeline import Timeline
from sbrcli.errors import DataError
from sbrcli.evaluation.leaderboard import LeaderboardRow
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import MISS
from sbrcli.evaluation.scoring import SplitRanks, coverage_of, session_of
from sbrcli.evaluation.slices import Slice
from sbrcli.log.columns.times import format_time
from sbrcli.sessions import Sessions

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
    """Next items left out, as the run does not know them."""

    unreachable_events: int
    """Known next items left out, as the run knows nothing that stands before them."""

    seen_targets: int
    """Scored next items that their session already held; misses with `exclude_seen`."""

    candidates: int
    """Items that each next item is ranked among, seen ones included."""

    exclude_seen: bool
    tie_rule: str
    tie_share: float
    """Share of scored next items whose score another candidate has too."""

    coverage: str
    first_time: str | None
    """None, as `last_time`, if the log was read without times."""

    last_time: str | None
    train_last_time: str | None = None
    """Time of the last event that the run learned from; None if that is not known."""

    first_target_time: str | None = None
    targets_after_train: float | None = None
    """Share of the split's targets that are later than the last training event."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `sbr evaluate` reports."""

    run: str
    split: str
    metrics: dict[str, float]
    metrics_unknown_as_miss: dict[str, float]
    """The same with every next item that is left out counted as a miss."""

    protocol: Protocol
    events_per_second: float
    leaderboard: tuple[LeaderboardRow, ...] | None = None
    """With baselines: all models, the best first."""

    verdict: str | None = None
    """With baselines: how the run compares with the best of the others."""

    slices: tuple[Slice, ...] | None = None
    model: str | None = None
    """What the leaderboard calls the run itself: its family of networks."""


def summarise(
    split_ranks: SplitRanks,
    sessions: Sessions,
    config: EvaluateConfig,
    *,
    run: str,
    dataset: str,
    train_last_time: str | None = None,
) -> Evaluation:
    """Sum up how a run answered the next items of a split.

    Args:
        split_ranks: the run's.
        sessions: the split.
        config: what was scored, and the k of the metrics.
        run: the run's name, for the report.
        dataset: the dataset's name, for the report.
        train_last_time: time of the last event that the run learned from, ISO 8601; None if it is
            not known, or the log has no times.

    Raises:
        DataError: nothing could be scored.
    """
    ranks = split_ranks.ranks
    if not len(ranks.ranks):
        raise _nothing_to_score(config.split, sessions)
    covered, coverage = coverage_of(sessions, config)
    left_out = covered.copy()
    left_out[ranks.positions] = False
    is_known = (sessions.item_indices >= 0) & (sessions.item_indices < split_ranks.num_items)
    unreachable = int(np.count_nonzero(left_out & is_known))
    unknown = int(np.count_nonzero(left_out)) - unreachable
    with_misses = np.concatenate((ranks.ranks, np.full(unknown + unreachable, MISS)))
    return Evaluation(
        run=run,
        split=config.split,
        metrics=metrics_at(ranks.ranks, config.ks),
        metrics_unknown_as_miss=metrics_at(with_misses, config.ks),
        protocol=Protocol(
            dataset=dataset,
            events=len(ranks.ranks),
            sessions=len(np.unique(session_of(sessions, ranks.positions))),
            unknown_events=unknown,
            unreachable_events=unreachable,
            seen_targets=int(ranks.seen.sum()),
            candidates=split_ranks.num_items,
            exclude_seen=config.exclude_seen,
            tie_rule=TIE_RULE,
            tie_share=float(ranks.tied.mean()),
            coverage=coverage,
            first_time=format_time(sessions.timestamps.min().item()),
            last_time=format_time(sessions.timestamps.max().item()),
            **_timeline_of(sessions, train_last_time),
        ),
        events_per_second=split_ranks.events_per_second,
        model=split_ranks.model,
    )


def _timeline_of(sessions: Sessions, train_last_time: str | None) -> dict[str, Any]:
    """Return how the targets lie in time, as the protocol states it; nothing if unknown."""
    if train_last_time is None:
        return {}
    timeline = Timeline.of(sessions, datetime.fromisoformat(train_last_time).timestamp())
    return {} if timeline is None else asdict(timeline)


def _nothing_to_score(split: str, sessions: Sessions) -> DataError:
    """Return the error of a split of which the run knows no target."""
    return DataError(
        f"the run knows no next item of the {split} split",
        hint="prepare the dataset with fewer --test-days or --valid-days"
        if sessions.targets is None
        else "prepare the dataset with a higher --min-item-support",
    )
