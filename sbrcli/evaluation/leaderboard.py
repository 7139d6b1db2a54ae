"""Rank models on the same targets, and test their differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.confidence import interval, p_value, resample_means, session_sums
from sbrcli.evaluation.metrics import metrics_at, values_at
from sbrcli.evaluation.scoring import SplitRanks, session_of
from sbrcli.evaluation.top_lists import coverage_share, gini_index, mean_popularity
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two models in one metric: this model's figure minus the other's."""

    model: str
    """The other model."""

    metric: str
    share: float | None
    """The difference as a share of the other's figure; None if that is 0, even in one resample."""

    interval: tuple[float, float] | None
    """95 % interval of `share`, by the paired bootstrap over sessions."""

    absolute: float
    absolute_interval: tuple[float, float]
    p_value: float
    """Two-sided, from the same bootstrap; see `confidence.p_value`."""

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes 0."""
        low, high = self.absolute_interval
        return low > 0 or high < 0


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One model's row of the leaderboard."""

    model: str
    metrics: dict[str, float]
    interval: dict[str, tuple[float, float]]
    """95 % interval of each metric, by the bootstrap over sessions."""

    to_best: Difference | None
    """The difference to the best model; None for the best model itself."""

    coverage: float
    """Share of the run's items that are in at least one top list."""

    mean_popularity: float
    """Mean popularity of the recommended items; 1 is the most popular item's."""

    gini: float
    events_per_second: float
    memory_bytes: int
    options: str | None
    """A baseline's options, as given on the command line."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A model on a leaderboard: its ranks, memory and options."""

    split_ranks: SplitRanks
    memory_bytes: int
    options: str | None = None


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Models, the best first, with the bootstrap samples that compare any two of them."""

    rows: tuple[LeaderboardRow, ...]
    metric: str
    """The metric that ranks them."""

    sessions: int
    """Number of sessions that were resampled."""

    resampled: dict[str, FloatArray]
    """(resamples,) of `metric`, by model."""

    def difference(self, model: str, other: str) -> Difference:
        """Compare two models in the metric that the leaderboard is ranked by."""
        value = {row.model: row.metrics[self.metric] for row in self.rows}
        return difference_of(
            (other, self.metric),
            (value[model], self.resampled[model]),
            (value[other], self.resampled[other]),
            self.sessions,
        )


def rank_models(
    contenders: Sequence[Contender],
    sessions: Sessions,
    train_count: IntArray,
    ks: tuple[int, ...],
) -> Leaderboard:
    """Rank models by mrr at the greatest k; models with equal figures keep their order.

    Args:
        contenders: models that ranked the same targets, with their top lists.
        sessions: the split.
        train_count: (num_items,) events in training.
        ks: the cut-offs of the metrics.
    """
    names = list(metrics_at(np.ones(1, np.int64), ks))
    metric = f"mrr@{max(ks)}"
    session = session_of(sessions, contenders[0].split_ranks.ranks.positions)
    values = (v for c in contenders for _, v in values_at(c.split_ranks.ranks.ranks, ks))
    sums = session_sums(session, values)
    resampled = resample_means(sums).reshape(-1, len(contenders), len(names))
    figures = [metrics_at(c.split_ranks.ranks.ranks, ks) for c in contenders]
    order = sorted(range(len(contenders)), key=lambda place: -figures[place][metric])
    best, column = order[0], names.index(metric)
    rows = []
    for place in order:
        own, draws = figures[place], resampled[:, place]
        difference = difference_of(
            (contenders[best].split_ranks.model, metric),
            (own[metric], draws[:, column]),
            (figures[best][metric], resampled[:, best, column]),
            len(sums),
        )
        rows.append(
            _leaderboard_row(
                contenders[place],
                own,
                {name: interval(draws[:, at]) for at, name in enumerate(names)},
                None if place == best else difference,
                train_count,
            )
        )
    return Leaderboard(
        tuple(rows),
        metric,
        len(sums),
        {c.split_ranks.model: resampled[:, at, column] for at, c in enumerate(contenders)},
    )


def _leaderboard_row(
    contender: Contender,
    metrics: dict[str, float],
    intervals: dict[str, tuple[float, float]],
    to_best: Difference | None,
    train_count: IntArray,
) -> LeaderboardRow:
    split_ranks = contender.split_ranks
    recommended = split_ranks.recommended
    if recommended is None:
        raise ValueError(f"the top lists of {split_ranks.model} were not counted")
    return LeaderboardRow(
        model=split_ranks.model,
        metrics=metrics,
        interval=intervals,
        to_best=to_best,
        coverage=coverage_share(recommended),
        mean_popularity=mean_popularity(recommended, train_count),
        gini=gini_index(recommended),
        events_per_second=split_ranks.events_per_second,
        memory_bytes=contender.memory_bytes,
        options=contender.options,
    )


def difference_of(
    against: tuple[str, str],
    own: tuple[float, FloatArray],
    other: tuple[float, FloatArray],
    sessions: int,
) -> Difference:
    """Return the difference of two models in one metric.

    Args:
        against: the other model's name, and the metric.
        own: a model's figure, and (resamples,) its figure in each resample.
        other: the same for the other model, from the same resamples.
        sessions: the number of sessions that were resampled.
    """
    (value, draws), (other_value, other_draws) = own, other
    is_share = bool(other_value > 0 and (other_draws > 0).all())
    return Difference(
        *against,
        share=value / other_value - 1 if is_share else None,
        interval=interval(draws / other_draws - 1) if is_share else None,
        absolute=value - other_value,
        absolute_interval=interval(draws - other_draws),
        p_value=p_value(draws - other_draws, sessions),
    )
