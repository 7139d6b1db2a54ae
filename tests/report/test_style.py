"""The page's colours can be told apart, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from sbrcli.report.page import STYLE

LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
TEXT = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "hit"),
    ("soft", "paper"),
    ("soft", "card"),
    ("soft", "hit"),
    ("one", "paper"),
    ("two", "paper"),
    ("three", "paper"),
]
GRAPHICS = [("one", "card"), ("two", "card"), ("three", "card"), ("soft", "paper")]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    darker, lighter = sorted((luminance(colour), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_contrast_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_both_schemes_have_the_same_colours():
    assert set(LIGHT) == set(DARK)
    assert LIGHT != DARK


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("colour", "ground"), TEXT)
def test_text_stands_out(scheme, colour, ground):
    assert contrast(scheme[colour], scheme[ground]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("colour", "ground"), GRAPHICS)
def test_graphics_stand_out(scheme, colour, ground):
    assert contrast(scheme[colour], scheme[ground]) >= 3


def test_no_colour_is_written_but_among_the_colours():
    outside = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert not re.search(r"#[0-9a-f]{3}|rgb|hsl", outside)
    assert set(re.findall(r"var\(--(\w+)\)", outside)) <= set(LIGHT) | {"shade"}
