"""A question that is being answered: its sessions as the run knows them, and the texts so far."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.models.scorer import Scorer
from sbrcli.serve.answer_texts import (
    ItemTexts,
    Tally,
    Written,
    join_written,
    not_finite,
    write_recommendation,
)
from sbrcli.serve.answers import Question, RequestError, answer_json
from sbrcli.workflow.choose_items import Chosen, why_short
from sbrcli.workflow.recommend import (
    describe_row,
    explain_row,
    nothing_known,
    recommend_popular,
    unknown_ids,
)
from sbrcli.workflow.recommendation import Recommendation
from sbrcli.workflow.rules import Rules

IntArray = npt.NDArray[np.integer]


class OpenQuestion:
    """A question that is being answered.

    Args:
        question: the question.
        items: the run's items.
        scorer: the run's model.
        rules: what may not be recommended.
        texts: the texts of the items, where they are stored for several questions.
    """

    __slots__ = ("_found", "_items", "_scorer", "_texts", "kind", "known", "question", "rules")

    def __init__(
        self,
        question: Question,
        items: RunItems,
        scorer: Scorer,
        rules: Rules,
        texts: ItemTexts | None = None,
    ) -> None:
        self.question, self.rules = question, rules
        self.kind = question.config, question.rules  # what decides which items may be chosen
        self._items, self._scorer = items, scorer
        self._texts = texts or ItemTexts(items)
        self.known = [_places(items, session) for session in question.sessions]
        self._found: dict[int, str | RequestError] = {}

    @property
    def filled(self) -> list[int]:
        """The places of the sessions of which the run knows an item."""
        return [place for place, own in enumerate(self.known) if own]

    def describe(self, place: int, chosen: "ChosenRows", row: int) -> None:
        """Write what was chosen for one of the sessions."""
        known, session = self.known[place], self.question.sessions[place]
        unknown = unknown_ids(self._items, session) if len(known) < len(session) else ()
        if not chosen.are_finite:
            self._found[place] = not_finite()
        elif self.question.config.why:
            self._found[place] = self._explain(known, unknown, chosen.chosen, row)
        else:
            best, scores = chosen.of_row(row)
            others = self._others(known, len(best), chosen.chosen, row)
            self._found[place] = write_recommendation(
                self._texts, known, unknown, best, scores, others
            )

    def answer(self) -> Written | RequestError:
        """Return the JSON document, or what is wrong with the question."""
        question, tally, texts = self.question, Tally(), []
        for place, (session, known) in enumerate(zip(question.sessions, self.known, strict=True)):
            found = self._found.get(place)
            if found is None:
                found = self._unknown(session)
                tally.fallbacks += question.config.fallback is not None
            if isinstance(found, RequestError):
                return found
            tally.sessions += 1
            tally.items += len(session)
            tally.unknown += len(session) - len(known)
            texts.append(found)
        return Written(join_written(texts) if question.is_list else texts[0], tally)

    def _others(self, known: list[int], count: int, chosen: Chosen, row: int) -> dict[str, Any]:
        """Return what the rules have done to a session."""
        if chosen.removed is None:
            return {}
        short = why_short(count, len(set(known)), self.question.config, self.rules)
        others = {"short": short, "unknown_in_rules": self.rules.unknown_counts}
        given = {key: value for key, value in others.items() if value is not None}
        return {"removed": chosen.removed[row]} | given

    def _explain(self, known: list[int], unknown: tuple[str, ...], chosen: Chosen, row: int) -> str:
        own = np.array(known, np.int32)
        found = describe_row(
            self._items, own, unknown, chosen, row, self.question.config, self.rules
        )
        return _text(explain_row(self._scorer, self._items, own, found))

    def _unknown(self, session: list[str]) -> str | RequestError:
        """Answer for a session of which the run knows nothing."""
        config, unknown = self.question.config, unknown_ids(self._items, session)
        if config.fallback is not None:
            return _text(recommend_popular(self._items, unknown, config, self.rules))
        if self.question.is_list:
            return _text(nothing_known(self._items, session, self.rules))
        return RequestError(
            422,
            f"the run knows no item of the session: {', '.join(unknown) or 'it is empty'}",
            "use the item ids of the log that the run was trained on",
        )


class ChosenRows:
    """What was chosen for several sessions, as lists.

    Args:
        chosen: what was chosen.
    """

    __slots__ = ("_cuts", "_items", "_scores", "are_finite", "chosen")

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.are_finite = bool(np.isfinite(chosen.scores).all())
        self._cuts, self._items = chosen.cuts.tolist(), chosen.items.tolist()
        self._scores = chosen.scores.tolist()

    def of_row(self, row: int) -> tuple[list[int], list[float]]:
        """Return a row's items and scores."""
        begin, end = self._cuts[row], self._cuts[row + 1]
        return self._items[begin:end], self._scores[begin:end]


def _places(items: RunItems, session: Sequence[str]) -> list[int]:
    """Return the indices of a session's items that the run knows."""
    found = [*map(items.index_of.get, session)]
    return [at for at in found if at is not None] if None in found else found  # pyright: ignore


def _text(found: Recommendation) -> str:
    return answer_json(found.to_document()).body.decode()
