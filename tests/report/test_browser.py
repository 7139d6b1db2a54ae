"""The page in a headless Chromium: it is seen, it sorts, nothing overflows, nobody complains."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sbrcli.report.report import write_report
from tests.report.chromium import Browser, find_chromium, open_browser
from tests.report.test_style import DARK, LIGHT
from tests.report.workdirs import make_evaluated

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

WIDTHS = (320, 375, 1280)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    long = "An uncommonly_long_name" * 20
    titles = [long if item % 3 else f"Film {item}" for item in range(40)]
    workspace = make_evaluated(folder / "w", titles=titles, refit=2)
    write_report(workspace.open("run"), workspace, folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(str(CHROMIUM), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def without_complaint(browser: Browser) -> Iterator[None]:
    """No message on the console, no broken policy, no exception, no request, in any test."""
    browser.faults.clear()
    yield
    assert browser.faults == []


def colours_of(png: bytes) -> dict[str, int]:
    """Count the pixels of each colour of a picture."""
    counts = Image.open(BytesIO(png)).convert("RGB").getcolors(2**24)
    return {"#" + bytes(colour).hex(): count for count, colour in counts}  # type: ignore[union-attr, misc]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_drawn_in_the_colours_of_the_scheme(browser, page, dark):
    scheme = DARK if dark else LIGHT
    browser.open(page, width=375, dark=dark)
    counts = colours_of(browser.screenshot())
    most = max(counts, key=lambda colour: counts[colour])
    assert most == scheme["paper"]
    for name in ("card", "one", "ink"):
        assert counts.get(scheme[name], 0) > 100, name


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(browser, page, width):
    browser.open(page, width=width)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.run("document.documentElement.scrollWidth") <= width
    beyond = """[...document.querySelectorAll("body *")]
        .filter((one) => !one.closest(".wide, pre, svg, nav"))
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 80))"""
    assert browser.run(beyond) == []


def test_tables_scroll_within_their_own_box_on_a_phone(browser, page):
    browser.open(page, width=375)
    boxes = "Array.from(document.querySelectorAll('.wide, nav div'), "
    boxes += "(one) => [one.clientWidth, one.scrollWidth])"
    found = browser.run(boxes)
    assert any(inner > outer for outer, inner in found)
    assert all(outer <= 375 for outer, _ in found)


def test_the_contents_and_the_first_column_stay_in_sight(browser, page):
    browser.open(page, width=375)
    browser.run("document.querySelector('#data').scrollIntoView()")
    assert browser.run("Math.round(document.querySelector('nav').getBoundingClientRect().top)") == 0
    under = "document.querySelector('#data h2').getBoundingClientRect().top >= "
    under += "document.querySelector('nav').getBoundingClientRect().bottom"
    assert browser.run(under)
    browser.run("document.querySelector('#accuracy .wide:has(.own)').scrollLeft = 300")
    left = "document.querySelector('#accuracy tr.own td').getBoundingClientRect().left"
    assert browser.run(left) >= 0


@pytest.mark.parametrize(("width", "shown"), [(375, "narrow"), (1280, "wide")])
def test_the_leaderboard_is_drawn_for_the_screen(browser, page, width, shown):
    browser.open(page, width=width)
    plots = "[...document.querySelectorAll('.narrow-plot, .wide-plot')]"
    script = f"{plots}.filter((one) => one.checkVisibility()).map((one) => one.className)"
    assert browser.run(script) == [f"{shown}-plot"]


def column(number: int) -> str:
    cells = f"[...board.tBodies[0].rows].map((row) => row.cells[{number}].textContent)"
    board = 'document.querySelector("#breakdown table")'
    return f"(() => {{ const board = {board}; return {cells} }})()"


def press(number: int) -> str:
    return f'document.querySelectorAll("#breakdown th button")[{number}].click()'


def test_a_press_on_a_column_s_name_sorts_and_another_turns_it_around(browser, page):
    browser.open(page, width=1280)
    before = [int(text.replace(",", "")) for text in browser.run(column(2))]
    assert before != sorted(before)
    browser.run(press(2))
    after = [int(text.replace(",", "")) for text in browser.run(column(2))]
    assert after == sorted(before)
    head = 'document.querySelectorAll("#breakdown th")[2].getAttribute("aria-sort")'
    assert browser.run(head) == "ascending"
    browser.run(press(2))
    assert [int(text.replace(",", "")) for text in browser.run(column(2))] == after[::-1]
    assert browser.run(head) == "descending"


def test_words_are_sorted_by_the_alphabet_and_empty_cells_come_last(browser, page):
    browser.open(page, width=1280)
    browser.run(press(0))
    names = browser.run(column(0))
    assert names == sorted(names)
    cells = """[...document.querySelectorAll("#accuracy table")].pop().tBodies[0].rows"""
    options = f"[...{cells}].map((row) => [...row.cells].pop().textContent)"
    for _ in range(2):
        browser.run('[...document.querySelectorAll("#accuracy th button")].pop().click()')
        assert browser.run(options) == ["steps=1,decay=div", "", ""]


def test_every_name_of_a_column_and_every_box_can_be_reached_by_keyboard(browser, page):
    browser.open(page, width=375)
    script = """[...document.querySelectorAll("th button, summary, .wide, pre, nav a")]
        .filter((one) => one.tabIndex < 0).length"""
    assert browser.run(script) == 0


def test_a_screen_reader_gets_each_plot_table_and_column(browser, page):
    browser.open(page, width=375)
    browser.run("document.querySelector('#breakdown details').open = true")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    names: dict[str, list[str]] = {}
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        names.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    assert len(names["image"]) > 5
    assert len(names["table"]) > 5
    assert all(names["image"]) and all(names["table"]) and all(names["button"])
    assert "events" in names["button"]
    shown = "[...document.querySelectorAll('svg')].filter((one) => one.checkVisibility()).length"
    assert browser.run(shown) == len(names["image"])


def test_plots_follow_the_scheme(browser, page):
    stroke = 'getComputedStyle(document.querySelector("svg.plot [stroke]")).stroke'
    found = []
    for dark in (False, True):
        browser.open(page, width=375, dark=dark)
        found.append(browser.run(stroke))
    assert found[0] != found[1]


def test_a_foreign_script_would_be_stopped_and_seen(browser, page, tmp_path):
    """What the other tests rely on: the policy holds, and a broken one is noticed."""
    text = page.read_text().replace("</main>", "<script>document.title = 'x'</script></main>")
    hostile = tmp_path / "hostile.html"
    hostile.write_text(text)
    browser.open(hostile, width=375)
    assert browser.run("document.title") == "log · GRU4Rec"
    assert any("Content Security Policy" in fault for fault in browser.faults)
    browser.faults.clear()
