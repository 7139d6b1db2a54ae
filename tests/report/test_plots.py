"""Plots: the same each time, whatever the user's matplotlib is set to, and readable as text."""

import sys
from xml.etree import ElementTree

import matplotlib
import pytest

from sbrcli.errors import ConfigError
from sbrcli.report.plots import draw_plot, require_matplotlib
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


def test_the_plot_tells_what_it_shows_to_who_can_not_see_it():
    root = ElementTree.fromstring(draw_plot("a", "told\x00 <b>", paint))
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "told\\x00 <b>")


def test_a_plot_is_as_high_as_it_is_asked_to_be():
    root = ElementTree.fromstring(draw_plot("a", "", paint, height=123))
    assert root.attrib["viewBox"] == "0 0 340 123"


def test_without_matplotlib_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError) as caught:
        require_matplotlib()
    assert str(caught.value) == (
        "sbr report draws its plots with matplotlib, which cannot be imported: import of "
        "matplotlib halted; None in sys.modules"
    )
    assert caught.value.hint == (
        "pip install matplotlib, or pip install '.[report]' in the folder of sbr"
    )
