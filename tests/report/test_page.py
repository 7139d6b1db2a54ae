"""The page's frame: its policy knows its style and its script, and nothing else."""

import base64
import hashlib
import re

from sbrcli.report.html import Section
from sbrcli.report.page import SCRIPT, STYLE, write_page
from tests.report.test_html import HARMLESS, HOSTILE

PAGE = write_page("Run x", "<p>About.</p>", [Section("one", "One", "<p>1</p>")])


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_policy_allows_the_page_s_own_style_and_script_alone():
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', PAGE)[1]  # type: ignore[index]
    assert policy == (
        f"default-src 'none'; style-src '{digest(STYLE)}'; script-src '{digest(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL) == [SCRIPT]
    assert re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL) == [STYLE]


def test_the_frame_refers_to_nothing_outside():
    assert "http:" not in PAGE
    assert "https:" not in PAGE
    assert not re.search(r"\b(src|@import|url)\b ?[=(]", PAGE)


def test_the_links_lead_to_the_sections():
    assert '<a href="#one">One</a>' in PAGE
    assert '<section id="one">\n<h2>One</h2>\n<p>1</p></section>' in PAGE


def test_a_hostile_name_of_a_run_is_text():
    page = write_page(HOSTILE, "", [])
    assert HOSTILE not in page
    assert page.count(HARMLESS) == 2  # title and h1
    assert page.count("<script") == 1


def test_a_phone_shows_the_page_at_its_own_width():
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in PAGE
    assert '<html lang="en">' in PAGE
