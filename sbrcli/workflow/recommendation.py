"""What is recommended for one session: plain values, and the JSON document that states them."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sbrcli.config.recommendation import Fallback

Shortage = Literal["unknown", "items", "rules"]
"""Why there are fewer than k items: the run knows none of the session, it has too few items, or
the rules leave too few."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An event of the session that raised an item's score."""

    position: int
    """Its place among the session's known items, from 1."""

    item: str
    share: float
    """Its part of all that events have raised the score by, 0 to 1."""

    change: float | None
    """The score with the event minus the score without it; None if it is the only event."""

    title: str | None = None


@dataclass(frozen=True, slots=True)
class RecommendedItem:
    """One item, by its outside id; rank 1 is best."""

    rank: int
    item: str
    score: float
    title: str | None = None
    why: tuple[Cause, ...] | None = None
    """The events that raised it most, if explained."""


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

    removed: dict[str, int] | None = None
    """How many candidates each rule removed, in the order of the rules; None without rules."""

    short: Shortage | None = None
    """Why there are fewer than k items; None without rules, or if there are k."""

    unknown_in_rules: dict[str, int] | None = None
    """How many ids the run does not know of those that a rule lists; None if it knows all."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document; keys without a value, such as title, are left out."""
        document: dict[str, Any] = {
            "items": [_describe_item(item) for item in self.items],
            "unknown": list(self.unknown),
            "session": [_with_title({"item": asked.item}, asked.title) for asked in self.session],
        }
        others = {
            "fallback": self.fallback,
            "removed": self.removed,
            "short": self.short,
            "unknown_in_rules": self.unknown_in_rules,
        }
        return document | {key: value for key, value in others.items() if value is not None}


def _describe_item(item: RecommendedItem) -> dict[str, Any]:
    """Return a recommended item as JSON; `dataclasses.asdict` takes ten times as long."""
    own = {"rank": item.rank, "item": item.item, "score": item.score}
    document = _with_title(own, item.title)
    if item.why is not None:
        document["why"] = [_with_title(asdict(cause), cause.title) for cause in item.why]
    return document


def _with_title(document: dict[str, Any], title: str | None) -> dict[str, Any]:
    """Add a title; a document without one has no such key."""
    document.pop("title", None)
    return document if title is None else document | {"title": title}


def describe_removed(removed: dict[str, int]) -> str:
    """Return in words how many candidates each rule removed."""
    counts = [f"{count:,} by {name}" for name, count in removed.items()]
    return f"candidates removed: {', '.join(counts) or 'none'}"


def describe_shortage(short: Shortage) -> str:
    """Return in words why there are fewer than k items."""
    return {
        "unknown": "the run knows no item of the session",
        "items": "the run has no more items",
        "rules": "the rules leave no more items",
    }[short]
