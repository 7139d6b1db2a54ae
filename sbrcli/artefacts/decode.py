"""Decode JSON values into frozen dataclasses; an error names the path of the wrong entry.

A field may be a str, int, float, bool, Any, `Count`, `Moment`, Literal, dataclass, TypedDict, list
or dict with string keys, or one of these or None. Entries that a class does not declare are
ignored: a later version of sbr may have added them.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

T = TypeVar("T")

_MAX_COUNTED = (1 << 63) - 1
_MAX_SHOWN = 40
"""The maximum number of characters of a wrong value that an error shows."""

Count = Annotated[int, "count"]
"""A whole number from 1 to 2^63 - 1."""

Moment = Annotated[str, "moment"]
"""A time in ISO 8601."""


class EntryError(ValueError):
    """An entry is missing or of the wrong type; the message names its path and that type."""


def decode(kind: type[T], value: Any, where: str = "", **given: Any) -> T:
    """Decode a JSON object into a dataclass.

    Args:
        kind: the dataclass; a field without a default is required.
        value: the parsed JSON.
        where: path of the value in its document, as in "splits.train"; empty for the document.
        given: fields that are not in the document.

    Raises:
        EntryError: the value, or one in it, is missing or of the wrong type.
    """
    _require(isinstance(value, Mapping), value, where, "an object")
    found = dict(given)
    for name, hint, is_required in _fields_of(kind):
        if name in given:
            continue
        if name in value:
            found[name] = _decode(hint, value[name], _join(where, name))
        elif is_required:
            raise EntryError(_lacks(where, name))
    return kind(**found)


def _decode(hint: Any, value: Any, path: str) -> Any:
    """Decode a value of a type."""
    by_origin = _BY_ORIGIN.get(get_origin(hint))
    if by_origin is not None:
        return by_origin(get_args(hint), value, path)
    if is_typeddict(hint):
        return _check_typed_dict(hint, value, path)
    if is_dataclass(hint):
        return decode(hint, value, path)  # pyright: ignore[reportArgumentType]
    if hint is not Any:
        is_right, expected = _PLAIN[hint]
        _require(is_right(value), value, path, expected)
    return value


def _decode_union(hints: tuple[Any, ...], value: Any, path: str) -> Any:
    """Decode a value of one of several types, such as a type or None."""
    (hint,) = (one for one in hints if one is not type(None))
    return None if value is None else _decode(hint, value, path)


def _decode_literal(choices: tuple[Any, ...], value: Any, path: str) -> Any:
    _require(value in choices, value, path, f"one of {', '.join(choices)}")
    return value


def _decode_list(hints: tuple[Any, ...], value: Any, path: str) -> list[Any]:
    _require(isinstance(value, list), value, path, "an array")
    return [_decode(hints[0], one, f"{path}[{at}]") for at, one in enumerate(value)]


def _decode_dict(hints: tuple[Any, ...], value: Any, path: str) -> dict[str, Any]:
    _require(isinstance(value, Mapping), value, path, "an object")
    return {name: _decode(hints[1], one, _join(path, name)) for name, one in value.items()}


_BY_ORIGIN: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    Union: _decode_union,
    types.UnionType: _decode_union,
    Literal: _decode_literal,
    list: _decode_list,
    dict: _decode_dict,
}


def _check_typed_dict(kind: Any, value: Any, path: str) -> Any:
    """Check the declared entries of an object, and return it with all of its entries."""
    _require(isinstance(value, Mapping), value, path, "an object")
    for name, hint in _typed_dict_entries(kind):
        if name in value:
            _decode(hint, value[name], _join(path, name))
        elif name in kind.__required_keys__:
            raise EntryError(_lacks(path, name))
    return value


@cache
def _fields_of(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return the name and the type of each field, and whether it is required."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (one.name, hints[one.name], one.default is MISSING and one.default_factory is MISSING)
        for one in fields(kind)
    )


@cache
def _typed_dict_entries(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (name, get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint)
        for name, hint in hints.items()
    )


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_PLAIN: dict[Any, tuple[Callable[[Any], bool], str]] = {
    str: (lambda value: isinstance(value, str), "a string"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    int: (_is_int, "a whole number"),
    float: (lambda value: _is_int(value) or isinstance(value, float), "a number"),
    Count: (lambda value: _is_int(value) and 0 < value <= _MAX_COUNTED, "a whole number above 0"),
    Moment: (_is_moment, "a time in ISO 8601"),
}
"""The check of each plain type, and its name in errors."""


def _require(is_right: bool, value: Any, path: str, expected: str) -> None:
    if not is_right:
        shown = json.dumps(value)
        shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
        raise EntryError(f"{path or 'the document'} must be {expected}. Received: {shown}")


def _lacks(path: str, name: str) -> str:
    return f"{_join(path, name)} is missing"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
