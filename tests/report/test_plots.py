"""Plots: the same each time, whatever the user's matplotlib is set to, and readable as text."""

import re
import sys
from xml.etree import ElementTree

import matplotlib
import pytest

from sbrcli.report.plots import can_draw, draw_plot
from sbrcli.report.svg import COLOURS


def paint(axes) -> None:
    axes.plot([1, 2], [3, 4], color=COLOURS["one"], marker="o")
    axes.set_xlabel("costs in $ and $")


def test_the_same_plot_is_the_same_text():
    assert draw_plot("a", "told", paint) == draw_plot("a", "told", paint)


def test_the_user_s_own_settings_change_nothing():
    plain = draw_plot("a", "told", paint)
    with matplotlib.rc_context({"xtick.direction": "in", "font.size": 40, "axes.linewidth": 5}):
        assert draw_plot("a", "told", paint) == plain
        assert matplotlib.rcParams["font.size"] == 40


def test_words_stay_words_and_no_formula():
    texts = [e.text for e in ElementTree.fromstring(draw_plot("a", "", paint)).iter() if e.text]
    assert "costs in $ and $" in texts


def test_the_plot_tells_what_it_shows_to_who_cannot_see_it():
    root = ElementTree.fromstring(draw_plot("a", "told\x00 <b>", paint))
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "told\\x00 <b>")


def test_a_plot_is_as_high_as_it_is_asked_to_be():
    root = ElementTree.fromstring(draw_plot("a", "", paint, height=123))
    assert root.attrib["viewBox"] == "0 0 380 123"


def test_a_plot_with_margins_has_its_axes_where_they_say():
    places = []
    for label in ("a", "a much longer label"):

        def name(axes, label=label) -> None:
            axes.set_yticks([0], [label])

        root = ElementTree.fromstring(draw_plot("a", "", name, margins=(88, 52)))
        (edges,) = {
            float(number)
            for path in root.iter("path")
            for number in re.findall(r"M ([0-9.]+) 180 L \1 6", path.attrib["d"])
        } or {None}
        places.append(edges)
    assert places == [88.0, 88.0]


def test_without_matplotlib_there_is_no_plot(monkeypatch):
    assert can_draw()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not can_draw()
    assert draw_plot("a", "told", lambda _: pytest.fail("drawn")) == ""
