"""Sessions of a split, each with one event held back, and what the run expected there."""

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
"""So many of a session's items are shown before the one held back."""


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An item as a person knows it."""

    item_id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A session up to an event held back, and what was recommended after those before it."""

    before: int
    """How many events come before the one held back."""

    latest: tuple[NamedItem, ...]
    """The last items before the one held back, oldest first."""

    held_back: NamedItem
    rank: int
    """Of the item held back among all items, by the rules of `sbr evaluate`."""

    best: tuple[NamedItem, ...]
    """What the run expected, best first."""

    seen: frozenset[str] = frozenset()
    """The ids of `best` that the session held before."""


def find_examples(
    scorer: Scorer, items: RunItems, sessions: Sessions, seed: int = SEED
) -> list[Example]:
    """Recommend with a run at one event of some sessions of a split, the shortest session first.

    It is drawn from those that an evaluation asks for: the last one of a session may be unlike the
    others. Events of items that the run does not know are left out, as in an evaluation; all items
    are candidates. A session that is asked for nothing is no example.
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
    """Draw sessions of all lengths: one of each `count`-th part of them, ordered by length.

    Args:
        lengths: (sessions,) events; who has fewer than 2 has no next item.
        count: how many; all, where there are no more.
        seed: of the drawing.

    Returns:
        Their places in `lengths`, the shortest first.
    """
    able = np.flatnonzero(lengths >= 2)
    able = able[np.argsort(lengths[able], kind="stable")]
    if len(able) <= count:
        return able.tolist()
    rng = np.random.default_rng(seed)
    bounds = np.linspace(0, len(able), count + 1).astype(np.int64).tolist()
    return [int(able[rng.integers(low, high)]) for low, high in pairwise(bounds)]


def _ask(scorer: Scorer, items: RunItems, session: IntArray) -> Example:
    """Hold a session's last event back."""
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
