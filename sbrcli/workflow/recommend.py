"""A model and sessions: what comes next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import DataError
from sbrcli.models.scorer import Scorer
from sbrcli.models.session_ends import score_ends
from sbrcli.workflow.choose_items import Chosen, choose_items, why_short
from sbrcli.workflow.explain import find_causes
from sbrcli.workflow.recommendation import AskedItem, Recommendation, RecommendedItem
from sbrcli.workflow.rules import Rules

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

MAX_TOGETHER = 2**20
"""Events of the sessions that are scored together, at most."""


def recommend(
    scorer: Scorer,
    items: RunItems,
    session: Sequence[str],
    config: RecommendConfig,
    rules: Rules | None = None,
) -> Recommendation:
    """Recommend what follows a session, from all of its items that the run knows.

    Args:
        scorer: the run's model.
        items: the run's items.
        session: item ids, oldest first.
        config: how many, whether the session's own items may come again, the fallback, and whether
            to name the events that raised each item most.
        rules: what else may not be recommended.

    Raises:
        DataError: the run knows none of the session's items, and there is no fallback.
    """
    rules = rules or Rules(len(items.ids))
    known, unknown = known_items(items, session), unknown_ids(items, session)
    if not len(known):
        if config.fallback is None:
            raise DataError(
                f"the run knows no item of the session: {', '.join(unknown) or 'it is empty'}",
                hint="use the item ids of the log that the run was trained on",
            )
        return recommend_popular(items, unknown, config, rules)
    scores = scorer.score_next(known)[None].copy()
    chosen = choose_items(scores, [known], config, rules)
    found = describe_row(items, known, unknown, chosen, 0, config, rules)
    return explain_row(scorer, items, known, found) if config.why else found


def explain_row(
    scorer: Scorer, items: RunItems, known: IntArray, found: Recommendation
) -> Recommendation:
    """Name the events of a session that raised each recommended item most.

    Args:
        scorer: the model.
        items: the run's items.
        known: the session's items that the run knows.
        found: what was recommended.
    """
    recommended = np.array([items.index_of[item.item] for item in found.items], np.int32)
    causes = find_causes(scorer, items, known, recommended)
    explained = zip(found.items, causes, strict=True)
    return replace(found, items=tuple(replace(item, why=why) for item, why in explained))


def recommend_many(
    scorer: Scorer,
    items: RunItems,
    sessions: Iterable[Sequence[str]],
    config: RecommendConfig,
    rules: Rules | None = None,
) -> Iterator[Recommendation]:
    """Recommend for many sessions, which are scored together; arguments as of `recommend`.

    Scores are those of `recommend` to the rounding of single precision. A session of which the run
    knows nothing has no items, unless there is a fallback.
    """
    rules = rules or Rules(len(items.ids))
    for together in _in_parts(sessions):
        known = [known_items(items, session) for session in together]
        filled = [place for place, own in enumerate(known) if len(own)]
        found: dict[int, Recommendation] = {}
        for rows, scores in score_ends(scorer, [known[place] for place in filled]):
            places = [filled[row] for row in rows.tolist()]
            chosen = choose_items(scores, [known[place] for place in places], config, rules)
            for row, place in enumerate(places):
                unknown = unknown_ids(items, together[place])
                found[place] = describe_row(
                    items, known[place], unknown, chosen, row, config, rules
                )
        for place, session in enumerate(together):
            if place in found:
                yield found.pop(place)
            elif config.fallback is not None:
                yield recommend_popular(items, unknown_ids(items, session), config, rules)
            else:
                yield nothing_known(items, session, rules)


def recommend_popular(
    items: RunItems, unknown: tuple[str, ...], config: RecommendConfig, rules: Rules
) -> Recommendation:
    """Return the k items with the most events in train, which are their scores.

    Args:
        items: the run's items.
        unknown: the ids of the session, none of which the run knows.
        config: how many.
        rules: what may not be recommended.
    """
    scores = items.train_count[None].astype(np.float64)
    chosen = choose_items(scores, [np.empty(0, np.int64)], config, rules)
    best, _ = chosen.of_row(0)
    counts = items.train_count[best].tolist()
    short = why_short(len(best), 0, config, rules) if rules.are_given else None
    removed = None if chosen.removed is None else chosen.removed[0]
    return Recommendation(
        _ranked(items, best, counts),
        unknown,
        fallback=config.fallback,
        removed=removed,
        short=short,
        unknown_in_rules=rules.unknown_counts,
    )


def nothing_known(items: RunItems, session: Sequence[str], rules: Rules) -> Recommendation:
    """Return the recommendation for a session of which the run knows nothing: no item."""
    given = rules.are_given
    return Recommendation(
        unknown=unknown_ids(items, session),
        removed={} if given else None,
        short="unknown" if given else None,
        unknown_in_rules=rules.unknown_counts,
    )


def describe_row(
    items: RunItems,
    known: IntArray,
    unknown: tuple[str, ...],
    chosen: Chosen,
    row: int,
    config: RecommendConfig,
    rules: Rules,
) -> Recommendation:
    """Return what was chosen for a session, with ids and titles.

    Args:
        items: the run's items.
        known: the session's items that the run knows.
        unknown: those that it does not know.
        chosen: what was chosen for several sessions.
        row: the session's place among them.
        config: how many were asked for.
        rules: which were applied.
    """
    best, scores = chosen.of_row(row)
    removed = short = None
    if chosen.removed is not None:
        removed = chosen.removed[row]
        short = why_short(len(best), len(set(known.tolist())), config, rules)
    titles = items.titles
    return Recommendation(
        _ranked(items, best, [round(score, 6) for score in scores]),
        unknown,
        tuple(AskedItem(items.ids[at], titles[at] if titles else None) for at in known.tolist()),
        removed=removed,
        short=short,
        unknown_in_rules=rules.unknown_counts,
    )


def known_items(items: RunItems, session: Sequence[str]) -> IntArray:
    """Return the indices of a session's items that the run knows: (events,) int32."""
    known = [items.index_of[item_id] for item_id in session if item_id in items.index_of]
    return np.array(known, np.int32)


def unknown_ids(items: RunItems, session: Sequence[str]) -> tuple[str, ...]:
    """Name the ids that the run does not know, each once, as they come."""
    return tuple(dict.fromkeys(id_ for id_ in session if id_ not in items.index_of))


def _ranked(
    items: RunItems, best: Sequence[int], scores: Sequence[float]
) -> tuple[RecommendedItem, ...]:
    """Return items in their order, with their ids and titles."""
    titles = items.titles
    return tuple(
        RecommendedItem(rank, items.ids[index], score, titles[index] if titles else None)
        for rank, (index, score) in enumerate(zip(best, scores, strict=True), start=1)
    )


def _in_parts(sessions: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Collect sessions until they have many events."""
    part: list[Sequence[str]] = []
    events = 0
    for session in sessions:
        part.append(session)
        events += len(session) + 1
        if events >= MAX_TOGETHER:
            yield part
            part, events = [], 0
    if part:
        yield part
