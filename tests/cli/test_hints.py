"""What `sbr` advises can be typed: each option named in its texts exists, in the command named."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from sbrcli.cli.app import app

PACKAGE = Path(__file__).parents[2] / "sbrcli"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
EVERYWHERE = {"--json", "--quiet", "--workdir", "--help", "--version"}
OPTIONS = {
    name: {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    for name, command in COMMANDS.items()
}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
ADVICE = re.compile(
    rf"\bsbr ({'|'.join(map(re.escape, OPTIONS))})(?![\w-])((?:(?!\bsbr )[^;,:\n])*)"
)


def texts_of(source: str) -> Iterator[str]:
    """Yield the strings of a module but its docstrings; … stands for the values of an f-string."""
    tree = ast.parse(source)
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "…" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def wrong_advice(text: str) -> list[str]:
    """Return the options after `sbr COMMAND` that the command has not."""
    return [
        f"sbr {name} {option}"
        for name, rest in ADVICE.findall(text)
        for option in OPTION.findall(rest)
        if option not in OPTIONS[name] | EVERYWHERE
    ]


def test_every_option_after_a_command_exists_in_it():
    found = {
        f"{path.relative_to(PACKAGE)}: {wrong}"
        for path in PACKAGE.rglob("*.py")
        for text in texts_of(path.read_text())
        for wrong in wrong_advice(text)
    }
    assert not found
    assert wrong_advice("sbr update --overwrite, or sbr train --overwrite") == [
        "sbr update --overwrite"
    ]


def hints_of(source: str) -> Iterator[str]:
    """Yield the strings that are given as the hint of an error."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "hint":
            yield from texts_of(ast.unparse(node.value))


def test_every_option_of_a_hint_exists():
    known = EVERYWHERE.union(*OPTIONS.values())
    found = {
        f"{path.relative_to(PACKAGE)}: {option}"
        for path in PACKAGE.rglob("*.py")
        for text in hints_of(path.read_text())
        for option in OPTION.findall(text)
        if option not in known
    }
    assert not found
    assert list(hints_of("f(hint='a' if b else f'{c} --d')")) == ["a", "… --d"]


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        (
            "train again with --overwrite and a lower --learning-rate",
            "delete it with sbr runs rm new, then update with a lower --learning-rate",
        ),
        (
            "lower --hsz, --batch-size, --bptt or --n-sample",
            "the sizes are those of run old: train a smaller run, and update that one",
        ),
        ("delete runs with sbr runs rm, or name another disk with --workdir", None),
        (None, None),
    ],
)
def test_an_update_that_fails_names_no_option_of_training(hint, wanted):
    from sbrcli.workflow.update import hint_for_update

    found = hint_for_update(hint, "new", "old")
    assert found == (wanted or hint)
    assert set(OPTION.findall(found or "")) <= OPTIONS["update"] | EVERYWHERE
