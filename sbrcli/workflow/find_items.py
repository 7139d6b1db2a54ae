"""Find items by an exact title, or by words of the title."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from sbrcli.artefacts.items import RunItems

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


def _fold(text: str) -> str:
    """Normalise the case, spaces and Unicode form of a text."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return re.sub(r"\s*,\s*", ", ", " ".join(folded.split()))


def _plain(text: str) -> str:
    """Normalise a text and remove its accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return _fold("".join(c for c in decomposed if not unicodedata.combining(c)))
