"""Every text that `sbr` says stands in a test, so that none changes or is added unseen.

A text is a line of a string literal, docstrings aside; an f-string has several, between its values.
It must be part of a string of some test, or of the reference page, which a test compares with
`--help`, if

- it is an argument of an error, a warning or a note; or
- it has three words in a row, wherever it stands: a message is often made far from where it is
  raised. Of the report, whose page has much text, only messages count.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbrcli import errors
from tests.guide_reference import REFERENCE

ROOT = Path(__file__).parents[1]
SPEAKERS = {name for name in vars(errors) if name.endswith("Error")} | {"warn", "note", "say"}
PHRASE = re.compile(r"[A-Za-z,'-]+( [A-Za-z,'-]+){2,}")

NOT_SAID = {
    # How errors of Arrow and of memory are known.
    *("conversion error to double: invalid value '(.*?)'", "Could not skip initial"),
    *("Empty CSV file", "cannot allocate memory", "unable to allocate"),
    "failed to launch worker thread",
    # How those of Spark are known.
    r"Python in worker has different version: (\S+) than",
    r"ModuleNotFoundError: (No module named '(?:sbrcli|pyarrow|pandas|numpy).*)",
    'Cannot run program "([^"]+)"',
    # Complaints in whose place the wrong value is shown.
    *("a timestamp is missing", "a part of a timestamp is missing", "a key stands twice"),
    *("one of its times is not a number", "one of its times is not a date as the others are"),
    *("a field holds the unit separator \\x1f", "the digits of a time are no date"),
    *("a number is hexadecimal", "a row lacks a value"),
    # Mistakes of a programmer.
    *("the top lists of", "were not counted"),
    # Ids that stand for nobody; titles of the demo's films; SQL.
    *("not logged in", "not signed in", "Two Left Shoes", "Rain on Glass", "The Quiet Clerk"),
    *("The Low Gate", "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"),
    # Titles of tables on a terminal.
    *(
        "Seeds of one configuration",
        "Runs, with mrr@20 and recall@20",
        "by slices of the targets",
    ),
    *("Their top", "lists and their cost"),
    "Input format (auto-detected; set these to override)",
    "Rules on what may be recommended",
    *("Refit on train and valid, whose weights are kept", "Skipped targets counted as misses"),
    "known, but behind unknown items alone, left out",
    # Some of many names that a sentence has a place for; a test has the sentence with others.
    *("a test log", "a valid log", "milliseconds within the day", "log standard input"),
    *("dates, the day first (31/03/2021)", "dates, the month first (03/31/2021)"),
    *("Windows file times", "dates as numbers (YYMMDD)", "month and day (MMDD) without a year"),
}
"""Texts that nobody is told, or that need no test."""


def untested_texts(package: Path, tests: Path, reference: str = "") -> Iterator[str]:
    """Yield each text of a package that stands in none of its tests."""
    modules = [path for path in tests.rglob("*.py") if path != Path(__file__)]
    tested = "\n".join(
        [reference, *(text for path in modules for _, text in texts_in(parsed(path)))]
    )
    for path in sorted(package.rglob("*.py")):
        phrases = {found for found in texts_in(parsed(path)) if PHRASE.search(found[1])}
        is_page = path.parent.name == "report"
        for line, text in sorted(messages_in(parsed(path)) | (set() if is_page else phrases)):
            if text not in tested and text not in NOT_SAID:
                yield f"{path.relative_to(package)}:{line}: {text}"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def messages_in(tree: ast.Module) -> set[tuple[int, str]]:
    """Return the texts in the arguments of errors, warnings and notes."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    spoken = (
        c for c in calls if SPEAKERS & {getattr(c.func, "attr", ""), getattr(c.func, "id", "")}
    )
    return {found for call in spoken for found in texts_in(call)}


def texts_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each text with its line; `{path}` in it is a value too."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            for text in re.split(r"\n|\{\w*\}", node.value):
                yield node.lineno, text.strip()


def test_every_message_is_quoted_in_a_test():
    reference = REFERENCE.read_text(encoding="utf-8").replace(
        "[", r"\["
    )  # as help texts have to be written
    assert list(untested_texts(ROOT / "sbrcli", ROOT / "tests", reference)) == []


PACKAGE = '''
def check(path, size):
    """Docstrings are not said at all."""
    if size == 0:
        raise DataError(f"{path} is empty", hint="copy it again")
    return f"{path} has {size} bytes, too many for it"
'''
TEST = 'def test_check(said):\n    """{}"""\n    assert said == "{}"\n'
SAID = "log.csv is empty; copy it again; log.csv has 3 bytes, too many for it"


@pytest.mark.parametrize(
    ("said", "docstring", "missing"),
    [
        (SAID, "", []),
        (SAID.replace("empty", "void"), "", ["5: is empty"]),
        (SAID.replace("copy it again", ""), "", ["5: copy it again"]),
        (SAID.replace("too many", ""), "", ["6: bytes, too many for it"]),
        ("", SAID, ["5: copy it again", "5: is empty", "6: bytes, too many for it"]),
    ],
)
def test_a_text_that_stands_in_no_test_is_found(tmp_path: Path, said, docstring, missing):
    for folder, text in (("package", PACKAGE), ("tests", TEST.format(docstring, said))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(text)
    found = untested_texts(tmp_path / "package", tmp_path / "tests")
    assert list(found) == [f"module.py:{line}" for line in missing]
