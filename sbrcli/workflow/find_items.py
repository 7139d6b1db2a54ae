"""Find items by an exact title, or by words of the title."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sbrcli.artefacts.items import RunItems
from sbrcli.errors import DataError
from sbrcli.reporter import Reporter

MAX_SUGGESTED = 5
"""Items that a hint names."""

_MAX_PARTS = 10
"""The maximum number of comma-separated parts that a title is assembled from."""


class TitleSearch:
    """A search index over the titles of a run's items.

    Args:
        items: the run's items; without titles, their ids alone are searched.
    """

    def __init__(self, items: RunItems) -> None:
        self._items = items
        self._by_title: dict[str, list[int]] = defaultdict(list)
        for index, title in enumerate(items.titles or ()):
            if title is not None:
                self._by_title[_fold(title)].append(index)

    def exact(self, text: str) -> list[int]:
        """Return the indices of the items with this title, ignoring case."""
        return self._by_title.get(_fold(text), [])

    def containing(self, text: str) -> list[int]:
        """Return the indices of the items whose title or id contains every word of a text.

        Accents are ignored. Exact titles come first, then titles that begin with the text, then the
        others; within each group, items with more training events come first.
        """
        wanted = _plain(text)
        words = re.findall(r"\w+", wanted)
        if not words:
            return []
        titles = self._items.titles or [None] * len(self._items.ids)
        found: list[tuple[int, int, int]] = []
        for index, (item_id, title) in enumerate(zip(self._items.ids, titles, strict=True)):
            own = _plain(title) if title is not None else ""
            if all(word in own for word in words) or wanted == _plain(item_id):
                place = 0 if own == wanted else 1 if own.startswith(wanted) else 2
                found.append((place, -int(self._items.train_count[index]), index))
        return [index for *_, index in sorted(found)]

    def take_titles(self, session: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Replace titles in a session by the ids of their items.

        A known id is never taken for a title, and a title of several items is not replaced. Titles
        that were split at their commas are joined again.

        Returns:
            The session, and the id that replaced each title.
        """
        known, taken, at = self._items.index_of, {}, 0
        resolved: list[str] = []
        while at < len(session):
            end = at
            while end < len(session) and session[end] not in known and end - at < _MAX_PARTS:
                end += 1
            while end > at and len(self.exact(", ".join(session[at:end]))) != 1:
                end -= 1
            if end > at:
                title = ", ".join(session[at:end])
                taken[title] = self._items.ids[self.exact(title)[0]]
                resolved.append(taken[title])
            else:
                resolved.append(session[at])
            at = max(end, at + 1)
        return resolved, taken


@dataclass(frozen=True, slots=True)
class FoundItems:
    """Items whose title contains some words."""

    rows: list[tuple[str, int, str | None]]
    """Of the first of them: the id, the number of training events, and the title."""

    matches: int
    """How many there are in all."""


def find_items(items: RunItems, words: str, k: int) -> FoundItems:
    """Find the items whose title contains each of some words, and list at most k."""
    indices = TitleSearch(items).containing(words)
    titles = items.titles or [None] * len(items.ids)
    rows = [(items.ids[at], int(items.train_count[at]), titles[at]) for at in indices[:k]]
    return FoundItems(rows, len(indices))


def find_item(reporter: Reporter, text: str, items: RunItems) -> int:
    """Return the index of the item with an id or title, and report a title that was used.

    Raises:
        DataError: there is none; the hint names items with similar titles.
    """
    if text in items.index_of:
        return items.index_of[text]
    search = TitleSearch(items)
    found = search.exact(text)
    if len(found) == 1:
        reporter.note(f"{text!r} is the title of item {items.ids[found[0]]}, which is used")
        return found[0]
    raise DataError(
        f"the run does not know the item {text}", hint=suggest_items(search, [text], items)
    )


def take_titles(
    reporter: Reporter, session: Sequence[str], items: RunItems, *, may_be_unknown: bool
) -> list[str]:
    """Replace titles in a session by ids, and say so; ids are returned as they are.

    Raises:
        DataError: the run knows none of it, which is not allowed; the hint names the items with
            similar titles.
    """
    if all(item_id in items.index_of for item_id in session) or items.titles is None:
        return list(session)
    search = TitleSearch(items)
    resolved, taken = search.take_titles(session)
    for title, item_id in taken.items():
        reporter.note(f"{title!r} is the title of item {item_id}, which is used")
    unknown = [text for text in resolved if text not in items.index_of]
    if may_be_unknown or len(unknown) < len(resolved):
        return resolved
    raise DataError(
        f"the run knows no item of the session: {', '.join(dict.fromkeys(unknown))}",
        hint=suggest_items(search, unknown, items),
    )


def suggest_items(search: TitleSearch, unknown: Sequence[str], items: RunItems) -> str:
    """Name the items whose titles are like what the run does not know."""
    titles = items.titles or []
    found = search.containing(", ".join(unknown)) or [
        index for text in unknown for index in search.containing(text)
    ]
    if not found:
        return (
            "use the item ids of the log that the run was trained on; sbr recommend --find WORDS "
            "finds them by title"
        )
    named = "; ".join(f"{items.ids[at]} {titles[at]}" for at in found[:MAX_SUGGESTED])
    more = f"; and {len(found) - MAX_SUGGESTED:,} more" if len(found) > MAX_SUGGESTED else ""
    return f"ids with such a title: {named}{more}"


def _fold(text: str) -> str:
    """Normalise the case, spaces and Unicode form of a text."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return re.sub(r"\s*,\s*", ", ", " ".join(folded.split()))


def _plain(text: str) -> str:
    """Normalise a text and remove its accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return _fold("".join(c for c in decomposed if not unicodedata.combining(c)))
