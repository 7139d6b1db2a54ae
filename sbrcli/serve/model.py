"""The run that is being served: scores sessions together, and answers questions about its items."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, lru_cache
from importlib.util import find_spec
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.run import Run
from sbrcli.errors import SbrError
from sbrcli.models.registry import BLEND
from sbrcli.models.stream import State, stream_of
from sbrcli.serve.answer_texts import ItemTexts, Written
from sbrcli.serve.answers import (
    Events,
    Question,
    RequestError,
    RuleQuestion,
    as_request_error,
)
from sbrcli.serve.open_question import ChosenRows, OpenQuestion
from sbrcli.serve.session_store import StoredSession
from sbrcli.workflow.choose_items import choose_items
from sbrcli.workflow.find_items import TitleSearch
from sbrcli.workflow.make_rules import ItemAttributes
from sbrcli.workflow.recommend import known_items
from sbrcli.workflow.recommender import Recommender
from sbrcli.workflow.rules import Rules
from sbrcli.workflow.similar import network_of

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

_MAX_SCORES = 2**24
"""Scores in memory at a time: 64 MiB."""

_MAX_RULES = 16
"""Rules of requests that are stored, each with an array of all items."""


class ServedModel:
    """A loaded run. Its methods but `find` are called by one thread at a time.

    Args:
        recommender: the run.
        attributes: those of its items; None without a table of them.
    """

    def __init__(self, recommender: Recommender, attributes: ItemAttributes | None = None) -> None:
        self.recommender = recommender
        self.items = recommender.items
        self.stream = stream_of(recommender.scorer)
        self._attributes = attributes
        self._texts = ItemTexts(self.items)
        self._rules = lru_cache(_MAX_RULES)(self._make_rules)

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

    def work(self, question: Question | Events) -> float:
        """Estimate the multiplications that an answer takes; infinite if unknown."""
        if isinstance(question, Events):
            sessions, events = 1, len(question.items)
        else:
            sessions = len(question.sessions)
            events = sum(map(len, question.sessions))
        return math.inf if question.config.why else self.stream.work(sessions, events)

    def answer_questions(self, questions: Sequence[Question]) -> list[Written | RequestError]:
        """Score the sessions of many requests together.

        Returns:
            For each question its JSON document, or what is wrong with it.
        """
        found = [self._check(question.rules) or self._open(question) for question in questions]
        self._fill(found)
        return [_answer(one) for one in found]

    def add_events(
        self, pairs: Sequence[tuple[StoredSession, Events]]
    ) -> list[Written | RequestError]:
        """Append events to stored sessions, no two the same, and recommend what follows each.

        Returns:
            For each the JSON document of the whole session's recommendation, or what is wrong. A
            session is not changed if the rules cannot be applied.
        """
        found: list[OpenQuestion | RequestError] = []
        grown: list[tuple[StoredSession, IntArray]] = []
        of_opened: dict[OpenQuestion, StoredSession] = {}
        for session, events in pairs:
            error = self._check(events.rules)
            if error is not None:
                found.append(error)
                continue
            fresh = known_items(self.items, events.items)
            session.items += events.items
            if session.model is not self:  # begun with another run, or new: all are walked again
                fresh, session.state = known_items(self.items, session.items), None
                session.model = self
            if len(fresh):
                grown.append((session, fresh))
            opened = self._open(Question([session.items], False, events.config, events.rules))
            of_opened[opened] = session
            found.append(opened)
        before, fresh = [session.state for session, _ in grown], [fresh for _, fresh in grown]
        for (session, _), state in zip(grown, self.stream.advance(before, fresh), strict=True):
            session.state = state
        self._fill(found, {opened: session.state for opened, session in of_opened.items()})
        return [_answer(one) for one in found]

    def _fill(
        self,
        found: Sequence[OpenQuestion | RequestError],
        states: Mapping[OpenQuestion, State] | None = None,
    ) -> None:
        """Score the sessions of questions together, and choose what is recommended for each.

        Args:
            found: the questions; errors are skipped.
            states: of the one session of each question; None to walk the sessions' events.
        """
        # Questions of the same kind stand together, so that their items are chosen together.
        kinds: dict[Any, list[tuple[OpenQuestion, int]]] = {}
        for one in found:
            if isinstance(one, OpenQuestion):
                kinds.setdefault(one.kind, []).extend((one, place) for place in one.filled)
        pairs = [pair for own in kinds.values() for pair in own]
        most = max(_MAX_SCORES // self.stream.num_items, 1)
        for begin in range(0, len(pairs), most):
            part = pairs[begin : begin + most]
            known = [np.array(one.known[place], np.int32) for one, place in part]
            if states is None:
                walked = self.stream.advance([None] * len(part), known)
            else:
                walked = [states[one] for one, _ in part]
            self._choose(part, known, self.stream.scores(walked))

    def _check(self, asked: RuleQuestion) -> RequestError | None:
        """Return what is wrong with the rules of a request; None if nothing is."""
        try:
            self._rules(asked)
        except SbrError as error:
            return as_request_error(error)
        except RequestError as error:
            return error
        return None

    def _open(self, question: Question) -> OpenQuestion:
        """Make a question ready to be answered, the rules of which can be applied."""
        return OpenQuestion(
            question, self.items, self.recommender.scorer, self._rules(question.rules), self._texts
        )

    def _make_rules(self, asked: RuleQuestion) -> Rules:
        """Make the rules of a request; they are stored, as the next one often has the same.

        Raises:
            RequestError: they need a table of attributes, and there is none.
            ConfigError: the table lacks a column, or a value is of another kind than its column.
        """
        rules = Rules(len(self.items.ids))
        rules = rules.with_ids(self.items, only=asked.only, exclude=asked.exclude)
        if not asked.where and not asked.max_per:
            return rules
        if self._attributes is None:
            raise RequestError(
                400,
                "where and max_per need the table of the items' attributes",
                "start the service with --items-table FILE",
            )
        return self._attributes.add_rules(rules, asked.where, asked.max_per)

    def _choose(
        self,
        pairs: Sequence[tuple[OpenQuestion, int]],
        known: Sequence[IntArray],
        scores: FloatArray,
    ) -> None:
        """Choose the items of sessions, each a question and a place in it, by their scores."""
        begin = 0
        for _, group in groupby(pairs, key=lambda pair: pair[0].kind):
            same = list(group)
            own, first = slice(begin, begin + len(same)), same[0][0]
            chosen = choose_items(scores[own], known[own], first.question.config, first.rules)
            rows = ChosenRows(chosen)
            for row, (one, place) in enumerate(same):
                one.describe(place, rows, row)
            begin += len(same)

    def find(self, words: str, most: int) -> list[dict[str, Any]]:
        """Return the items whose titles or ids contain words, the most popular ones without any."""
        if words.strip():
            places = self.titles.containing(words)[:most]
        else:
            places = np.argsort(-self.items.train_count, kind="stable")[:most].tolist()
        return [self.describe_item(place) for place in places]

    def similar(self, place: int, k: int) -> dict[str, Any]:
        """Return the items most similar to one: by a network's output table, else by sessions.

        Raises:
            ArtefactError: there is no network, and the run's dataset is missing.
            RequestError: PyArrow is, which reads it.
        """
        network = network_of(self.run)
        by = "sessions" if network is None else "output"
        if network is None and find_spec("pyarrow") is None:
            raise RequestError(
                503,
                "similar items are counted in the dataset of a run without a network, which needs "
                "pyarrow",
                "install pyarrow beside sbr",
            )
        found = self.recommender.similar(self.items.ids[place], k, by=by)
        items = [
            {key: value for key, value in asdict(one).items() if value is not None} for one in found
        ]
        document = self.describe_item(place) | {"items": items}
        if network is not None and self.run.model == BLEND:
            document["network"] = network.name
        return document

    def describe_item(self, place: int) -> dict[str, Any]:
        """Return the id of an item, its title if it has one, and its events in train."""
        title = self.items.titles[place] if self.items.titles else None
        document = {"item": self.items.ids[place]} | ({} if title is None else {"title": title})
        return document | {"train_count": int(self.items.train_count[place])}


def _answer(one: OpenQuestion | RequestError) -> Written | RequestError:
    return one.answer() if isinstance(one, OpenQuestion) else one


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
