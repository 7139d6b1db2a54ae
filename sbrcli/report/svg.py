"""Convert matplotlib's SVG into an element of a page: no style attributes, the page's colours."""

import re
from xml.etree import ElementTree

COLOURS = {
    "ink": "#000001",
    "soft": "#000002",
    "line": "#000003",
    "one": "#000004",
    "two": "#000005",
    "three": "#000006",
}
"""The colours to draw with, by the name of the page's colour that replaces each."""

_PAGE_COLOURS = {code: f"var(--{name})" for name, code in COLOURS.items()} | {"none": "none"}
_HREF = "{http://www.w3.org/1999/xlink}href"
_FIGURE = re.compile(r"\d+\.\d+")
_REFERENCE = re.compile(r"url\(#(.+)\)")


def embed_svg(text: str, name: str, alt: str) -> str:
    """Rewrite an SVG document as an element of a page.

    A policy that forbids inline styles blocks `style="…"`; equivalent presentation attributes
    replace it. Unused identifiers are removed, and the others are prefixed with `name`, so that one
    page can contain several plots.

    Args:
        text: the SVG by matplotlib, drawn in `COLOURS`.
        name: the plot's name, unique on the page.
        alt: the alternative text for screen readers.

    Raises:
        ValueError: it contains a colour that is not in `COLOURS`.
    """
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            child.tail = None
            if _tag(child) in ("metadata", "style"):
                parent.remove(child)
    root.tail = None
    used = {reference for element in root.iter() for reference in _references(element)}
    for element in root.iter():
        element.tag = _tag(element)
        if element.text and not element.text.strip():
            element.text = None
        attributes = _rewritten(element, name, used)
        element.attrib.clear()
        element.attrib.update(attributes)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update({"class": "plot", "viewBox": box, "role": "img", "aria-label": alt})
    return ElementTree.tostring(root, encoding="unicode")


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _references(element: ElementTree.Element) -> list[str]:
    found = [match[1] for value in element.attrib.values() if (match := _REFERENCE.match(value))]
    href = element.attrib.get(_HREF, "")
    return [*found, href[1:]] if href else found


def _rewritten(element: ElementTree.Element, name: str, used: set[str]) -> dict[str, str]:
    """Return the attributes of an element, rewritten for the page."""
    found: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "id":
            found |= {"id": f"{name}-{value}"} if value in used else {}
        elif key == _HREF:
            found["href"] = f"#{name}-{value[1:]}"
        elif key == "style":
            found |= _presentation(value)
        elif match := _REFERENCE.match(value):
            found[key] = f"url(#{name}-{match[1]})"
        elif key in ("d", "points", "transform", "x", "y", "width", "height"):
            found[key] = _shortened(value)
        else:
            found[key] = value
    return found


def _presentation(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute as attributes, without the font."""
    pairs = (part.partition(":")[::2] for part in style.split(";") if part.strip())
    said = {key.strip(): value.strip() for key, value in pairs}
    said.pop("font-family", None)
    for key in said.keys() & {"fill", "stroke"}:
        if said[key] not in _PAGE_COLOURS:
            raise ValueError(f"a plot is drawn in {said[key]}, which is no colour of the page")
        said[key] = _PAGE_COLOURS[said[key]]
    return said


def _shortened(numbers: str) -> str:
    """Round numbers to hundredths of a unit, and remove line ends."""
    rounded = _FIGURE.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(rounded.split())
