"""A command parses, calls one function, and prints what that returns."""

import ast
from pathlib import Path

import pytest

import sbrcli.cli

WORDING = {"describe_removed", "describe_shortage", "shown_options"}
"""Functions that only put a result into words."""

LAYERS = ("sbrcli.workflow.", "sbrcli.report.", "sbrcli.serve.")

MODULES = sorted(
    path
    for path in Path(sbrcli.cli.__path__[0]).glob("*.py")
    if path.stem != "demo"  # which runs the other commands, and asks the service as a user would
)


def use_cases_of(function: ast.AST) -> set[str]:
    """Return the functions of use cases that the body of a function imports."""
    imports = [node for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
    found = {
        name.name
        for node in imports
        if (node.module or "").startswith(LAYERS)
        for name in node.names
        if name.name.islower()
    }
    return found - WORDING


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_function_of_the_command_line_calls_at_most_one_use_case(module):
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            assert len(use_cases_of(node)) <= 1, node.name
        else:
            assert isinstance(node, ast.If) or not use_cases_of(node), "imported before it is used"


def test_two_use_cases_are_found():
    text = (
        "def blend():\n"
        "    from sbrcli.workflow.blend_job import make_blend_job\n"
        "    from sbrcli.workflow.make_blend import BlendResult, make_blend\n"
    )
    assert use_cases_of(ast.parse(text)) == {"make_blend_job", "make_blend"}
