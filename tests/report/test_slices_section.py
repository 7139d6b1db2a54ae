"""What the page tells of the slices."""

import re

from sbrcli.evaluation.slices import Slice
from sbrcli.report.slices_section import describe_slices


def cut(kind: str, value: str, mrr: float) -> Slice:
    return Slice(kind, value, 7, {"recall@5": 0.5, "mrr@5": mrr, "ndcg@5": 0.3})


def test_without_slices_the_command_is_named():
    content = describe_slices((), "sbr evaluate --slices").content
    assert "There are no slices yet. Run <code>sbr evaluate --slices" in content


def test_each_kind_of_several_slices_is_a_plot_and_all_stand_in_the_table():
    slices = [cut("position", "2", 0.25), cut("position", "3", 0.5), cut("item", "new", 0.125)]
    content = describe_slices(slices, "").content
    assert content.count("<svg") == 1
    assert (
        'aria-label="Bars of mrr@5 by position. 2: 0.2500 (7 next items), 3: 0.5000 (7 next '
        'items)."' in content
    )
    assert "<td>item</td><td>new</td>" in content
    assert "<summary>All figures as a table</summary>" in content


def test_slices_without_a_hit_can_be_drawn():
    content = describe_slices([cut("item", "new", 0.0), cut("item", "repeat", 0.0)], "").content
    assert content.count("<svg") == 1


def test_many_slices_are_a_curve_that_names_some_of_them():
    slices = [cut("month", f"m{place}", (place % 7) / 10) for place in range(100)]
    content = describe_slices(slices, "").content
    assert re.findall(r">(m\d+)</text>", content) == ["m0", "m33", "m66", "m99"]
    assert (
        'aria-label="Curve of mrr@5 by month, 100 of them from m0 to m99: lowest 0.0000 in m0, '
        'highest 0.6000 in m6."' in content
    )
    assert "<td>m98</td>" in content
