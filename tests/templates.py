"""What a text in the code can be, read from the source alone: words, and holes for the rest.

A template is a string in which `HOLE` stands for what is known at run time only. An expression has
several where it chooses between texts, or takes them as arguments from several callers:

    def _damaged(path, what):
        return DataError(f"{path}: {what}")     # "\\0: it is missing", "\\0: it is cut short"
"""

import ast
import itertools
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.sources import (
    Function,
    Source,
    argument,
    called,
    default_of,
    is_of_self,
    own_nodes,
    parameters,
    parametrized,
)

HOLE = "\0"
_MOST = 20_000
"""More templates of one expression than this are as good as one hole."""

Texts = frozenset[str]
Bound = Mapping[str, Texts]
UNKNOWN = frozenset((HOLE,))
NOTHING: Bound = {}
UNTOLD = ast.Constant(HOLE)


class Sources:
    """All modules of a package, and the templates of the expressions in them."""

    def __init__(self, package: Path) -> None:
        self.modules: dict[str, Source] = {}
        self._open: set[ast.AST] = set()
        self._bindings: dict[ast.AST, list[tuple[str, Bound]]] = {}
        self._calls: dict[str, list[tuple[Source, ast.Call]]] = {}
        for path in sorted(package.rglob("*.py")):
            words = path.relative_to(package.parent).with_suffix("").parts
            source = Source(".".join(words), path, ast.parse(path.read_text(encoding="utf-8")))
            self.modules[source.name] = source
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Call):
                    self._calls.setdefault(called(node), []).append((source, node))

    def texts(self, node: ast.AST | None, source: Source, bound: Bound = NOTHING) -> Texts:
        """Give the templates of an expression; none for None, one hole where nothing is known.

        Args:
            node: the expression.
            source: the module that it stands in.
            bound: what parameters of the function around it are, where that is known.
        """
        if node is None or node in self._open:
            return frozenset() if node is None else UNKNOWN
        self._open.add(node)
        try:
            return self._texts(node, source, bound)
        finally:
            self._open.discard(node)

    def bindings(self, node: ast.AST, source: Source) -> list[tuple[str, Bound]]:
        """Give what the parameters around a node are, for each different way to call the function.

        Returns:
            Where it is called, and the parameters' templates. Where nobody in the package calls
            it, there is one way, with holes.
        """
        function = source.function_around(node)
        if not isinstance(function, ast.FunctionDef) or function in self._open:
            return [("", NOTHING)]
        if function not in self._bindings:
            self._open.add(function)
            self._bindings[function] = self._bind(function, source)
            self._open.discard(function)
        return self._bindings[function]

    def _bind(self, function: ast.FunctionDef, source: Source) -> list[tuple[str, Bound]]:
        ways: dict[frozenset[tuple[str, Texts]], str] = {}
        for there, call in self._calls_of(function, source):
            for _, bound in self.bindings(call, there):
                given = {
                    name: argument(call, parameters(function), name) or default_of(function, name)
                    for name in parameters(function)
                }
                way = {name: self.texts(one, there, bound) for name, one in given.items()}
                ways.setdefault(frozenset(way.items()), f"{there.name}:{call.lineno}")
        return [(place, dict(way)) for way, place in ways.items()] or [("", NOTHING)]

    def _texts(self, node: ast.AST, source: Source, bound: Bound) -> Texts:
        found = UNKNOWN
        match node:
            case ast.Constant(value=None):
                found = frozenset()
            case ast.Constant(value=str(text)):
                found = frozenset((text,))
            case ast.JoinedStr(values=pieces):
                found = self._joined(pieces, source, bound)
            case ast.FormattedValue(value=ast.Call()):
                found = UNKNOWN
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                found = self.texts(value, source, bound)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = self._joined([left, right], source, bound)
            case ast.IfExp(body=left, orelse=right):
                found = self._any([left, right], source, bound)
            case ast.BoolOp(values=values):
                found = self._any(values, source, bound)
            case ast.Name(id=name):
                found = self._named(name, node, source, bound)
            case ast.Call(func=ast.Name()):
                found = self._returned(node, source, bound)
        return found

    def _any(self, nodes: Iterable[ast.AST], source: Source, bound: Bound = NOTHING) -> Texts:
        return frozenset().union(*(self.texts(node, source, bound) for node in nodes))

    def _joined(self, pieces: Iterable[ast.AST], source: Source, bound: Bound) -> Texts:
        every = [self.texts(piece, source, bound) or UNKNOWN for piece in pieces]
        if math.prod(map(len, every)) > _MOST:
            return UNKNOWN
        return frozenset("".join(one) for one in itertools.product(*every))

    def _named(self, name: str, node: ast.AST, source: Source, bound: Bound) -> Texts:
        for function in source.functions_around(node):
            values = source.values_of(name, node, function)
            if values:
                return self._local(name, node, function, source, bound)
            if name in parameters(function):
                return bound.get(name) or self._received(function, name, source)
        there, value = self._top_level(name, source)
        is_value = value is not None and not isinstance(value, ast.FunctionDef)
        return self.texts(value, there) if is_value else UNKNOWN

    def _local(
        self, name: str, node: ast.AST, function: Function, source: Source, bound: Bound
    ) -> Texts:
        values = source.values_of(name, node, function)
        # What a function gives is known where it is told at once, and else is one of many words.
        values = [UNTOLD if isinstance(value, ast.Call) else value for value in values]
        found = self._any(values, source, bound)
        sure = self.texts(values[-1], source, bound)
        for more in source.added_to(name, node, function):
            added = self.texts(more, source, bound) or UNKNOWN
            found |= {text + addition for text in sure for addition in added}
        # A text that is empty at first is there to be filled.
        return found - {""} or found

    def _top_level(self, name: str, source: Source) -> tuple[Source, ast.AST | None]:
        """Find what a name stands for in a module: the module's own, or imported."""
        module, own_name = source.imports.get(name, (source.name, name))
        there = self.modules.get(module, source)
        return there, there.top_level(own_name)

    def _received(self, function: Function, name: str, source: Source) -> Texts:
        """Give what a parameter can be: by the tests' parametrize, or by who calls the function."""
        if isinstance(function, ast.Lambda):
            return UNKNOWN
        rows = list(parametrized(function, name))
        if rows:
            return self._any(rows, source) or UNKNOWN
        calls = self._calls_of(function, source)
        given = [(there, argument(call, parameters(function), name)) for there, call in calls]
        found = [self.texts(value, there) for there, value in given if value]
        return frozenset().union(*found) or UNKNOWN

    def _calls_of(self, function: ast.FunctionDef, source: Source) -> list[tuple[Source, ast.Call]]:
        """Find who calls a function; a method is looked for as `self.name` in its own module."""
        is_method = isinstance(source.parents[function], ast.ClassDef)
        return [
            (there, call)
            for there, call in self._calls.get(function.name, [])
            if (is_method and there is source and is_of_self(call))
            or (
                isinstance(call.func, ast.Name)
                and self._top_level(function.name, there) == (source, function)
            )
        ]

    def _returned(self, call: ast.Call, source: Source, bound: Bound) -> Texts:
        """Give what a function of the package returns to a call."""
        there, function = self._top_level(called(call), source)
        if not isinstance(function, ast.FunctionDef):
            return UNKNOWN
        given = {
            name: self.texts(argument(call, parameters(function), name), source, bound)
            for name in parameters(function)
        }
        returns = [node.value for node in own_nodes(function) if isinstance(node, ast.Return)]
        return self._any([value for value in returns if value], there, given) or UNKNOWN


def pattern(template: str) -> re.Pattern[str]:
    """Make a pattern of a template; a hole may be anything."""
    return re.compile(".*".join(map(re.escape, template.split(HOLE))), re.DOTALL)
