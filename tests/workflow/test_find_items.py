"""Items are found by their titles, and a title is taken for an id only where it is the only one."""

import numpy as np
import pytest

from sbrcli.artefacts.items import RunItems
from sbrcli.workflow.find_items import TitleSearch

FILMS = {
    "1": "Matrix, The (1999)",
    "2": "Back to the Future (1985)",
    "3": "Back to the Future Part II (1989)",
    "4": "Hamlet (1996)",
    "5": "Hamlet (1996)",
    "6": "Amélie (2001)",
    "7": None,
    "8": "2",
}
ITEMS = RunItems(list(FILMS), np.arange(8), list(FILMS.values()))
SEARCH = TitleSearch(ITEMS)


def ids(indices: list[int]) -> list[str]:
    return [ITEMS.ids[index] for index in indices]


@pytest.mark.parametrize(
    ("session", "resolved"),
    [
        (["Back to the Future (1985)"], ["2"]),
        (["BACK TO  the future (1985) ", "4"], ["2", "4"]),
        (["Matrix", "The (1999)"], ["1"]),
        (["6", "matrix", "the (1999)", "x"], ["6", "1", "x"]),
        (["AM\u00c9LIE (2001)"], ["6"]),
        (["AME\u0301LIE (2001)"], ["6"]),
    ],
)
def test_the_only_item_of_a_title_is_taken_for_it(session, resolved):
    assert SEARCH.take_titles(session)[0] == resolved


@pytest.mark.parametrize(
    "text", ["Hamlet (1996)", "Back to the Future", "Amelie (2001)", "x", "2", "7"]
)
def test_titles_of_several_items_parts_of_titles_and_ids_stay_as_they_are(text):
    assert SEARCH.take_titles([text]) == ([text], {})


def test_what_was_taken_is_reported():
    taken = SEARCH.take_titles(["Matrix", "The (1999)", "2"])[1]
    assert taken == {"Matrix, The (1999)": "1"}


def test_words_are_found_in_any_order_without_accents_the_best_title_first():
    assert ids(SEARCH.containing("the matrix")) == ["1"]
    assert ids(SEARCH.containing("back future")) == ["3", "2"]
    assert ids(SEARCH.containing("back to the future (1985)")) == ["2"]
    assert ids(SEARCH.containing("AMELIE")) == ["6"]
    assert ids(SEARCH.containing("amélie")) == ["6"]
    assert ids(SEARCH.containing("hamlet")) == ["5", "4"]  # the one with more events first
    assert ids(SEARCH.containing("7")) == ["7"]
    assert SEARCH.containing("...") == []
    assert SEARCH.containing("nothing") == []


def test_items_without_titles_are_found_by_their_id():
    bare = TitleSearch(RunItems(["a", "b"], np.ones(2, np.int64)))
    assert bare.containing("B") == [1]
    assert bare.exact("b") == []
