"""A run and a session: what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import Fallback, RecommendConfig
from sbrcli.errors import DataError
from sbrcli.models.scorer import Scorer

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RecommendedItem:
    """One item, by its outside id; rank 1 is best."""

    rank: int
    item: str
    score: float
    title: str | None = None


@dataclass(frozen=True, slots=True)
class AskedItem:
    """One item of a session, by its outside id."""

    item: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What comes next, best first, and which ids of the session the run does not know."""

    items: tuple[RecommendedItem, ...] = ()
    unknown: tuple[str, ...] = ()
    session: tuple[AskedItem, ...] = ()
    """The session's items that the run knows, oldest first."""

    fallback: Fallback | None = None
    """What chose the items instead of the model; the scores of popularity are train's counts."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document; keys without a value, title and fallback, are left out."""
        document = asdict(self)
        if self.fallback is None:
            del document["fallback"]
        for item in (*document["items"], *document["session"]):
            if item["title"] is None:
                del item["title"]
        return document


def recommend(
    scorer: Scorer, items: RunItems, session: Sequence[str], config: RecommendConfig
) -> Recommendation:
    """Recommend what follows a session, from all of its items that the run knows.

    Args:
        scorer: the run's model.
        items: the run's items.
        session: item ids, oldest first.
        config: how many, whether the session's own items may come again, and the fallback.

    Raises:
        DataError: the run knows none of the session's items, and there is no fallback.
    """
    known = [items.index_of[item_id] for item_id in session if item_id in items.index_of]
    unknown = unknown_ids(items, session)
    if not known and config.fallback == "popularity":
        return Recommendation(_most_popular(items, config.k), unknown, fallback=config.fallback)
    if not known:
        raise DataError(
            f"the run knows no item of the session: {', '.join(unknown) or 'it is empty'}",
            hint="use the item ids of the log that the run was trained on",
        )
    scores = scorer.score_next(np.array(known, np.int32))
    candidates = np.ones(len(scores), np.bool_)
    candidates[known] = config.include_seen
    best = top_items(scores, np.flatnonzero(candidates), config.k)
    titles = items.titles
    return Recommendation(
        _ranked(items, best, [round(float(score), 6) for score in scores[best]]),
        unknown,
        tuple(AskedItem(items.ids[at], titles[at] if titles else None) for at in known),
    )


def _most_popular(items: RunItems, k: int) -> tuple[RecommendedItem, ...]:
    """Return the k items with the most events in train, which are their scores."""
    best = top_items(items.train_count, np.arange(len(items.ids)), k)
    return _ranked(items, best, items.train_count[best].tolist())


def _ranked(
    items: RunItems, best: IntArray, scores: Sequence[float]
) -> tuple[RecommendedItem, ...]:
    """Return items in their order, with their ids and titles."""
    titles = items.titles
    return tuple(
        RecommendedItem(rank, items.ids[index], score, titles[index] if titles else None)
        for rank, (index, score) in enumerate(zip(best.tolist(), scores, strict=True), start=1)
    )


def unknown_ids(items: RunItems, session: Sequence[str]) -> tuple[str, ...]:
    """Name the ids that the run does not know, each once, as they come."""
    return tuple(dict.fromkeys(id_ for id_ in session if id_ not in items.index_of))


def top_items(scores: FloatArray | IntArray, candidates: IntArray, k: int) -> IntArray:
    """Choose the best candidates; of equal scores, the lower index comes first.

    Args:
        scores: (num_items,), higher is better.
        candidates: (candidates,) item indices, ascending.
        k: how many, or fewer where there are no more.

    Returns:
        (k or fewer,) item indices, best first.
    """
    if k < len(candidates):
        own = scores[candidates]
        # Whoever has the k-th best score stays in, so that the sort alone decides among equals.
        bound = np.partition(own, len(own) - k)[len(own) - k]
        candidates = candidates[own >= bound]
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def with_titles(items: RunItems, titles: Mapping[str, str]) -> RunItems:
    """Return items other titles, by id; those that are not named keep their own."""
    own = items.titles or [None] * len(items.ids)
    return RunItems(
        items.ids,
        items.train_count,
        [titles.get(item_id, title) for item_id, title in zip(items.ids, own, strict=True)],
    )
