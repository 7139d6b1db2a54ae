"""Recommendations written as text are the documents of `Recommendation`, number for number."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.serve.answer_texts import ItemTexts, Tally, Written, join_written, write_recommendation
from sbrcli.serve.answers import Question, RequestError, read_question
from sbrcli.serve.open_question import ChosenRows, OpenQuestion
from sbrcli.workflow.choose_items import choose_items
from sbrcli.workflow.recommend import describe_row, known_items, unknown_ids
from sbrcli.workflow.rules import Rules

TEXTS = st.text(st.characters(exclude_categories=()), min_size=1, max_size=6)  # surrogates too
SCORES = st.floats(-(2.0**40), 2.0**40, width=32)


@given(
    ids=st.lists(TEXTS, min_size=3, max_size=9, unique=True),
    titles=st.one_of(st.none(), st.lists(st.one_of(st.none(), TEXTS), min_size=9, max_size=9)),
    scores=st.lists(SCORES, min_size=9, max_size=9),
    k=st.integers(1, 12),
    session=st.lists(TEXTS, max_size=4),
    is_excluding=st.booleans(),
)
def test_a_text_holds_the_document_of_a_recommendation(
    ids, titles, scores, k, session, is_excluding
):
    count = len(ids)
    items = RunItems(ids, np.ones(count, np.int64), titles and titles[:count])
    session = [ids[1], *session, ids[0], ids[1]]
    config, rules = RecommendConfig(k=k), Rules(count)
    if is_excluding:
        rules = rules.with_ids(items, exclude=[ids[2], "no such"])
    known = known_items(items, session)
    row = np.array([scores[:count]], np.float32)
    chosen = choose_items(row, [known], config, rules)
    wanted = describe_row(
        items, known, unknown_ids(items, session), chosen, 0, config, rules
    ).to_document()
    opened = OpenQuestion(Question([session], False, config), items, None, rules)  # type: ignore[arg-type]
    opened.describe(0, ChosenRows(chosen), 0)
    written = opened.answer()
    assert isinstance(written, Written)
    found = json.loads(written.to_answer().body)
    assert found == json.loads(json.dumps(wanted))
    assert list(found) == list(wanted)
    assert written.tally == Tally(1, 0, len(session) - len(known), len(session))


def test_a_text_is_written_as_literally_so():
    items = RunItems(["7", 'a"b'], np.array([2, 1]), ["Dust \\ Road", None])
    texts = ItemTexts(items)
    text = write_recommendation(texts, [1], ["é"], [0, 1], [1.5, -2e-7], {"short": "items"})
    again = write_recommendation(texts, [1], ["é"], [0, 1], [1.5, -2e-7], {"short": "items"})
    assert again == text
    assert text == (
        '{"items": [{"rank": 1, "item": "7", "score": 1.500000, "title": "Dust \\\\ Road"}, '
        '{"rank": 2, "item": "a\\"b", "score": -0.000000}], "unknown": ["é"], '
        '"session": [{"item": "a\\"b"}], "short": "items"}'
    )
    assert join_written([]) == "[]"
    assert json.loads(join_written([text, text])) == 2 * [json.loads(text)]


def test_the_stored_texts_of_items_are_limited_in_number(monkeypatch):
    monkeypatch.setattr("sbrcli.serve.answer_texts._MAX_TEXTS", 3)
    texts = ItemTexts(RunItems(list("abcde"), np.ones(5, np.int64)))
    for _ in range(2):
        assert [texts.ids[at] for at in range(5)] == ['"a"', '"b"', '"c"', '"d"', '"e"']
        assert len(texts.ids) <= 3


def test_scores_that_are_not_finite_are_said_to_be():
    items = RunItems(["1", "2", "3"], np.ones(3, np.int64))
    question = read_question(b'{"items": ["1"]}')
    opened = OpenQuestion(question, items, None, Rules(3))  # type: ignore[arg-type]
    scores = np.array([[0, np.inf, 1]], np.float32)
    opened.describe(0, ChosenRows(choose_items(scores, [[0]], question.config, Rules(3))), 0)
    error = opened.answer()
    assert isinstance(error, RequestError)
    assert (error.status, error.hint) == (500, "train it again with a lower learning rate")
    assert error.message == "the run scores this session with numbers that are not finite"
