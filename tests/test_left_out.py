"""A test run says at its end what it left out, and why."""

import os
import subprocess
import sys
from pathlib import Path

from tests import left_out

ROOT = Path(__file__).parents[1]

TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no browser is installed")

def test_runs():
    pass

def test_looks_at_a_page(browser):
    pass

@pytest.mark.parametrize("page", [1, 2])
def test_looks_at_pages(browser, page):
    pass

@pytest.mark.skipif(True, reason="the system has no /dev/full")
def test_writes_to_a_full_disk():
    pass

@pytest.mark.slow
def test_takes_long():
    pass
"""

MODULE = 'import pytest\n\npytest.importorskip("no_such_module", reason="no such module")\n'


HOOKS = ("pytest_terminal_summary", "pytest_runtest_makereport", "pytest_make_collect_report")


def run_pytest(folder: Path, *words: str, require: str = "", code: int = 0) -> str:
    (folder / "conftest.py").write_text(f"from tests.left_out import {', '.join(HOOKS)}\n")
    (folder / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {ROOT}\nmarkers = slow\naddopts = -m 'not slow'\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    # Plugins that are installed take seconds to load, and have no part in this.
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SBR_TESTS_REQUIRE": require}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_run_ends_with_the_tests_it_left_out_and_why(tmp_path: Path):
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_whole.py").write_text(MODULE)
    for words in ((), ("-q",)):
        _, _, end = run_pytest(tmp_path, *words).partition("left out on this machine")
        listed = [line for line in end.splitlines()[1:] if line]
        assert listed[:4] == [
            f"{left_out.SLOW}: test_some.py (1)",
            "no browser is installed: test_some.py (3)",
            "no such module: test_whole.py (1)",
            "the system has no /dev/full: test_some.py (1)",
        ]


def test_where_all_tests_are_required_what_is_skipped_fails(tmp_path: Path):
    (tmp_path / "test_some.py").write_text(TESTS)
    said = run_pytest(tmp_path, require="all", code=1)
    for reason in ("no browser is installed", "the system has no /dev/full"):
        assert f"left out, where all tests are required: {reason}" in said
    assert " 1 passed, 1 deselected, 4 errors in " in said.splitlines()[-1]

    (tmp_path / "test_some.py").write_text("def test_runs():\n    pass\n")
    (tmp_path / "test_whole.py").write_text(MODULE)
    said = run_pytest(tmp_path, require="all", code=2)
    assert "left out, where all tests are required: no such module" in said


def test_what_no_machine_owes_is_left_out_where_all_tests_are_required(tmp_path: Path):
    (reason,) = left_out.MAY_BE_LEFT_OUT
    (tmp_path / "test_some.py").write_text(
        TESTS.split("@pytest.fixture", maxsplit=1)[0]
        + f"""
def test_mounts_a_disk():
    pytest.skip({reason!r})
"""
    )
    assert f"{reason}: test_some.py (1)" in run_pytest(tmp_path, require="all")


def test_a_run_that_left_nothing_out_has_no_list(tmp_path: Path):
    (tmp_path / "test_some.py").write_text("def test_runs():\n    pass\n")
    assert "left out" not in run_pytest(tmp_path)


def test_what_the_command_line_leaves_out_is_not_listed(tmp_path: Path):
    (tmp_path / "test_some.py").write_text(
        "def test_runs():\n    pass\n\n\ndef test_another():\n    pass\n"
    )
    assert "left out" not in run_pytest(tmp_path, "-k", "runs")


def test_this_projects_own_tests_have_the_list():
    from tests import conftest

    for hook in (*HOOKS, "pytest_sessionfinish", "pytest_testnodedown"):
        assert getattr(conftest, hook) is getattr(left_out, hook)
