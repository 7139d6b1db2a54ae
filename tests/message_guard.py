"""Find the messages that no test compares in full, by reading the source of package and tests.

A message is what an error kind is made with, and what is told as a warning or a note. Its words
(see `templates`) must be, from the first to the last, one of the texts of a test, or a line of it
behind `error: `, `hint: ` or `warning: `; the hint must stand in the same test. What a test looks
for within something else (`in`, `match=`, `startswith`) is no full text, and does not count.

Some messages are made in one place and passed on in another. Both kinds of places are named to the
guard; in those that make them, each text must be a part of what a test compares.
"""

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from tests.sources import Source, argument, called, parameters
from tests.templates import HOLE, NOTHING, UNKNOWN, Bound, Sources, Texts, pattern

ERRORS = {
    "SbrError",
    "UsageError",
    "DataError",
    "ConfigError",
    "ArtefactError",
    "TrainingError",
    "InterruptionError",
    "_fail",
}
PARTS = {"WrongRowError", "ValueError", "_UnclearError", "EmptySplitError"}
"""Errors whose text others put into a message."""

TELLERS = {"note", "warn", "say"}
LABELS = ("error: ", "hint: ", "warning: ")
SEARCHES = {"startswith", "endswith", "removeprefix", "removesuffix", "split", "count", "index"}


@dataclass(frozen=True)
class Message:
    """What one place says, in all its ways; a part stands in the messages of others."""

    place: str
    texts: Texts
    hints: Texts = frozenset()
    is_part: bool = False


@dataclass(eq=False)
class Guard:
    """A package and the tests of its messages.

    Args:
        package: the package.
        tests: its tests.
        passing_on: functions, as in "package.module function", whose messages others make.
        making: functions, or whole modules, that make messages for others.
        unseen: texts that no user can meet.
    """

    package: Sources
    tests: Sources
    passing_on: Collection[str] = ()
    making: Collection[str] = ()
    unseen: Collection[str] = ()

    def complaints(self) -> list[str]:
        """Name each text that no test compares in full, and where it is made."""
        return list(dict.fromkeys(c for message in self._messages() for c in self._judge(message)))

    def _judge(self, message: Message) -> Iterator[str]:
        for text in sorted(message.texts - set(self.unseen)):
            # What is made elsewhere must be named as passed on.
            where = self._compared_in(text, message.is_part) if _has_words(text) else None
            hinted = [self._compared_in(hint, False) for hint in message.hints]
            if not where:
                yield f"{message.place}: no test compares {_shown(text)}"
            elif hinted and not any(where & also for also in hinted):
                yield f"{message.place}: no test compares {_shown(text)} and its hint"
        for hint in sorted(message.hints):
            if not self._compared_in(hint, False):
                yield f"{message.place}: no test compares the hint {_shown(hint)}"

    def _messages(self) -> Iterator[Message]:
        for source in self.package.modules.values():
            for node in ast.walk(source.tree):
                name = f"{source.name} {getattr(node, 'name', '')}"
                if isinstance(node, ast.Call):
                    yield from self._made_by(node, source)
                elif isinstance(node, ast.FunctionDef) and {name, source.name} & set(self.making):
                    bound = dict.fromkeys(parameters(node), UNKNOWN)
                    texts = _compared(node, source, self.package, bound)
                    yield Message(name, self._parts(texts), is_part=True)

    def _made_by(self, call: ast.Call, source: Source) -> Iterator[Message]:
        place = f"{source.name}:{call.lineno}"
        if called(call) in PARTS:
            bound = dict.fromkeys(parameters(source.function_around(call)), UNKNOWN)
            texts = self.package.texts(call.args[-1], source, bound)
            yield Message(place, self._parts(texts), is_part=True)
        elif called(call) in ERRORS | TELLERS and call.args:
            hint = argument(call, ["message", "hint"], "hint")
            yield from self._told(call, hint if called(call) in ERRORS else None, source)

    def _parts(self, texts: Iterable[str]) -> Texts:
        """Keep sentences, which a word of a table or a separator is not."""
        return frozenset(t for t in texts if _is_sentence(t))

    def _told(self, call: ast.Call, hint: ast.expr | None, source: Source) -> Iterator[Message]:
        """Give a message once for each way to call the function around it."""
        function = source.function_around(call)
        name = f"{source.name} {getattr(function, 'name', '')}"
        for caller, bound in self.package.bindings(call, source):
            # A hint that is chosen by a parameter goes with some callers alone.
            hints = self.package.texts(hint, source, dict.fromkeys(bound, UNKNOWN))
            texts = self.package.texts(call.args[0], source, bound)
            place = f"{source.name}:{call.lineno}" + (f" for {caller}" if caller else "")
            told = filter(_has_words, texts) if name in self.passing_on else texts
            yield Message(
                place, frozenset(told), frozenset(filter(_has_words, hints)), name in self.making
            )

    @cached_property
    def _texts_of_tests(self) -> list[Texts]:
        """Give, for each test, the texts that it compares, and their lines."""
        return [
            frozenset(_with_lines(_compared(statement, source, self.tests)))
            for source in self.tests.modules.values()
            for statement in source.tree.body
            if not isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr)
        ]

    @cached_property
    def _tests_of_text(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for test, texts in enumerate(self._texts_of_tests):
            for text in texts:
                found.setdefault(text, set()).add(test)
        return found

    @cache  # noqa: B019
    def _compared_in(self, template: str, is_part: bool) -> frozenset[int]:
        """Say which tests compare such a text."""
        longest = max(template.split(HOLE), key=len)
        fits = pattern(template).search if is_part else pattern(template).fullmatch
        pairs = self._tests_of_text.items()
        found = [tests for text, tests in pairs if longest in text and fits(text)]
        return frozenset().union(*found)


def _compared(
    node: ast.AST, source: Source, sources: Sources, bound: Bound = NOTHING
) -> Iterator[str]:
    """Give the texts in a statement that may be compared, or said, as a whole."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Constant() | ast.JoinedStr() | ast.Name():
                yield from sources.texts(child, source, bound)
            case ast.BinOp():
                yield from sources.texts(child, source, bound)
                yield from _compared(child, source, sources, bound)
            case ast.Expr(value=ast.Constant()) | ast.keyword(arg="match"):  # a docstring
                pass
            case ast.Compare(ops=[ast.In() | ast.NotIn()]):
                pass
            case ast.Call() if called(child) in SEARCHES | ERRORS:
                pass
            case _:
                yield from _compared(child, source, sources, bound)


def _with_lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield text.removesuffix("\n")
        for line in text.split("\n"):
            yield line
            yield from (line.split(label, 1)[1] for label in LABELS if label in line)


def _has_words(text: str) -> bool:
    return sum(map(str.isalpha, text)) > 3


def _is_sentence(text: str) -> bool:
    return _has_words(text) and " " in text.strip()


def _shown(template: str) -> str:
    return repr(template.replace(HOLE, "…"))
