"""The run that is being served: scores sessions together, and answers questions about its items."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.run import Run
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.errors import SbrError
from sbrcli.models.stream import stream_of
from sbrcli.serve.answers import Question, RequestError, as_request_error
from sbrcli.serve.session_store import StoredSession
from sbrcli.workflow.choose_items import Chosen, choose_items
from sbrcli.workflow.find_items import TitleSearch
from sbrcli.workflow.recommend import (
    describe_row,
    explain_row,
    known_items,
    nothing_known,
    recommend_popular,
    unknown_ids,
)
from sbrcli.workflow.recommendation import Recommendation
from sbrcli.workflow.recommender import Recommender
from sbrcli.workflow.rules import Rules

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

_MAX_SCORES = 2**24
"""Scores in memory at a time: 64 MiB."""


@dataclass(frozen=True, slots=True)
class Events:
    """Further events of a stored session, and what is asked about it."""

    session_id: str
    items: list[str]
    config: RecommendConfig


class ServedModel:
    """A loaded run. Its methods but `find` are called by one thread at a time."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self.items = recommender.items
        self.stream = stream_of(recommender.scorer)

    @property
    def run(self) -> Run:
        """The run."""
        return self.recommender.run

    @cached_property
    def titles(self) -> TitleSearch:
        """The titles of the items, made ready to be searched."""
        return TitleSearch(self.items)

    def warm_up(self) -> None:
        """Score one session, so that the first request finds everything in memory."""
        prepare = getattr(self.stream, "prepare", None)
        if prepare is not None:
            prepare()
        self.stream.scores(self.stream.advance([None], [np.zeros(1, np.int32)]))
        _ = self.titles, self.items.index_of

    def answer_questions(self, questions: Sequence[Question]) -> list[Any]:
        """Score the sessions of many requests together.

        Returns:
            For each question its JSON document, or a `RequestError`.
        """
        found: list[Any] = []
        for question in questions:
            try:
                found.append(_Open(question, self.recommender))
            except SbrError as error:
                found.append(as_request_error(error))
        opened = [one for one in found if isinstance(one, _Open)]
        # Questions of the same kind stand together, so that their items are chosen together.
        opened.sort(key=lambda one: hash(one.kind))
        pairs = [(one, place) for one in opened for place in one.filled]
        most = max(_MAX_SCORES // self.stream.num_items, 1)
        for begin in range(0, len(pairs), most):
            part = pairs[begin : begin + most]
            known = [one.known[place] for one, place in part]
            scores = self.stream.scores(self.stream.advance([None] * len(part), known))
            self._choose(part, scores)
        return [one.document() if isinstance(one, _Open) else one for one in found]

    def add_events(self, session: StoredSession, events: Events) -> Any:
        """Append events to a stored session and recommend what follows it.

        Returns:
            The JSON document of the whole session's recommendation, or a `RequestError`.
        """
        fresh = known_items(self.items, events.items)
        session.items += events.items
        if session.model is not self:  # begun with another run, or new: its events are walked again
            fresh, session.state = known_items(self.items, session.items), None
            session.model = self
        if len(fresh):
            [session.state] = self.stream.advance([session.state], [fresh])
        question = Question([session.items], False, events.config)
        opened = _Open(question, self.recommender)
        if opened.filled:
            self._choose([(opened, 0)], self.stream.scores([session.state]))
        return opened.document()

    def _choose(self, pairs: Sequence[tuple["_Open", int]], scores: FloatArray) -> None:
        """Choose the items of sessions, each a question and a place in it, by their scores."""
        begin = 0
        for _, group in groupby(pairs, key=lambda pair: pair[0].kind):
            same = list(group)
            first, known = same[0][0], [one.known[place] for one, place in same]
            rows = scores[begin : begin + len(same)]
            chosen = choose_items(rows, known, first.question.config, first.rules)
            for row, (one, place) in enumerate(same):
                one.take(place, chosen, row)
            begin += len(same)

    def find(self, words: str, most: int) -> list[dict[str, Any]]:
        """Return the items whose titles or ids contain words, the most popular ones without any."""
        if words.strip():
            places = self.titles.containing(words)[:most]
        else:
            places = np.argsort(-self.items.train_count, kind="stable")[:most].tolist()
        return [self.describe_item(place) for place in places]

    def similar(self, place: int, k: int) -> dict[str, Any]:
        """Return the items most similar to one, by the network's output table."""
        found = self.recommender.similar(self.items.ids[place], k)
        items = [
            {key: value for key, value in asdict(one).items() if value is not None} for one in found
        ]
        return self.describe_item(place) | {"items": items}

    def describe_item(self, place: int) -> dict[str, Any]:
        """Return the id of an item, its title if it has one, and its events in train."""
        title = self.items.titles[place] if self.items.titles else None
        document = {"item": self.items.ids[place]} | ({} if title is None else {"title": title})
        return document | {"train_count": int(self.items.train_count[place])}


class _Open:
    """A question that is being answered.

    Args:
        question: the question.
        recommender: the run.
    """

    def __init__(self, question: Question, recommender: Recommender) -> None:
        self.question, self.scorer, self.items = question, recommender.scorer, recommender.items
        items = self.items
        self.known = [known_items(items, session) for session in question.sessions]
        self.rules = Rules(len(items.ids)).with_ids(
            items, only=question.only, exclude=question.exclude
        )
        self._found: dict[int, Recommendation] = {}

    @property
    def filled(self) -> list[int]:
        """The places of the sessions of which the run knows an item."""
        return [place for place, own in enumerate(self.known) if len(own)]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What decides which items may be chosen, apart from the session."""
        return self.question.config, self.question.only, self.question.exclude

    def take(self, place: int, chosen: Chosen, row: int) -> None:
        """Take what was chosen for one of the sessions."""
        unknown = unknown_ids(self.items, self.question.sessions[place])
        own, config = self.known[place], self.question.config
        found = describe_row(self.items, own, unknown, chosen, row, config, self.rules)
        self._found[place] = (
            explain_row(self.scorer, self.items, own, found) if config.why else found
        )

    def document(self) -> Any:
        """Return the JSON document, or a `RequestError`."""
        found = [self._answer(place) for place in range(len(self.known))]
        if self.question.is_list:
            return [one.to_document() for one in found]
        [only] = found
        if not only.session and only.fallback is None:
            unknown = ", ".join(only.unknown) or "it is empty"
            return RequestError(
                422,
                f"the run knows no item of the session: {unknown}",
                "use the item ids of the log that the run was trained on",
            )
        return only.to_document()

    def _answer(self, place: int) -> Recommendation:
        if place in self._found:
            return self._found[place]
        session, config = self.question.sessions[place], self.question.config
        if config.fallback is None:
            return nothing_known(self.items, session, self.rules)
        return recommend_popular(self.items, unknown_ids(self.items, session), config, self.rules)


def describe_run(model: ServedModel) -> dict[str, Any]:
    """Return what the service says about its run."""
    run = model.run
    return {
        "run": run.name,
        "model": run.model,
        "dataset": run.dataset.name,
        "fingerprint": run.dataset.fingerprint,
        "items": len(model.items.ids),
        "has_titles": model.items.titles is not None,
        "trained_at": run.finished_at,
    }


def find_item(model: ServedModel, item_id: str) -> int:
    """Return the index of an item.

    Raises:
        RequestError: the run does not know it.
    """
    if item_id not in model.items.index_of:
        raise RequestError(
            404, f"the run does not know the item {item_id}", "GET /v1/items?q=WORDS"
        )
    return model.items.index_of[item_id]
