"""The report's page: nothing from outside, and no text of a user's is read as HTML."""

from sbrcli.report.page import write_page, write_section, write_table

HOSTILE = '<script>alert("1")</script>'


def test_what_a_user_wrote_is_escaped_wherever_it_stands():
    table = write_table(HOSTILE, [HOSTILE], [[HOSTILE]])
    page = write_page(HOSTILE, [write_section(HOSTILE, table)])
    assert HOSTILE not in page
    # title and h1; h2; the table's label, caption, column and cell
    assert page.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;") == 2 + 1 + 4


def test_a_page_asks_for_nothing_from_outside():
    page = write_page("run", [])
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_each_column_is_sorted_by_a_button():
    table = write_table("t", ["a", "b"], [[1, 2]])
    assert table.count('<th scope="col"><button type="button">') == 2
    assert "<td>1</td><td>2</td>" in table
