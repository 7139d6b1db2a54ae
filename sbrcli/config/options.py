"""An option of `sbr`: its help, bounds and choices, declared with the field that holds its value.

The command line, its help, the guide's reference and the checks of a value derive from these
declarations:

    momentum: float = option(0.3, "Momentum, with adagrad.", minimum=0, below=1)
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.errors import ConfigError, OptionError


@dataclass(frozen=True, slots=True)
class SearchRange:
    """The values that a search for the best options tries; both ends are included."""

    low: float
    high: float
    is_log: bool = False
    """Whether values are drawn evenly on a logarithmic scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """The declaration of an option, apart from its type and default."""

    help: str | None = None
    """Shown by `--help`; None if the command line does not have the option."""

    flag: str | None = None
    """Its flag, if not made of the field's name."""

    other_flag: str | None = None
    """A second flag that means the same."""

    metavar: str | None = None
    panel: str | None = None
    """The panel of `--help` that lists it."""

    shown_default: str | None = None
    """The default in words, if the value does not show it."""

    short_sessions: Any = None
    """The default for a dataset with short sessions, if it differs."""

    before: Any = None
    """Its value in runs older than the option, if that is not the default."""

    parse: Callable[[str], Any] | None = None
    """Parse the text of the command line; None if the type is enough."""

    is_repeatable: bool = False
    """Whether it may be given several times; the texts are joined by `joint`."""

    joint: str = ","

    choices: tuple[str, ...] = ()
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    expected: str | None = None
    """The valid values in words; by default made of the choices or bounds."""

    search: SearchRange | None = None
    """The range for tuning; None if the option is not tuned."""

    def find_mismatch(self, value: Any) -> str | None:
        """Return the valid values in words if this value is not one of them, else None."""
        if self.choices:
            is_right, words = value in self.choices, f"one of {', '.join(self.choices)}"
        else:
            is_right, words = self._check_bounds(value)
        return None if is_right else self.expected or words

    def _check_bounds(self, value: Any) -> tuple[bool, str]:
        """Return whether a number is within the bounds, and the bounds that it must keep."""
        if all(bound is None for bound in (self.minimum, self.above, self.maximum, self.below)):
            return True, ""
        lower = f"above {self.above}" if self.minimum is None else f"at least {self.minimum}"
        is_too_low = (
            (isinstance(value, float) and not math.isfinite(value))
            or (self.minimum is not None and value < self.minimum)
            or (self.above is not None and value <= self.above)
        )
        if self.below is not None:
            return not is_too_low and value < self.below, f"{lower} and below {self.below}"
        if is_too_low or self.maximum is None:
            return not is_too_low, lower
        return value <= self.maximum, f"at most {self.maximum:,}"


def option(default: Any, text: str | None = None, **settings: Any) -> Any:
    """Return a dataclass field with a default, and an `Option` of a help text and settings."""
    declared = Option(help=text, **settings)
    return dataclasses.field(default=default, metadata={"option": declared})


def declared_options(config: Any) -> Iterator[tuple[dataclasses.Field[Any], Option]]:
    """Yield the fields of a configuration, or of its class, that are declared as options."""
    for field in dataclasses.fields(config):
        declared = field.metadata.get("option")
        if declared is not None:
            yield field, declared


def option_name(field: dataclasses.Field[Any], declared: Option) -> str:
    """Return an option's name on the command line, without the hyphens in front."""
    return (declared.flag or field.name).lstrip("-").replace("_", "-")


def help_of(config: type, name: str) -> str | None:
    """Return the help of a configuration's option, for a subcommand that shares only that one."""
    return next(declared.help for field, declared in declared_options(config) if field.name == name)


@dataclass(frozen=True, kw_only=True)
class Options:
    """A configuration whose values are checked against its declarations when it is made."""

    def __post_init__(self) -> None:
        """Check each value alone, then the values together.

        Raises:
            ConfigError: a value is out of bounds, or does not go with another one.
        """
        for field, declared in declared_options(self):
            check_option(option_name(field, declared), declared, getattr(self, field.name))
        self.check_together()

    @classmethod
    def implied_by(cls, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003
        """Return the values that follow from those that the user gave, in place of the defaults."""
        return {}

    @classmethod
    def own_defaults(cls, chosen: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003
        """Return defaults that differ from those of other families.

        Args:
            chosen: the values of the user and of a preset, which go before them.
        """
        return {}

    @classmethod
    def fit_together(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with numbers that were drawn moved to the nearest that go with the others.

        A part that overrides this adds to what super returns.
        """
        return dict(given)

    def check_together(self) -> None:
        """Check the values that depend on each other; a part that overrides this calls super."""

    def without_effect(self, num_items: int) -> frozenset[str]:  # noqa: ARG002
        """Return the options that change nothing with the others as they are, for tuning.

        A part that overrides this adds to what super returns.

        Args:
            num_items: the number of items that are scored.
        """
        return frozenset()


def check_option(name: str, declared: Option, value: Any) -> None:
    """Check one value, or each of several, against an option's choices and bounds.

    Raises:
        OptionError: it is none of the choices.
        ConfigError: it is out of bounds. None, which stands for "not given", never is.
    """
    if value is None:
        return
    values = value if isinstance(value, tuple) else (value,)
    for each in values:
        words = declared.find_mismatch(each)
        if words is not None:
            received = ",".join(map(str, values))
            kind = OptionError if declared.choices else ConfigError
            raise kind(f"{name} must be {words}. Received: {received}")
