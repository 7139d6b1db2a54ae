"""Metrics of a model by slices of the targets."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.confidence import approximate_interval, session_sums
from sbrcli.evaluation.metrics import metrics_at, values_at
from sbrcli.evaluation.ranks import Ranks
from sbrcli.evaluation.scoring import session_of
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
Labelled = Iterator[tuple[str, npt.NDArray[np.bool_]]]

_LENGTHS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
"""Upper bounds of the slices by position and by length; one more slice contains the rest."""

DECILES = 10
MAX_WEEKS = 13
"""Targets of more weeks than this are grouped by month."""

_DAY = 86_400
_MONDAY = 3
"""The day number of the first Monday before 1970-01-01, a Thursday."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The metrics of a subset of the targets."""

    slice: str
    """The property that defines the slices, such as "position"."""

    value: str
    events: int
    metrics: dict[str, float]
    interval: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Approximate 95 % interval of mrr at the greatest k, within 0 and 1; empty if the slice lies
    in a single session, or was evaluated by an earlier version of sbr."""


def slice_ranks(
    ranks: Ranks, sessions: Sessions, train_count: IntArray, ks: tuple[int, ...]
) -> tuple[Slice, ...]:
    """Return the metrics by position, session length, popularity, novelty and time.

    - position: the target's position in its session, from 2; unknown events are counted.
    - session length: the number of events of its session, unknown ones included.
    - popularity decile: the run's items in tenths by their events in training, 10 is the most
      popular; among equally popular items, the lower index counts as more popular.
    - item: whether the item occurred earlier in the session (repeat) or not (new).
    - week: the week of the target (UTC), named by its Monday; or the month, if there are more than
      `MAX_WEEKS` weeks.

    Args:
        ranks: those of the scored targets.
        sessions: the split.
        train_count: (num_items,) events in training.
        ks: the cut-offs of the metrics.

    Returns:
        The slices that contain a target.
    """
    session = session_of(sessions, ranks.positions)
    position = ranks.positions - sessions.offsets[session] + 1
    length = np.diff(sessions.offsets)[session]
    decile = popularity_decile(train_count)[sessions.item_indices[ranks.positions]]
    days = np.floor_divide(sessions.timestamps[ranks.positions], _DAY).astype(np.int64)
    mondays = days - (days + _MONDAY) % 7
    by_week = len(np.unique(mondays)) <= MAX_WEEKS
    cut_by = {
        "position": _by_length(position),
        "session length": _by_length(length),
        "popularity decile": _by_value(decile),
        "item": iter([("new", ~ranks.seen), ("repeat", ranks.seen)]),
        "week" if by_week else "month": _by_value(
            mondays.view("M8[D]") if by_week else days.view("M8[D]").astype("M8[M]")
        ),
    }
    metric = f"mrr@{max(ks)}"
    reciprocal = dict(values_at(ranks.ranks, (max(ks),)))[metric]

    def measure(name: str, value: str, chosen: npt.NDArray[np.bool_]) -> Slice:
        bounds = approximate_interval(session_sums(session[chosen], [reciprocal[chosen]]))
        low, high = bounds or (0.0, 1.0)
        interval = {metric: (max(0.0, low), min(1.0, high))} if bounds else {}
        figures = metrics_at(ranks.ranks[chosen], ks)
        return Slice(name, value, int(chosen.sum()), figures, interval)

    return tuple(
        measure(name, value, chosen)
        for name, labelled in cut_by.items()
        for value, chosen in labelled
        if chosen.any()
    )


def popularity_decile(train_count: IntArray) -> IntArray:
    """Return each item's tenth by popularity, (num_items,): 10 is the most popular."""
    order = np.argsort(-train_count, kind="stable")
    decile = np.empty(len(order), np.int64)
    decile[order] = DECILES - np.arange(len(order)) * DECILES // max(1, len(order))
    return decile


def _by_length(lengths: IntArray) -> Labelled:
    low = 1
    for high in _LENGTHS:
        label = str(high) if low == high else f"{low}-{high}"
        yield label, (lengths >= low) & (lengths <= high)
        low = high + 1
    yield f"{low} or more", lengths >= low


def _by_value(values: npt.NDArray[np.generic]) -> Labelled:
    for value in np.unique(values):
        yield str(value), values == value
