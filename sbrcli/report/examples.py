"""Example sessions of a split, each with one event held back and the run's recommendations."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.evaluation.ranks import drop_unknown, target_ranks
from sbrcli.models.scorer import Scorer
from sbrcli.models.top_items import top_items
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]

COUNT = 20
SEED = 1
TOP = 10
LATEST = 8
"""The number of items that are shown before the one held back."""


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An item's id and title."""

    item_id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A session up to the event held back, and the recommendations for the events before it."""

    before: int
    """The number of events before the one held back."""

    latest: tuple[NamedItem, ...]
    """The last items before the one held back, oldest first."""

    held_back: NamedItem
    rank: int
    """The rank of the item held back among all items, as in `sbr evaluate`."""

    best: tuple[NamedItem, ...]
    """The recommended items, best first."""

    seen: frozenset[str] = frozenset()
    """The ids in `best` that occurred earlier in the session."""


def find_examples(
    scorer: Scorer, items: RunItems, sessions: Sessions, seed: int = SEED
) -> list[Example]:
    """Recommend at one target of some sessions of a split; the shortest session comes first.

    The target is drawn at random, as the last one of a session may differ from the others. Events
    of unknown items are left out, as in an evaluation; all items are candidates. A session without
    targets is no example.
    """
    known, _ = drop_unknown(sessions, scorer.num_items)
    asked = np.concatenate(([0], np.cumsum(known.target_mask)))
    known = known.only(np.diff(asked[known.offsets]) > 0)
    places, rng = np.flatnonzero(known.target_mask), np.random.default_rng(seed)
    examples = []
    for at in choose_sessions(np.diff(known.offsets), seed=seed):
        begin, end = known.offsets[at : at + 2].tolist()
        held_back = rng.choice(places[(begin <= places) & (places < end)])
        examples.append(_ask(scorer, items, known.item_indices[begin : held_back + 1]))
    return examples


def choose_sessions(lengths: IntArray, count: int = COUNT, seed: int = SEED) -> list[int]:
    """Draw sessions of all lengths: order them by length, and draw one from each of `count` parts.

    Args:
        lengths: (sessions,) events; a session of fewer than 2 has no target.
        count: how many; all if there are fewer.
        seed: the seed of the random generator.

    Returns:
        Their indices in `lengths`, the shortest first.
    """
    able = np.flatnonzero(lengths >= 2)
    able = able[np.argsort(lengths[able], kind="stable")]
    if len(able) <= count:
        return able.tolist()
    rng = np.random.default_rng(seed)
    bounds = np.linspace(0, len(able), count + 1).astype(np.int64).tolist()
    return [int(able[rng.integers(low, high)]) for low, high in pairwise(bounds)]


def _ask(scorer: Scorer, items: RunItems, session: IntArray) -> Example:
    """Rank and recommend at a session's last event."""
    scores = scorer.score_next(session[:-1])
    best = top_items(scores[None], TOP)[1].tolist()
    before = set(session[:-1].tolist())
    return Example(
        before=len(session) - 1,
        latest=_named(items, session[:-1][-LATEST:].tolist()),
        held_back=_named(items, session[-1:].tolist())[0],
        rank=int(target_ranks(scores[None], session[-1:])[0]),
        best=_named(items, best),
        seen=frozenset(items.ids[index] for index in best if index in before),
    )


def _named(items: RunItems, indices: Sequence[int]) -> tuple[NamedItem, ...]:
    titles = items.titles
    return tuple(NamedItem(items.ids[at], titles[at] if titles else None) for at in indices)
