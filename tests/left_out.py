"""The end of a test run: which tests it left out, and why.

Without `-rs` pytest says only how many tests it has skipped, so that a machine that lacks a browser
or the real logs looks as green as one that has them. Where the environment variable
SBR_TESTS_REQUIRE is `all`, as in `.ci/run`, what is skipped fails.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import pytest

SLOW = "marked slow: run with -m slow"
MAY_BE_LEFT_OUT = {"no disk can be mounted here"}
"""What no program makes good that a machine lacks: containers have no right to it."""

_collected: list[str] = []
"""With pytest-xdist: what the workers left out while they collected, in their own words."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test that is skipped fail where all are required."""
    report = yield
    _require(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a file that is skipped fail where all are required."""
    report = yield
    _require(report)
    return report


def _require(report: pytest.TestReport | pytest.CollectReport) -> None:
    is_required = os.environ.get("SBR_TESTS_REQUIRE") == "all"
    if is_required and report.skipped and _reason(report) not in MAY_BE_LEFT_OUT:
        report.outcome = "failed"
        report.longrepr = f"left out, where all tests are required: {_reason(report)}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of pytest-xdist, hand what was left out while collecting to the main one."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
        output["left_out"] = list(name_left_out([], stats.get("deselected", [])))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take that from one process: each of them collects all tests."""
    del error
    _collected[:] = getattr(node, "workeroutput", {}).get("left_out", _collected)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the list; nothing where no test was left out."""
    stats = terminalreporter.stats
    lines = [*_collected, *name_left_out(stats.get("skipped", []), stats.get("deselected", []))]
    if lines:
        terminalreporter.section("left out on this machine")
        for line in lines:
            terminalreporter.write_line(line)


def name_left_out(skipped: Iterable[Any], deselected: Iterable[Any]) -> Iterator[str]:
    """Yield one line for each reason and file: the reason, the file and its number of tests.

    Args:
        skipped: reports of skipped tests, or of whole files that were skipped while collected.
        deselected: tests that pytest's options have left out. Only slow ones are named: the
            others were left out by the words of the one who runs the tests.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for report in skipped:
        counts[_reason(report), _file(report.nodeid)] += 1
    for item in deselected:
        if item.get_closest_marker("slow"):
            counts[SLOW, _file(item.nodeid)] += 1
    for (reason, file), count in sorted(counts.items()):
        yield f"{reason}: {file} ({count})"


def _file(nodeid: str) -> str:
    return nodeid.split("::", maxsplit=1)[0]


def _reason(report: Any) -> str:
    """Return why a test was skipped; a report's text is (file, line, reason)."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
