"""Checks of an option's value; the error states what was expected and what was received."""

from sbrcli.errors import ConfigError, OptionError


def require(holds: bool, expectation: str, received: object) -> None:
    """Raise a ConfigError unless a value can be used."""
    if not holds:
        raise ConfigError(f"{expectation}. Received: {received}")


def require_option(holds: bool, expectation: str, received: object) -> None:
    """Raise an OptionError unless options fit together, or a value is one of the choices."""
    if not holds:
        raise OptionError(f"{expectation}. Received: {received}")
