"""Checks of an option's value: what was expected, and what came."""

import math
from typing import Any

from sbrcli.errors import ConfigError, OptionError


def require(holds: bool, expectation: str, received: object) -> None:
    """Raise a ConfigError that says what was expected and what came."""
    if not holds:
        raise ConfigError(f"{expectation}. Received: {received}")


def require_option(holds: bool, expectation: str, received: object) -> None:
    """Raise an OptionError unless options fit together, or a value is one of the choices."""
    if not holds:
        raise OptionError(f"{expectation}. Received: {received}")


def require_fraction(name: str, value: float) -> None:
    """Raise a ConfigError unless the value is 0 or more and below 1."""
    require(0 <= value < 1, f"{name} must be at least 0 and below 1", value)


def require_at_least(config: Any, name: str, least: int) -> None:
    """Raise a ConfigError unless the option of that name is a number, and at least `least`."""
    value = getattr(config, name)
    words = name.replace("_", "-")
    require(math.isfinite(value) and value >= least, f"{words} must be at least {least}", value)


def require_at_most(config: Any, name: str, most: int) -> None:
    """Raise a ConfigError unless the option of that name is at most `most`."""
    value = getattr(config, name)
    require(value <= most, f"{name.replace('_', '-')} must be at most {most:,}", value)
