"""Recommend for all sessions of a log or dataset at once, and write one file."""

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import DataError
from sbrcli.models.session_ends import score_ends
from sbrcli.reporter import SILENT, Advance, Reporter
from sbrcli.workflow.choose_items import choose_items, why_short
from sbrcli.workflow.latest_sessions import OwnedSessions
from sbrcli.workflow.recommendation import Shortage
from sbrcli.workflow.recommendation_files import Part, Writer, writing
from sbrcli.workflow.recommender import Recommender
from sbrcli.workflow.rules import Rules

IntArray = npt.NDArray[np.integer]

_EVENTS_TOGETHER = 2**20
_SESSIONS_TOGETHER = 2**14
_ROWS_TOGETHER = 2**22
"""The most events, sessions and recommendations that are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class AllRecommended:
    """A file of recommendations, and how complete it is."""

    out: str
    sessions: int
    rows: int
    short: dict[str, int]
    """How many sessions have fewer than k items, by reason: unknown, items, rules."""

    fallback: int
    """How many sessions the fallback answered."""

    unknown_events: int
    """How many events are of items that the run does not know."""

    removed: dict[str, int] | None
    """How many candidates each rule removed, of all sessions together; None without rules."""


def recommend_all(
    recommender: Recommender,
    owned: OwnedSessions,
    out: Path,
    config: RecommendConfig,
    rules: Rules | None = None,
    reporter: Reporter = SILENT,
) -> AllRecommended:
    """Recommend for each of many sessions, and write a file.

    Args:
        recommender: the run.
        owned: the sessions.
        out: the file, whose name ends in .parquet, .csv or .jsonl; replaced in one step.
        config: how many items, whether those of the session are candidates, and the fallback.
        rules: what else may not be recommended.
        reporter: receives the progress, in sessions.

    Raises:
        DataError: the run knows no item of any session, and there is no fallback.
        ArtefactError: the file cannot be written.
    """
    items = owned.sessions.item_indices
    if config.fallback is None and not (items >= 0).any():
        raise DataError(
            f"the run knows no item of any of {len(owned.ids):,} sessions",
            hint="use the item ids of the log that the run was trained on",
        )
    work = _Work(recommender, config, rules or Rules(len(recommender.items.ids)))
    with (
        reporter.progress(len(owned.ids), "sessions", "recommend") as advance,
        _writing(recommender, owned, out, config) as writer,
    ):
        for first, last in _in_parts(owned, min(config.k, work.rules.num_items)):
            writer.write(work.recommend_part(owned, first, last, advance))
    return AllRecommended(
        str(out),
        len(owned.ids),
        work.rows,
        {reason: work.short[reason] for reason in sorted(work.short)},
        work.fallbacks,
        int(np.count_nonzero(items < 0)),
        dict(work.removed) if work.rules.are_given else None,
    )


def _writing(
    recommender: Recommender, owned: OwnedSessions, out: Path, config: RecommendConfig
) -> AbstractContextManager[Writer]:
    ids, with_fallback = recommender.items.ids, config.fallback is not None
    return writing(out, owned.owner, ids, with_fallback=with_fallback)


@dataclass(slots=True)
class _Work:
    """Recommends for the sessions part by part, and counts."""

    recommender: Recommender
    config: RecommendConfig
    rules: Rules
    rows: int = 0
    fallbacks: int = 0
    short: Counter[Shortage] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    @property
    def _width(self) -> int:
        """The most items that a session can have."""
        return min(self.config.k, self.rules.num_items)

    def recommend_part(self, owned: OwnedSessions, first: int, last: int, advance: Advance) -> Part:
        """Recommend for the sessions from `first` up to `last`."""
        known = _known_items(owned, first, last)
        filled = np.flatnonzero([len(one) > 0 for one in known])
        counts = np.zeros(len(known), np.int64)
        items = np.zeros((len(known), self._width), np.int32)
        scores = np.zeros(items.shape, np.float32)
        for rows, block in score_ends(self.recommender.scorer, [known[at] for at in filled]):
            places = filled[rows]
            own = [known[at] for at in places.tolist()]
            chosen = choose_items(block, own, self.config, self.rules)
            counts[places] = np.diff(chosen.cuts)
            row = np.repeat(places, counts[places])
            rank = np.arange(len(row)) - np.repeat(chosen.cuts[:-1], counts[places])
            items[row, rank], scores[row, rank] = chosen.items, chosen.scores
            self._count(own, counts[places], chosen.removed)
            advance(len(places))
        is_unknown = np.ones(len(known), np.bool_)
        is_unknown[filled] = False
        if is_unknown.any():
            self._answer_unknown(is_unknown, counts, items, scores)
            advance(int(np.count_nonzero(is_unknown)))
        is_row = np.arange(self._width) < counts[:, None]
        self.rows += int(counts.sum())
        by_fallback = None if self.config.fallback is None else is_unknown
        ids = owned.ids[first:last]
        return Part(ids, counts, items[is_row], scores[is_row], by_fallback)

    def _count(
        self, own: list[IntArray], counts: IntArray, removed: list[dict[str, int]] | None
    ) -> None:
        for place in np.flatnonzero(counts < self.config.k).tolist():
            num_seen = len(np.unique(own[place]))
            reason = why_short(int(counts[place]), num_seen, self.config, self.rules)
            self.short.update([reason] if reason else [])
        for one in removed or ():
            self.removed.update(one)

    def _answer_unknown(
        self,
        is_unknown: npt.NDArray[np.bool_],
        counts: IntArray,
        items: IntArray,
        scores: npt.NDArray[np.floating],
    ) -> None:
        """Answer the sessions of which the run knows no item."""
        number = int(np.count_nonzero(is_unknown))
        if self.config.fallback is None:
            self.short["unknown"] += number
            return
        train_count = self.recommender.items.train_count
        nothing = np.empty(0, np.int64)
        popular = train_count[None].astype(np.float64)
        chosen = choose_items(popular, [nothing], self.config, self.rules)
        best, own = chosen.of_row(0)
        counts[is_unknown] = len(best)
        items[is_unknown, : len(best)] = best
        scores[is_unknown, : len(best)] = own
        self.fallbacks += number
        self._count([nothing] * number, counts[is_unknown], (chosen.removed or []) * number)


def _known_items(owned: OwnedSessions, first: int, last: int) -> list[IntArray]:
    """Return the items of the sessions from `first` up to `last` that the run knows."""
    cuts = owned.sessions.offsets[first : last + 1].tolist()
    events = owned.sessions.item_indices
    parts = (events[begin:end] for begin, end in itertools.pairwise(cuts))
    return [part[part >= 0] for part in parts]


def _in_parts(owned: OwnedSessions, k: int) -> Iterator[tuple[int, int]]:
    """Cut the sessions into parts, each of a bounded number of sessions and events."""
    offsets, first, count = owned.sessions.offsets, 0, len(owned.ids)
    most = max(1, min(_SESSIONS_TOGETHER, _ROWS_TOGETHER // k))
    while first < count:
        enough = np.searchsorted(offsets, offsets[first] + _EVENTS_TOGETHER, side="right") - 1
        last = min(max(int(enough), first + 1), first + most, count)
        yield first, last
        first = last
