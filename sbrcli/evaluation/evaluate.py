"""The metrics of one model on one split, with the evaluation protocol."""

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
    """The evaluation protocol: the targets, the candidates and the rules."""

    dataset: str
    events: int
    """Number of targets scored."""

    sessions: int
    """Number of sessions with a scored target."""

    unknown_events: int
    """Targets that are left out because the run does not know the item."""

    unreachable_events: int
    """Known targets that are left out because the run knows no earlier item of the session."""

    seen_targets: int
    """Scored targets whose item occurred earlier in the session; misses with `exclude_seen`."""

    candidates: int
    """Number of items that each target is ranked among, seen ones included."""

    exclude_seen: bool
    tie_rule: str
    tie_share: float
    """Share of the scored targets that tie with another candidate."""

    coverage: str
    first_time: str | None
    """None if the log was read without times; `last_time` too."""

    last_time: str | None
    train_last_time: str | None = None
    """Time of the run's last training event; None if it is unknown."""

    first_target_time: str | None = None
    targets_after_train: float | None = None
    """Share of the split's targets that are later than the last training event."""

    max_user_events: int | None = None
    """The maximum number of events per user, of which the newest count; None if all count."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `sbr evaluate` reports."""

    run: str
    split: str
    metrics: dict[str, float]
    metrics_unknown_as_miss: dict[str, float]
    """The same metrics with every unknown or unreachable target counted as a miss."""

    protocol: Protocol
    events_per_second: float
    leaderboard: tuple[LeaderboardRow, ...] | None = None
    """All models, the best first; None without baselines."""

    verdict: str | None = None
    """How the run compares with the best other model; None without baselines."""

    slices: tuple[Slice, ...] | None = None
    model: str | None = None
    """The run's name in the leaderboard: the family of its network."""

    hybrid: dict[str, Any] | None = None
    """The run's hybrid: its partner, weight, scale, what the session's items gain, and what each
    term is worth; None if it was not compared."""


def summarise(
    split_ranks: SplitRanks,
    sessions: Sessions,
    config: EvaluateConfig,
    *,
    run: str,
    dataset: str,
    train_last_time: str | None = None,
) -> Evaluation:
    """Compute the metrics and the protocol of an evaluation.

    Args:
        split_ranks: the run's ranks.
        sessions: the split.
        config: what was scored, and the k of the metrics.
        run: the run's name, for the report.
        dataset: the dataset's name, for the report.
        train_last_time: time of the run's last training event, ISO 8601; None if it is unknown or
            the log has no times.

    Raises:
        DataError: the run knows no target of the split.
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
    """Return the protocol's entries on the times of the targets; empty if they are unknown."""
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
