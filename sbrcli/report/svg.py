"""Make a plot of matplotlib's part of a page: no style attributes, the page's own colours."""

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
"""What to draw with, by the name of the page's colour that it becomes."""

_PAGE_COLOURS = {code: f"var(--{name})" for name, code in COLOURS.items()} | {"none": "none"}
_HREF = "{http://www.w3.org/1999/xlink}href"
_FIGURE = re.compile(r"\d+\.\d+")
_REFERENCE = re.compile(r"url\(#(.+)\)")


def embed_svg(text: str, name: str, alt: str) -> str:
    """Rewrite an SVG document as an element of a page.

    A policy that allows no inline style blocks `style="…"`; presentation attributes say the same.
    Identifiers that nothing refers to are left out, and the others begin with `name`, so that
    several plots can stand in one page.

    Args:
        text: what matplotlib wrote, drawn in `COLOURS`.
        name: of the plot, unlike any other of the page.
        alt: what one would tell of it to who cannot see it.

    Raises:
        ValueError: it has a colour that is none of `COLOURS`.
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
    """Return an element's attributes as the page is to have them."""
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
    """Return a style attribute's declarations as attributes; the page sets the font itself."""
    pairs = (part.partition(":")[::2] for part in style.split(";") if part.strip())
    said = {key.strip(): value.strip() for key, value in pairs}
    said.pop("font-family", None)
    for key in said.keys() & {"fill", "stroke"}:
        if said[key] not in _PAGE_COLOURS:
            raise ValueError(f"a plot is drawn in {said[key]}, which is no colour of the page")
        said[key] = _PAGE_COLOURS[said[key]]
    return said


def _shortened(numbers: str) -> str:
    """Leave out what is smaller than a hundredth of a unit, and line ends."""
    rounded = _FIGURE.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(rounded.split())
