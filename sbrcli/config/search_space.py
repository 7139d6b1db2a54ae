"""The values that `sbr tune` tries of each option: ranges and choices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from sbrcli.config.options import (
    Option,
    Options,
    check_option,
    declared_options,
    option_name,
)
from sbrcli.config.presets import OPTIMIZER_DEFAULTS
from sbrcli.config.training import FitConfig, tunable_options
from sbrcli.errors import OptionError

_NOT_TUNED = ("monitor", "refit", "device", "threads")
"""What a trial is judged by, and where it runs."""

_BOOLEANS = {"yes": True, "no": False, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two bounds, both included."""

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def value_of(self, drawn: float) -> float | int:
        """Return a drawn number as it is used: whole, or with three digits, and within bounds."""
        if self.is_whole:
            return round(drawn)
        return min(max(float(f"{drawn:.3g}"), self.low), self.high)

    def __str__(self) -> str:
        scale = " (log)" if self.is_log else ""
        return f"{self.low:g} to {self.high:g}{scale}"


@dataclass(frozen=True, slots=True)
class Choices:
    """Some values, each as likely as the others."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(str(written(value)) for value in self.values)


Dimension = Range | Choices
Space = dict[str, Dimension]


@dataclass(frozen=True, slots=True)
class Tunable:
    """An option that can be searched: its name in Python, declaration and type."""

    name: str
    flag: str
    declared: Option
    kind: Any

    @property
    def is_sizes(self) -> bool:
        """Whether its value is a tuple of whole numbers."""
        return get_origin(self.kind) is tuple

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole."""
        return self.is_sizes or self.kind is int

    @property
    def is_number(self) -> bool:
        """Whether a range of it can be searched."""
        return self.is_whole or self.kind is float

    def read(self, text: str) -> Any:
        """Return the value of a text, checked as on the command line of `sbr train`.

        Raises:
            OptionError: it is not a number, or none of the choices.
            ConfigError: it is out of bounds.
        """
        value = self._parse(text.strip())
        # "auto" stands for no number, which no bound concerns.
        check_option(self.flag, self.declared, None if value == "auto" else value)
        return value

    def _parse(self, text: str) -> Any:
        if self.declared.parse is not None:
            return self.declared.parse(text)
        if self.kind is bool:
            if text not in _BOOLEANS:
                raise OptionError(f"{self.flag} must be yes or no. Received: {text}")
            return _BOOLEANS[text]
        if self.kind is int or self.kind is float:
            try:
                return self.kind(text)
            except ValueError as error:
                what = "a whole number" if self.kind is int else "a number"
                raise OptionError(f"{self.flag} must be {what}. Received: {text}") from error
        return text

    def number(self, text: str) -> float:
        """Return a bound of a range.

        Raises:
            OptionError, ConfigError: as `read`.
        """
        value = self.read(text)
        if self.is_sizes and len(value) == 1:
            value = value[0]
        if isinstance(value, (tuple, str)):
            raise OptionError(f"{self.flag} takes a range of numbers. Received: {text}")
        return value


def tunables(config: type[Options]) -> dict[str, Tunable]:
    """Return the options of a configuration that can be searched, by their names in Python.

    Args:
        config: the training configuration of a family, or the options of a baseline, which are on
            the command line as one text and have no help of their own.
    """
    kinds = get_type_hints(config)
    is_network = issubclass(config, FitConfig)
    return {
        field.name: Tunable(
            field.name, option_name(field, declared), declared, _without_none(kinds[field.name])
        )
        for field, declared in declared_options(config)
        if (declared.help is not None or not is_network) and field.name not in _NOT_TUNED
    }


def _without_none(kind: Any) -> Any:
    """Return the type of an option's values, without the None of an optional one."""
    kinds = [one for one in get_args(kind) if one is not type(None)]
    return kinds[0] if isinstance(kind, UnionType) and len(kinds) == 1 else kind


def own_ranges(config: type[Options]) -> dict[str, Range]:
    """Return the ranges that the options of a configuration declare."""
    return {
        one.name: Range(one.search.low, one.search.high, one.search.is_log, one.is_integer)
        for one in tunable_options(config)
    }


def grid_space(config: type[Options], grid: Mapping[str, Sequence[Any]]) -> Space:
    """Return the space between the values of a grid, by the options' names.

    Numbers are a range from the lowest to the highest value, on a logarithmic scale if the lowest
    is above 0; words are choices.

    Args:
        config: the options.
        grid: values of some of them.
    """
    known = tunables(config)
    space: Space = {}
    for name, values in grid.items():
        if known[name].is_number:
            low, high = min(values), max(values)
            space[name] = Range(low, high, is_log=low > 0, is_whole=known[name].is_whole)
        else:
            space[name] = Choices(tuple(values))
    return space


def default_space(base: FitConfig, fixed: Iterable[str], num_items: int) -> Space:
    """Return the ranges of the options that declare one, are not fixed, and have an effect.

    Args:
        base: the values of the options that are not searched. With an optimizer that has a default
            learning rate of its own, the range moves with it.
        fixed: names of options that the user has set.
        num_items: the number of items that are scored.
    """
    left_out = {*fixed, *base.without_effect(num_items)}
    found = own_ranges(type(base)).items()
    space: Space = {name: dimension for name, dimension in found if name not in left_out}
    usual = {field.name: field.default for field in fields(base)}
    for name, own in OPTIMIZER_DEFAULTS.get(base.optimizer, {}).items():
        dimension = space.get(name)
        if isinstance(dimension, Range) and dimension.is_log:
            factor = own / usual[name]
            low, high = (
                float(f"{bound * factor:.1g}") for bound in (dimension.low, dimension.high)
            )
            space[name] = Range(low, high, is_log=True)
    return space


def written(value: Any) -> Any:
    """Return an option's value as JSON and tables hold it: one size as a number, no value as auto.

    Sizes (100,) become 100, and (100, 50) becomes "100,50".
    """
    if isinstance(value, (tuple, list)):
        return value[0] if len(value) == 1 else ",".join(map(str, value))
    return "auto" if value is None else value


def space_document(space: Mapping[str, Dimension]) -> dict[str, Any]:
    """Return a space as JSON: the bounds of ranges, and the values of choices."""
    return {
        name: {"choices": [written(value) for value in dimension.values]}
        if isinstance(dimension, Choices)
        else asdict(dimension)
        for name, dimension in space.items()
    }
