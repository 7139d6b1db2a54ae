"""A self-contained HTML page: its frame, content security policy, style and script."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from sbrcli.report.html import Section, write_text
from sbrcli.version import __version__

STYLE = resources.files(__package__ or "").joinpath("page.css").read_text(encoding="utf-8")
SCRIPT = resources.files(__package__ or "").joinpath("page.js").read_text(encoding="utf-8")


def write_page(title: str, introduction: str, sections: Sequence[Section], note: str = "") -> str:
    """Return a page of sections; its policy blocks all requests and all other scripts.

    Args:
        title: the page's title, plain text.
        introduction: the HTML above the sections.
        sections: the sections, in order.
        note: a remark for the footer, plain text.
    """
    policy = (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    links = "".join(
        f'<a href="#{section.anchor}">{write_text(section.heading)}</a>\n' for section in sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{write_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{write_text(title)}</h1>\n{introduction}</header>\n"
        f'<nav aria-label="Sections">\n<div>\n{links}</div>\n</nav>\n'
        f"<main>\n{''.join(section.to_html() for section in sections)}</main>\n"
        f"<footer><p>Made by sbr report {__version__}. The page needs no network: "
        f"all that it shows is in it. {write_text(note)}</p></footer>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    """Return the source expression of an inline text for a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
