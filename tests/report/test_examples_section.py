"""How the examples are shown."""

from sbrcli.report.examples import Example, NamedItem
from sbrcli.report.examples_section import describe_examples
from tests.report.test_html import HARMLESS, HOSTILE

A, B, C = NamedItem("1", "Ann"), NamedItem("2"), NamedItem("3", "Cid")
HIT = Example(before=2, latest=(A, B), held_back=C, rank=1, best=(C, A))
MISS = Example(before=11, latest=(A, B), held_back=B, rank=1234, best=(C, A))


def test_the_item_that_came_is_marked_where_it_was_expected():
    content = describe_examples([HIT, MISS], 4321, 0.25).content
    assert (
        "for it among all 4,321 items. 1 of them stand in its top 10; of all next items "
        "scored 25.0 % do. Each line names the item held back and its rank, and opens to the whole "
        "example.</p>" in content
    )
    assert content.count('<li class="hit">') == 1
    assert '<li class="hit"><bdi>Cid</bdi> <bdi class="id">3</bdi> ✓</li>' in content
    assert '<span class="rank hit">rank 1</span>' in content
    assert '<span class="rank">rank 1,234</span>' in content
    assert content.count("<details open>") == 1


def test_a_run_that_never_hits_is_told_so():
    content = describe_examples([MISS], 4321, 0.0).content
    assert "stand in its top 10; of all next items scored 0.0 % do. Each" in content


def test_a_session_says_how_much_of_it_is_shown():
    content = describe_examples([HIT, MISS], 9, None).content
    assert "<h3>The items before</h3>" in content
    assert "<h3>The last 2 of 11 items before</h3>" in content
    assert "1 of them stand in its top 10. Each line" in content
    short = Example(before=1, latest=(A,), held_back=B, rank=2, best=(A, B))
    content = describe_examples([short], 9, None).content
    assert "<h3>The item before</h3>" in content
    assert '<span class="soft">after 1 event</span>' in content


def test_hostile_ids_and_titles_are_text():
    item = NamedItem(HOSTILE, HOSTILE)
    example = Example(before=1, latest=(item,), held_back=item, rank=1, best=(item,))
    content = describe_examples([example], 9, None).content
    assert HOSTILE not in content
    assert content.count(HARMLESS) == 3 * 2


def test_where_no_session_can_be_asked_for_that_is_said():
    content = describe_examples([], 9, None).content
    assert content == "<p>No session of the test split holds two items that the run knows.</p>\n"
