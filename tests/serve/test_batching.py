"""Which requests are answered together, and where."""

import ast
import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

import sbrcli
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.models.gru4rec.stream import GruStream
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.stream import ReplayStream
from sbrcli.serve.answer_texts import Tally, Written
from sbrcli.serve.answers import Answer, Events, Question, RequestError
from sbrcli.serve.batching import (
    MAX_TOGETHER,
    QUICK_PASS,
    QUICK_REQUEST,
    Batcher,
    Forget,
)
from sbrcli.serve.session_store import SessionStore


class Model:
    """Answers each question with its first item; "bug" is one."""

    def __init__(self, work: float = 1) -> None:
        self.passes: list[tuple[str, list[str]]] = []
        self._work = work

    def work(self, _question: object) -> float:
        return self._work

    def answer_questions(self, questions: list[Question]) -> list[Any]:
        names = [question.sessions[0][0] for question in questions]
        if names:
            self.passes.append((threading.current_thread().name.split("_")[0], names))
        if "bug" in names:
            raise ZeroDivisionError("ours")
        return [
            RequestError(422, "none") if name == "none" else Written(name, Tally(1))
            for name in names
        ]


def ask_all(model: Model, names: list[str], *, turns: int = 0) -> tuple[list[Any], Tally]:
    """Ask for all names; each `turns` turns of the event loop after the one before."""
    tally = Tally()

    async def ask() -> list[Any]:
        batcher = Batcher(lambda: model, SessionStore(9, 9), 200, tally.add)  # type: ignore[arg-type, return-value]
        asked = []
        for name in names:
            question = Question([[name]], False, RecommendConfig())
            asked.append(asyncio.ensure_future(batcher.ask(question)))
            for _ in range(turns):
                await asyncio.sleep(0)
        found = await asyncio.gather(*asked, return_exceptions=True)
        batcher.close()
        return found

    return asyncio.run(ask()), tally


def test_requests_that_arrive_together_are_answered_in_one_pass():
    model = Model()
    found, tally = ask_all(model, ["a", "b", "none", "c"])
    assert model.passes == [("MainThread", ["a", "b", "none", "c"])]
    assert [answer.body for answer in found] == [b"a", b"b", b'{"error": "none"}', b"c"]
    assert (tally.sessions, found[2].status) == (3, 422)


def test_a_pass_waits_for_those_that_each_turn_brings():
    model = Model()
    names = [str(number) for number in range(20)]
    found, _ = ask_all(model, names, turns=1)
    assert [answer.body.decode() for answer in found] == names
    assert len(model.passes) < 5  # each alone would make twenty


def test_a_pass_has_so_many_requests_at_most():
    model = Model()
    ask_all(model, ["x"] * (MAX_TOGETHER + 1))
    assert [len(names) for _, names in model.passes] == [MAX_TOGETHER, 1]
    model = Model(QUICK_PASS / 5)
    ask_all(model, ["x"] * 12)
    assert [len(names) for _, names in model.passes] == [5, 5, 2]


def test_what_takes_long_is_answered_on_a_thread():
    model = Model(QUICK_REQUEST + 1)
    ask_all(model, ["a", "b"])
    assert model.passes == [("model", ["a", "b"])]
    model = Model(float("inf"))
    ask_all(model, ["a"])
    assert model.passes == [("model", ["a"])]


@pytest.mark.parametrize("work", [1, QUICK_REQUEST + 1])
def test_a_bug_ends_its_own_pass_alone(work: float):
    model = Model(work)
    names = ["a"] * (MAX_TOGETHER - 1) + ["bug", "b", "c"]
    found, _ = ask_all(model, names)
    assert all(isinstance(one, ZeroDivisionError) for one in found[:MAX_TOGETHER])
    assert [answer.body for answer in found[MAX_TOGETHER:]] == [b"b", b"c"]


def test_a_session_that_is_not_there_cannot_be_forgotten():
    async def forget() -> list[Answer]:
        store = SessionStore(9, 9)
        store.take("anna")
        batcher = Batcher(Model, store, 9, lambda _: None)  # type: ignore[arg-type, return-value]
        return [await batcher.ask(Forget("anna")) for _ in range(2)]

    assert [answer.status for answer in asyncio.run(forget())] == [204, 404]


def test_the_work_of_a_session_grows_with_items_units_and_events():
    shape = GruShape(10, (4, 3), "separate")
    stream = GruStream(shape, initialise_weights(shape, seed=1))
    layers = 3 * (4 * 4 + 3 * (3 + 4))
    assert stream.work(2, 7) == 2 * 10 * 3 + 7 * layers
    assert ReplayStream(None).work(1, 1) == float("inf")  # type: ignore[arg-type]


def test_every_stream_states_its_work():
    streams = []
    for path in Path(sbrcli.__file__).parent.joinpath("models").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                if {"advance", "scores"} <= methods:
                    assert "work" in methods, node.name
                    streams.append(node.name)
    assert {"GruStream", "SasRecStream", "BlendStream", "ReplayStream"} <= set(streams)


def test_different_sessions_grow_together_and_one_event_after_the_other():
    passes: list[list[tuple[str, list[str]]]] = []

    class Growing(Model):
        def add_events(self, pairs: list[Any]) -> list[Any]:
            passes.append([(events.session_id, list(session.items)) for session, events in pairs])
            for session, events in pairs:
                session.items += events.items
            return [Written(",".join(session.items), Tally(1)) for session, _ in pairs]

    def add(name: str, item: str) -> Events:
        return Events(name, [item], RecommendConfig())

    works = [add("a", "1"), add("b", "2"), Question([["q"]], False, RecommendConfig())]
    works += [add("a", "3"), Forget("b"), add("b", "4"), add("c", "5")]

    async def ask() -> list[Answer]:
        batcher = Batcher(Growing, SessionStore(9, 9), 99, lambda _: None)  # type: ignore[arg-type, return-value]
        found = await asyncio.gather(*map(batcher.ask, works))
        batcher.close()
        return found

    bodies = [answer.body for answer in asyncio.run(ask())]
    assert bodies == [b"1", b"2", b"q", b"1,3", b"", b"4", b"5"]
    assert passes == [
        [("a", []), ("b", [])],
        [("a", ["1"])],
        [("b", []), ("c", [])],
    ]
