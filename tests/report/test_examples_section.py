"""How the examples are shown."""

from sbrcli.report.examples import Example, NamedItem
from sbrcli.report.examples_section import describe_examples
from tests.report.test_html import HARMLESS, HOSTILE

A, B, C = NamedItem("1", "Ann"), NamedItem("2"), NamedItem("3", "Cid")
HIT = Example(before=2, latest=(A, B), held_back=C, rank=1, best=(C, A), seen=frozenset("1"))
MISS = Example(before=11, latest=(A, B), held_back=B, rank=1234, best=(C, A))


def test_the_item_that_came_is_marked_where_it_was_expected():
    content = describe_examples([HIT, MISS], 4321, 0.25, "film").content
    assert (
        "<p>2 sessions of the test split, from the shortest to the longest. In each, one film was "
        "held back, and the run ranked all 4,321 films by what came before it. In 1 of 2 it ranked "
        "the one held back in its top 10; of all that were scored, in 25.0 %. A list may hold "
        "films that the session held already, as they can come again; these are marked.</p>"
        in content
    )
    assert content.count('<li class="hit">') == 1
    assert '<li class="hit"><bdi>Cid</bdi> <bdi class="id">3</bdi> <span class="came">' in content
    assert '<bdi class="id">1</bdi> <span class="seen">seen before</span></li>' in content
    assert '<span class="rank hit">rank 1</span>' in content
    assert '<span class="rank">rank 1,234</span>' in content
    assert content.count("<details open>") == 1


def test_a_run_that_never_hits_says_so():
    content = describe_examples([MISS], 4321, 0.0).content
    assert "in its top 10; of all that were scored, in 0.0 %. A list" in content


def test_a_session_says_how_much_of_it_is_shown():
    content = describe_examples([HIT, MISS], 9, None).content
    assert "<h3>Before</h3>" in content
    assert "<h3>The last 2 of 11 before</h3>" in content
    assert "In 1 of 2 it ranked the one held back in its top 10. A list" in content
    short = Example(before=1, latest=(A,), held_back=B, rank=2, best=(A, B))
    content = describe_examples([short], 9, None).content
    assert "<h3>Before</h3>" in content
    assert '<span class="soft">after 1 event</span>' in content


def test_hostile_ids_and_titles_are_text():
    item = NamedItem(HOSTILE, HOSTILE)
    example = Example(before=1, latest=(item,), held_back=item, rank=1, best=(item,))
    content = describe_examples([example], 9, None).content
    assert HOSTILE not in content
    assert content.count(HARMLESS) == 3 * 2


def test_a_split_without_targets_is_reported():
    content = describe_examples([], 9, None).content
    assert content == "<p>No session of the test split holds two items that the run knows.</p>\n"
