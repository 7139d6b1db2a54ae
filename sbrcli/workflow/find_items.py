"""Find items by their titles: the one that has exactly this title, and those that contain words."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from sbrcli.artefacts.items import RunItems

_MAX_PARTS = 10
"""A title with more commas is not looked for."""


class TitleSearch:
    """The titles of a run's items, made ready to be searched.

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
        """Return the indices of the items with this title, whatever the case of its letters."""
        return self._by_title.get(_fold(text), [])

    def containing(self, text: str) -> list[int]:
        """Return the indices of the items whose title, or id, contains each word of a text.

        Accents do not count. Exact titles come first, then titles that begin so, then the others;
        among equals, the items with more events in training.
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
        """Replace titles in a session by the ids of the items that have them.

        An id that the run knows is never taken for a title, and a title that several items have is
        not replaced. A title with commas may have been cut at them.

        Returns:
            The session, and the id taken for each title.
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
    """Return a text whose case, spaces and way to write accents do not count."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return re.sub(r"\s*,\s*", ", ", " ".join(folded.split()))


def _plain(text: str) -> str:
    """Return a text without accents too."""
    decomposed = unicodedata.normalize("NFKD", text)
    return _fold("".join(c for c in decomposed if not unicodedata.combining(c)))
