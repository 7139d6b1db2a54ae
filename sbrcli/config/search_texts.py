"""The texts of `--search` and `--grid`, read by the declarations of the options that they name."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Literal, get_origin

from sbrcli.config.options import Options
from sbrcli.config.search_space import (
    Choices,
    Dimension,
    Range,
    Space,
    Tunable,
    own_ranges,
    tunables,
)
from sbrcli.config.training import FitConfig
from sbrcli.errors import ConfigError, OptionError

_OF_THE_DATA = ("since", "last_days")
"""Options that decide what is trained on, which is the same in all trials of a search."""

ALL = "all"
"""As a name of `--search`: every option that declares a range."""


def parse_search(
    texts: Iterable[str], whole: Space, config: type[Options], own: Space | None = None
) -> Space:
    """Return the space of several `--search` texts; without any, the whole default one.

    A text is NAME=LOW:HIGH, NAME=LOW:HIGH:log, NAME=A,B,C, NAME (the option's own range), or
    "all" (the whole default space).

    Args:
        texts: of the command line.
        whole: the default space.
        config: the configuration whose options can be named.
        own: the values of an option that is named without any; by default its declared range.

    Raises:
        OptionError: a text cannot be read, or names an option twice or one that cannot be searched.
        ConfigError: a value is out of bounds, or a range is empty.
    """
    texts = list(texts)
    usual = own_ranges(config) if own is None else own
    space: Space = dict(whole) if not texts or ALL in texts else {}
    seen: set[str] = set()
    for text in texts:
        if text == ALL:
            continue
        name, equals, values = text.partition("=")
        found = _find(name, "--search", text, config)
        if found.name in seen:
            raise OptionError(f"--search has {found.flag} twice. Received: {text}")
        seen.add(found.name)
        with _naming(f"--search {text}"):
            if equals:
                space[found.name] = _read_dimension(found, values)
            elif found.name in usual:
                space[found.name] = usual[found.name]
            else:
                hint = f"give one: --search {_example(found)}"
                raise OptionError(f"{found.flag} has no range of its own", hint=hint)
    return space


def parse_grid(
    texts: Iterable[str], config: type[Options], others: Iterable[str] = ()
) -> dict[str, tuple[Any, ...]]:
    """Return the values of several `--grid` texts, by the names of their options.

    A text is NAME=A,B,C, or NAME=A;B;C for values that hold commas.

    Args:
        texts: of the command line.
        config: the configuration whose options can be named.
        others: names that are no option of training, whose values stay texts.

    Raises:
        OptionError: a text cannot be read, or names an option twice or an unknown one.
        ConfigError: a value is out of bounds.
    """
    grid: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        parts = _split(values)
        if not all(parts):
            raise OptionError(
                f"--grid takes an option and its values, as in --grid layers=1,2. Received: {text}"
            )
        if name in others:
            key, read = name, tuple(parts)
        else:
            found = _find(name, "--grid", text, config)
            with _naming(f"--grid {text}"):
                key, read = found.name, tuple(found.read(part) for part in parts)
        if key in grid:
            raise OptionError(f"--grid has {name} twice. Received: {text}")
        grid[key] = tuple(dict.fromkeys(read))
    return grid


@contextmanager
def _naming(words: str) -> Iterator[None]:
    """Begin the message of an error about a value with the flag that it stands in."""
    try:
        yield
    except ConfigError as error:
        raise type(error)(f"{words}: {error}", error.hint) from error


def _find(name: str, flag: str, text: str, config: type[Options]) -> Tunable:
    others = _OF_THE_DATA if flag == "--search" else ()
    known = {option: one for option, one in tunables(config).items() if option not in others}
    key = name.strip().lstrip("-").replace("-", "_")
    if key not in known and not issubclass(config, FitConfig):
        raise OptionError(f"{flag} takes an option of the baseline: {', '.join(known)}. "
                          f"Received: {text}")  # fmt: skip
    if key not in known:
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {known[near[0]].flag}?" if near else "sbr train --help lists them"
        raise OptionError(f"{flag} takes an option of sbr train that can be tuned. "
                          f"Received: {text}", hint)  # fmt: skip
    return known[key]


def _read_dimension(tunable: Tunable, values: str) -> Dimension:
    if ":" in values and tunable.is_number:
        return _read_range(tunable, values)
    parts = _split(values)
    if not all(parts):
        raise OptionError(f"no values, as in --search {_example(tunable)}")
    return Choices(tuple(dict.fromkeys(tunable.read(part) for part in parts)))


def _read_range(tunable: Tunable, values: str) -> Range:
    low_text, high_text, *scale = values.split(":")
    if scale not in ([], ["log"], ["linear"]):
        raise OptionError(f"a range is LOW:HIGH or LOW:HIGH:log. Received: {values}")
    low, high = tunable.number(low_text), tunable.number(high_text)
    if low >= high:
        raise ConfigError(
            f"the range's lower bound must be below its upper one. Received: {values}"
        )
    usual = tunable.declared.search
    is_log = scale == ["log"] or (not scale and usual is not None and usual.is_log and low > 0)
    if is_log and low <= 0:
        raise ConfigError(f"a log range must begin above 0. Received: {values}")
    return Range(low, high, is_log, tunable.is_whole)


def _split(values: str) -> list[str]:
    return [part.strip() for part in values.split(";" if ";" in values else ",")]


def _example(tunable: Tunable) -> str:
    if tunable.declared.choices:
        return f"{tunable.flag}={','.join(tunable.declared.choices[:2])}"
    if get_origin(tunable.kind) is Literal or tunable.kind is bool:
        return f"{tunable.flag}=yes,no"
    return f"{tunable.flag}=LOW:HIGH"
