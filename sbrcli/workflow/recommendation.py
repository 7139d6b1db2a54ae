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

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document; keys without a value, such as title, are left out."""
        document = asdict(self)
        for key in ("fallback", "removed", "short"):
            if document[key] is None:
                del document[key]
        causes = [cause for item in document["items"] for cause in item["why"] or ()]
        for entry in (*document["items"], *document["session"], *causes):
            for key in ("title", "why"):
                if key in entry and entry[key] is None:
                    del entry[key]
        return document


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
