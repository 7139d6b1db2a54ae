"""A plot in a page: no style attribute, the page's colours, and names of its own."""

import re
from xml.etree import ElementTree

import pytest

from sbrcli.report.svg import COLOURS, embed_svg

XLINK = "http://www.w3.org/1999/xlink"
SVG = f"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="{XLINK}" width="9pt" viewBox="0 0 9 8">
 <metadata>who and when</metadata>
 <defs><style type="text/css">*{{stroke-linejoin: round}}</style></defs>
 <g id="figure_1"><path id="mark" d="M 1.23456 2.0
L 3 40.5 " style="fill: none; stroke: {COLOURS["one"]}; stroke-width: 0.8"/></g>
 <use xlink:href="#mark" x="1.999" clip-path="url(#box)"/>
 <clipPath id="box"/>
 <text style="font-size: 10px; font-family: 'DejaVu Sans', sans-serif">a &lt; b</text>
</svg>"""


def test_styles_become_attributes_and_what_is_not_needed_goes():
    assert embed_svg(SVG, "plot", 'A "plot"') == (
        '<svg class="plot" viewBox="0 0 9 8" role="img" aria-label="A &quot;plot&quot;">'
        "<defs />"
        '<g><path id="plot-mark" d="M 1.23 2 L 3 40.5" fill="none" stroke="var(--one)" '
        'stroke-width="0.8" /></g>'
        '<use href="#plot-mark" x="2" clip-path="url(#plot-box)" />'
        '<clipPath id="plot-box" />'
        '<text font-size="10px">a &lt; b</text>'
        "</svg>"
    )


def test_two_plots_share_no_name():
    one, two = (ElementTree.fromstring(embed_svg(SVG, name, "")) for name in ("a", "b"))
    names = [
        element.attrib["id"]
        for root in (one, two)
        for element in root.iter()
        if "id" in element.attrib
    ]
    assert sorted(names) == ["a-box", "a-mark", "b-box", "b-mark"]


def test_a_colour_that_does_not_follow_the_page_is_a_bug():
    with pytest.raises(ValueError, match=r"^a plot is drawn in #123456, which is no colour of the"):
        embed_svg(SVG.replace(COLOURS["one"], "#123456"), "plot", "")


def test_nothing_refers_to_what_lies_outside():
    embedded = embed_svg(SVG, "plot", "")
    assert "http" not in embedded
    assert not re.search(r'style=|href="[^#]', embedded)
