"""The page of the service in a headless Chromium, by clicks and by keys."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.report.chromium import Browser, find_chromium, open_browser
from tests.serve.served import Served

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(str(CHROMIUM), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def without_complaint(browser: Browser, served: Served) -> Iterator[None]:
    """No message on the console, no broken policy, and no request to another server."""
    browser.allowed = (f"http://127.0.0.1:{served.port}/",)
    browser.faults.clear()
    yield
    assert browser.faults == []


def opened(browser: Browser, served: Served, *, width: int, dark: bool = False) -> None:
    browser.open(f"http://127.0.0.1:{served.port}/", width=width, dark=dark)
    wait_for(browser, "document.querySelectorAll('#found li').length == 12")


def wait_for(browser: Browser, condition: str) -> None:
    deadline = time.monotonic() + 60
    while not browser.run(condition):
        assert time.monotonic() < deadline, (condition, browser.run("document.body.innerText"))
        time.sleep(0.05)


def texts(browser: Browser, selector: str) -> list[str]:
    script = f"[...document.querySelectorAll({selector!r})].map(found => found.textContent)"
    return json.loads(browser.run(f"JSON.stringify({script})"))


def type_keys(browser: Browser, text: str) -> None:
    for key in text:
        browser.call("Input.dispatchKeyEvent", type="char", text=key)


def press(browser: Browser, key: str) -> None:
    codes = {"Tab": 9, "Enter": 13}
    text = {"text": "\r"} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        own = text if kind == "keyDown" else {}
        code = codes[key]
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **own
        )


def test_a_session_is_built_by_clicks_and_answered_as_it_grows(browser, served):
    opened(browser, served, width=1280)
    browser.run("document.querySelector('#found button').click()")
    wait_for(browser, "document.querySelectorAll('#next li').length == 10")
    wanted = served.post("/v1/recommend", {"items": ["10"], "k": 10})["items"]
    names = [f"{row['rank']}. {row['title']}" for row in wanted]
    assert texts(browser, "#next li > button:first-of-type") == names
    browser.run("document.querySelector('#next button').click()")
    wait_for(browser, "document.querySelectorAll('#session li').length == 2")
    grown = served.post("/v1/recommend", {"items": ["10", wanted[0]["item"]], "k": 10})["items"]
    first = f"1. {grown[0]['title']}"
    wait_for(browser, f"document.querySelector('#next button').textContent == {first!r}")
    browser.run("document.querySelectorAll('#session li button')[3].click()")  # removes the second
    wait_for(browser, f"document.querySelector('#next button').textContent == {names[0]!r}")
    browser.run("document.querySelector('#clear').click()")
    wait_for(
        browser, "!document.querySelector('#session li') && !document.querySelector('#next li')"
    )


def test_why_and_similar_items_are_shown(browser, served):
    opened(browser, served, width=375)
    for place in (0, 1):
        browser.run(f"document.querySelectorAll('#found button')[{place}].click()")
    wait_for(browser, "document.querySelectorAll('#session li').length == 2")
    wanted = served.post("/v1/recommend", {"items": ["10", "20"], "k": 10})["items"]
    names = "why?".join(f"{row['rank']}. {row['title']}" for row in wanted)
    wait_for(browser, f"document.querySelector('#next').textContent == '{names}why?'")
    browser.run("document.querySelectorAll('#next li button')[1].click()")
    wait_for(browser, "document.querySelectorAll('#next .why').length == 1")
    [why] = texts(browser, "#next .why")
    assert why.startswith("because of Film ") or why == "no event raised its score"
    browser.run("document.querySelector('#session button').click()")
    wait_for(browser, "document.querySelector('#next-title').textContent.startsWith('Similar')")
    found = served.ask("GET", "/v1/items/10/similar?k=10")[1]["items"]
    names = [f"{row['rank']}. {row['title']}" for row in found]
    assert texts(browser, "#next li > button:first-of-type") == names


def test_it_is_used_by_keys_alone(browser, served):
    opened(browser, served, width=1280)
    browser.run("document.querySelector('#words').focus()")
    type_keys(browser, "film 7 ")
    wait_for(browser, "document.querySelector('#found button').textContent == 'Film 7 (1907)'")
    press(browser, "Tab")
    press(browser, "Enter")
    wait_for(browser, "document.querySelectorAll('#session li').length == 1")
    assert texts(browser, "#session li > button:first-of-type") == ["Film 7 (1907)"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_wider_than_the_window(browser, served, width, dark):
    opened(browser, served, width=width, dark=dark)
    browser.run("document.querySelector('#found button').click()")
    wait_for(browser, "document.querySelectorAll('#next li').length == 10")
    assert browser.run("document.documentElement.scrollWidth") <= width
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(21, 24, 28)" if dark else "rgb(255, 255, 255)")
    # What can be pressed is large enough for a finger.
    shown = "[...document.querySelectorAll('button')].filter(one => one.offsetParent)"
    assert browser.run(f"Math.min(...{shown}.map(one => one.offsetHeight))") >= 36
