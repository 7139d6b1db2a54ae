"""The parts of a page: what a user wrote is never read as HTML, and what is hidden is seen."""

import pytest

from sbrcli.report.html import (
    Number,
    Section,
    percent,
    visible,
    write_commands,
    write_details,
    write_facts,
    write_figure,
    write_missing,
    write_paragraph,
    write_plots,
    write_rows,
    write_table,
    write_text,
)

HOSTILE = '<script>alert("1")</script>&\''
HARMLESS = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;"


@pytest.mark.parametrize(
    ("part", "times"),
    [
        (write_text(HOSTILE), 1),
        (write_paragraph(HOSTILE), 1),
        (write_figure("<svg/>", HOSTILE, HOSTILE), 2),
        (write_figure("", HOSTILE, HOSTILE), 2),
        (write_facts({HOSTILE: HOSTILE}), 2),
        (write_rows([(HOSTILE, HOSTILE)]), 2),
        (write_commands([HOSTILE, HOSTILE]), 2),
        (write_missing(HOSTILE, HOSTILE), 2),
        (write_details(HOSTILE, ""), 1),
        (Section("a", HOSTILE, "").to_html(), 1),
        (write_table(HOSTILE, [HOSTILE], [[HOSTILE], [Number(1, HOSTILE)]]), 6),
    ],
)
def test_what_a_user_wrote_is_escaped_wherever_it_stands(part, times):
    assert HOSTILE not in part
    assert "<script" not in part
    assert part.count(HARMLESS) == times


def test_what_turns_text_around_or_is_not_seen_is_shown_as_its_escape():
    assert visible("a\u202eb\x00c\x1b[31m\ud800") == "a\\u202eb\\x00c\\x1b[31m\\ud800"
    assert visible("line\nend") == "line\\nend"


def test_letters_of_every_script_and_what_joins_them_stay():
    for text in ("Amélie", "千と千尋", "नि\u200dय", "👩\u200d🚀"):
        assert visible(text) == text


def test_a_table_is_sorted_by_the_values_and_shows_them_for_a_person():
    table = write_table("t", ["a", "b", "c"], [[1234, 0.5, "x"], [None, percent(0.125), None]])
    assert table.count('<button type="button">') == 3
    assert '<td class="number" data-value="1234">1,234</td>' in table
    assert '<td class="number" data-value="0.5">0.5000</td>' in table
    assert '<td class="number" data-value="0.125">12.5 %</td>' in table
    assert '<td class="number"></td>' in table
    assert "<td>x</td>" in table


def test_the_best_row_is_bold_and_the_run_s_own_is_tinted():
    table = write_table("t", ["a"], [["x"], ["y"], ["z"]], best=0, own=1)
    assert '<tr class="best"><td>x</td></tr>' in table
    assert '<tr class="own"><td>y</td></tr>' in table
    assert "<tr><td>z</td></tr>" in table
    assert '<tr class="best own">' in write_table("t", ["a"], [["x"]], best=0, own=0)


def test_without_a_plot_its_words_are_a_paragraph_and_without_words_there_is_nothing():
    assert write_figure("", "Loss", "It fell.") == "<p>Loss: It fell.</p>\n"
    assert write_figure("", "Loss") == ""
    assert write_plots([""]) == ""


def test_a_table_has_a_name_and_can_be_scrolled_by_keyboard():
    table = write_table("Epochs", ["a"], [[1]])
    assert '<div class="wide" tabindex="0" role="region" aria-label="Epochs">' in table
    assert "<figcaption>Epochs</figcaption>" in table


def test_large_figures_have_few_decimals_and_words_stay_words():
    rows = write_rows([("a", 12345.678), ("b", True), ("c", False), ("d", "text")])
    assert "<dd>12,345.7</dd>" in rows
    assert "<dd>yes</dd>" in rows
    assert "<dd>no</dd>" in rows
    assert "<dd>text</dd>" in rows


def test_what_is_missing_comes_with_its_command():
    assert write_missing("It is not there.", "sbr evaluate") == (
        '<p class="verdict missing">It is not there. Run <code>sbr evaluate</code>, then write '
        "the report again.</p>\n"
    )
