"""Recommend for each session of a stream, as it arrives, and report what is unknown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import DataError
from sbrcli.reporter import Reporter
from sbrcli.workflow.recommend import known_items, nothing_known, recommend
from sbrcli.workflow.recommendation import (
    Recommendation,
    describe_removed,
    describe_shortage,
)
from sbrcli.workflow.recommender import Recommender
from sbrcli.workflow.rules import Rules

MAX_WARNINGS = 5
"""The number of sessions with unknown ids that are named; the others are counted."""


def recommend_each(
    recommender: Recommender,
    sessions: Iterable[Sequence[str]],
    config: RecommendConfig,
    rules: Rules,
    source: str,
    reporter: Reporter,
) -> Iterator[Recommendation]:
    """Yield a recommendation for each session, before the next session is read.

    Args:
        recommender: the run.
        sessions: item ids, oldest first.
        config: how many items, and the fallback.
        rules: what may not be recommended.
        source: what the sessions are read from, as errors name it.
        reporter: given the sessions with unknown ids, the first few by name, and at the end what
            the rules removed.

    Raises:
        DataError: there is no session, or the run knows no item of any.
    """
    answered = number = odd = popular = 0
    removed, short = Counter[str](), Counter[str]()
    for number, session in enumerate(sessions, start=1):
        found = _recommend_if_known(recommender, session, config, rules)
        oddity = _find_oddity(found)
        odd += oddity is not None
        if oddity is not None and odd <= MAX_WARNINGS:
            reporter.warn(f"session {number}: {oddity}")
        answered += found.fallback is not None or bool(found.session)
        popular += found.fallback is not None
        removed.update(found.removed or {})
        short.update([found.short] if found.short else [])
        yield found
    if odd > MAX_WARNINGS:
        reporter.warn(
            f"{odd - MAX_WARNINGS:,} more sessions are empty or contain ids that the run does not "
            f"know: {odd:,} of {number:,} in all"
        )
    if popular:
        reporter.warn(
            f"the run knows no item of {popular:,} of {number:,} sessions; they were answered with "
            "its most popular items"
        )
    if rules.are_given:
        reporter.note(f"in all {number:,} sessions, {describe_removed(removed)}")
    for reason in ("items", "rules"):
        if short[reason]:
            reporter.warn(
                f"fewer than {config.k} items for {short[reason]:,} of {number:,} sessions: "
                f"{describe_shortage(reason)}"
            )
    if not number:
        raise DataError(f"{source} contains no session", hint="write one per line, as in 3186,1270")
    if not answered:
        raise DataError(
            f"the run knows no item of any session in {source}",
            hint="use the item ids of the log that the run was trained on",
        )


def _recommend_if_known(
    recommender: Recommender, session: Sequence[str], config: RecommendConfig, rules: Rules
) -> Recommendation:
    """Recommend for one of many sessions: no item if the run knows none of the session."""
    items = recommender.items
    if config.fallback is None and not len(known_items(items, session)):
        return nothing_known(items, session, rules)
    return recommend(recommender.scorer, items, session, config, rules)


def _find_oddity(found: Recommendation) -> str | None:
    """Return the problem of a session in words; None if there is none."""
    if found.fallback is not None:
        return None
    named = ", ".join(found.unknown)
    if not found.session:
        return f"the run knows no item of the session: {named or 'it is empty'}"
    return f"skipped items that the run does not know: {named}" if named else None
