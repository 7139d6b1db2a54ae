"""A module as it is written: what surrounds each node, and what a name stands for in it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.Lambda


@dataclass(eq=False)
class Source:
    """A module: its tree, what surrounds each node, and where its imported names come from."""

    name: str
    path: Path
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = (node.module, alias.name)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Give what a node stands in, the innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def functions_around(self, node: ast.AST) -> Iterator[Function]:
        """Give the functions that a node stands in, the innermost first."""
        return (one for one in self.around(node) if isinstance(one, Function))

    def function_around(self, node: ast.AST) -> Function | None:
        """Give the innermost function that a node stands in."""
        return next(self.functions_around(node), None)

    def values_of(self, name: str, node: ast.AST, function: Function) -> list[ast.expr]:
        """Give what a name can be where a node in a function uses it, by what stands before it.

        The assignment that surely comes before is the last one; others may have come between.
        """
        found: list[ast.expr] = []
        for block, place in self._blocks_before(node, function):
            for statement in reversed(block[:place]):
                found += _values(own_nodes(statement), name)
                sure = _values([statement], name)
                if sure:
                    return found + sure
            loop = self.parents[block[place]]
            if isinstance(loop, ast.For) and (bound := _loop_values(loop, name)):
                return found + bound
        return found

    def added_to(self, name: str, node: ast.AST, function: Function) -> list[ast.expr]:
        """Give what may have been added to a name (`+=`) before a node in a function uses it."""
        return [
            added.value
            for block, place in self._blocks_before(node, function)
            for statement in block[:place]
            for added in (statement, *own_nodes(statement))
            if isinstance(added, ast.AugAssign) and _is_name(added.target, name)
        ]

    def _blocks_before(
        self, node: ast.AST, function: Function
    ) -> Iterator[tuple[list[ast.stmt], int]]:
        """Give the blocks that a node is in, the innermost first, and which statement holds it."""
        for outer in self.around(node):
            for _, block in ast.iter_fields(outer):
                if isinstance(block, list) and node in block and isinstance(node, ast.stmt):
                    yield block, block.index(node)
            if outer is function:
                return
            node = outer

    def top_level(self, name: str) -> ast.AST | None:
        """Find a function or the value of a constant."""
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
            for target, value in _assignments(node):
                if isinstance(target, ast.Name) and target.id == name:
                    return value
        return None


def called(call: ast.Call) -> str:
    """Give the last word of what is called: `warn` for `self.output.warn(…)`."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def argument(call: ast.Call, parameters: list[str], name: str) -> ast.expr | None:
    """Find what a call gives for a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    place = parameters.index(name) if name in parameters else len(call.args)
    return call.args[place] if place < len(call.args) else None


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without the functions in it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, Function):
            yield from own_nodes(child)


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from zip(targets, values, strict=True)
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
            yield from ((target, value) for target in targets)
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield target, value
        case ast.NamedExpr(target=target, value=value):
            yield target, value


def _values(nodes: Iterable[ast.AST], name: str) -> list[ast.expr]:
    pairs = (pair for node in nodes for pair in _assignments(node))
    return [value for target, value in pairs if _is_name(target, name)]


def _loop_values(loop: ast.For, name: str) -> list[ast.expr]:
    """Give what a loop binds a name to: each of what is written out, else what it runs over."""
    is_written = isinstance(loop.iter, ast.Tuple | ast.List)
    found: list[ast.expr] = []
    for row in loop.iter.elts if is_written else [loop.iter]:
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
        cells = (
            row.elts if isinstance(row, ast.Tuple) and len(targets) > 1 else [row] * len(targets)
        )
        found += [c for t, c in zip(targets, cells, strict=True) if _is_name(t, name)]
    return found


def is_of_self(call: ast.Call) -> bool:
    """Tell whether a method of the same object is called."""
    return isinstance(call.func, ast.Attribute) and _is_name(call.func.value, "self")


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def parameters(function: Function | None) -> list[str]:
    """Name what a function takes, without `self`; nothing where there is no function."""
    if function is None:
        return []
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return names[1:] if names[:1] == ["self"] else names


def default_of(function: ast.FunctionDef, name: str) -> ast.expr | None:
    """Give a parameter's default."""
    given = function.args
    with_default = given.args[len(given.args) - len(given.defaults) :]
    defaults = dict(zip((one.arg for one in with_default), given.defaults, strict=True))
    named = dict(zip((one.arg for one in given.kwonlyargs), given.kw_defaults, strict=True))
    return {**defaults, **named}.get(name)


def parametrized(function: ast.FunctionDef, name: str) -> Iterator[ast.AST]:
    """Give what pytest's parametrize puts in the place of a test's parameter."""
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(
                args=[names, ast.List(elts=rows)], func=ast.Attribute(attr="parametrize")
            ):
                written = [n.value for n in ast.walk(names) if isinstance(n, ast.Constant)]
                if written == [name]:
                    yield from rows
                elif name in written:
                    place = written.index(name)
                    for row in rows:
                        cells = row.args if isinstance(row, ast.Call) else getattr(row, "elts", [])
                        yield from cells[place : place + 1]
