"""Recommendations as the text of their JSON, without an object for each item on the way.

A text holds the document of `Recommendation.to_document`: its numbers are the same to the bit,
though a score may have zeros at its end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from sbrcli.artefacts.items import RunItems
from sbrcli.serve.answers import Answer, RequestError, answer_json, encode_text


@dataclass(slots=True)
class Tally:
    """What the metrics count of the sessions of an answer."""

    sessions: int = 0
    fallbacks: int = 0
    unknown: int = 0
    """Items that the run does not know."""

    items: int = 0
    """Items of sessions, these included."""

    def add(self, other: "Tally") -> None:
        """Add what another answer counts."""
        self.sessions += other.sessions
        self.fallbacks += other.fallbacks
        self.unknown += other.unknown
        self.items += other.items


@dataclass(slots=True)
class Written:
    """The JSON document of a question's answer."""

    text: str
    tally: Tally

    def to_answer(self) -> Answer:
        """Return the answer of HTTP."""
        return Answer(200, encode_text(self.text))


_MAX_TEXTS = 2**15
"""Items whose texts are stored: some 10 MB."""


class ItemTexts:
    """The JSON of items as parts of an answer, stored when it is first used.

    Args:
        items: the run's items.
    """

    def __init__(self, items: RunItems) -> None:
        ids, titles = items.ids, items.titles
        self.has_titles = titles is not None
        self.ids = _Stored(lambda at: encode_basestring(ids[at]))
        """By item index, the id."""

        self.titles = _Stored(lambda at: _title(titles[at] if titles else None))
        """By item index, the title with the comma and the key before it; empty if it has none."""

        self.events = _Stored(lambda at: f'{{"item": {self.ids[at]}{self.titles[at]}}}')
        """By item index, the item as an event of a session."""


class _Stored(dict[int, str]):
    """Texts by item index, each made when it is first used.

    Args:
        make: makes the text of an item.
    """

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, at: int) -> str:
        if len(self) >= _MAX_TEXTS:
            self.clear()
        found = self[at] = self._make(at)
        return found


def write_recommendation(
    items: ItemTexts,
    session: Sequence[int],
    unknown: Sequence[str],
    best: Sequence[int],
    scores: Sequence[float],
    others: dict[str, Any],
) -> str:
    """Return the JSON of what was recommended for a session.

    Args:
        items: the texts of the run's items.
        session: the indices of the session's items that the run knows.
        unknown: the ids of those that it does not know.
        best: the indices of the recommended items, best first.
        scores: their scores, which must be finite; written with six decimals.
        others: further keys of the document.
    """
    width = 3 if items.has_titles else 2
    values: list[Any] = [""] * (width * len(best))
    values[0::width] = map(items.ids.__getitem__, best)
    values[1::width] = scores
    if items.has_titles:
        values[2::width] = map(items.titles.__getitem__, best)
    ranked = _pattern(len(best), items.has_titles) % tuple(values)
    asked = ", ".join(map(items.events.__getitem__, session))
    named = ", ".join(map(encode_basestring, unknown)) if unknown else ""
    text = f'{{"items": [{ranked}], "unknown": [{named}], "session": [{asked}]'
    if not others:
        return text + "}"
    return f"{text}, {answer_json(others).body.decode()[1:]}"


def join_written(texts: Sequence[str]) -> str:
    """Return the JSON list of several documents."""
    return f"[{', '.join(texts)}]"


@lru_cache(maxsize=64)
def _pattern(count: int, has_titles: bool) -> str:
    """Return the pattern of so many ranked items: of each its id, score and, if any, title."""
    title = "%s" if has_titles else ""
    return ", ".join(
        f'{{"rank": {rank}, "item": %s, "score": %.6f{title}}}' for rank in range(1, count + 1)
    )


def _title(title: str | None) -> str:
    return "" if title is None else f', "title": {encode_basestring(title)}'


def not_finite() -> RequestError:
    """Return the error of a run whose scores are no numbers."""
    return RequestError(
        500,
        "the run scores this session with numbers that are not finite",
        "train it again with a lower learning rate",
    )
