"""The warning about a model that is near popularity."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sbrcli.evaluation.list_variety import ListVariety
from sbrcli.reporter import SilentReporter
from sbrcli.workflow import judge_lists as judging
from sbrcli.workflow.judge_lists import judge_lists


class Warnings(SilentReporter):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


def judge(monkeypatch, variety: ListVariety | None) -> tuple[Any, list[str]]:
    monkeypatch.setattr(judging, "load_weights", lambda *_: {})
    monkeypatch.setattr(judging, "measure_variety", lambda *_: variety)
    job: Any = SimpleNamespace(family=SimpleNamespace(make_scorer=lambda *_: None))
    data: Any = SimpleNamespace(shape=None, train_count=None)
    valid: Any = SimpleNamespace()
    reporter = Warnings()
    return judge_lists(job, Path("run"), data, valid, reporter), reporter.texts


def test_a_model_near_popularity_is_warned_about_in_one_line(monkeypatch):
    found, texts = judge(monkeypatch, ListVariety(1714, 0.94, 0.0038, 0.64))
    assert found == {
        "lists": 1714,
        "distinct_share": 0.94,
        "coverage": 0.0038,
        "popular_share": 0.64,
    }
    assert texts == [
        "the model is near popularity: of the top lists on valid, 94.0 % are distinct, 64.0 % of "
        "what they hold are the 20 most popular items, and they cover 0.4 % of all items; try more "
        "--epochs, another --learning-rate, more --hsz or less --dropout"
    ]


@pytest.mark.parametrize("variety", [ListVariety(1714, 0.96, 0.36, 0.03), None])
def test_other_models_are_not(monkeypatch, variety):
    found, texts = judge(monkeypatch, variety)
    assert (found is None) == (variety is None)
    assert texts == []


def test_without_a_valid_split_nothing_is_judged():
    nothing: Any = None
    assert judge_lists(nothing, Path("run"), nothing, None, Warnings()) is None
