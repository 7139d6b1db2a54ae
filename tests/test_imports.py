"""No circle of imports, those within functions and under TYPE_CHECKING included."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def require_no_circle(imports: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph("sbrcli", cache_dir=None)
    assert "sbrcli.workflow.train" in graph.modules
    require_no_circle({m: graph.find_modules_directly_imported_by(m) for m in graph.modules})


def test_a_circle_is_named():
    with pytest.raises(pytest.fail.Exception, match=r"a circle of imports: [ab] <- [ab] <- [ab]"):
        require_no_circle({"a": {"b"}, "b": {"a"}, "c": {"a"}})
