"""The baselines' options as text, such as "k=50,sample=500"."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options
from sbrcli.errors import ConfigError, OptionError
from sbrcli.models.baselines.registry import all_baselines

BaselineOptions = dict[str, Options]
"""The options of every baseline, by its name."""

OwnOptions = TypeVar("OwnOptions", bound=Options)


def default_options() -> BaselineOptions:
    """Return the defaults of all baselines."""
    return {baseline.name: baseline.options() for baseline in all_baselines()}


def configure_baselines(
    explicit: Mapping[str, str], tuned: Mapping[str, str] | None = None
) -> BaselineOptions:
    """Return the options of all baselines: explicit ones first, then tuned ones, then defaults.

    Args:
        explicit: the user's options of some baselines, as text for `parse_options`, by name.
        tuned: the same for the options that `sbr tune-baselines` has chosen.

    Raises:
        OptionError: an option is unknown, or its value is not a number.
        ConfigError: a value is not one of its choices, or out of bounds.
    """
    options = default_options()
    for texts in (tuned or {}, explicit):
        for name, own in options.items():
            options[name] = parse_options(name, texts.get(name, ""), own)
    return options


def parse_options(baseline: str, text: str, options: OwnOptions) -> OwnOptions:
    """Return options with the values of a text such as "k=50,sample=500".

    Args:
        baseline: name of the baseline, for errors.
        text: names and values; may be empty.
        options: the values of the options that the text does not name.

    Raises:
        OptionError: an option is unknown, or its value is not a number.
        ConfigError: a value is not one of its choices, or out of bounds.
    """
    given = read_given(baseline, text, options)
    try:
        return replace(options, **given)
    except ConfigError as error:
        raise ConfigError(f"{baseline}'s {error}") from error


def read_given(baseline: str, text: str, options: Options) -> dict[str, Any]:
    """Return the values that a text such as "k=50,sample=500" names; they may be out of bounds.

    Args:
        baseline: name of the baseline, for errors.
        text: names and values; may be empty.
        options: any values of the baseline's options, for their types.

    Raises:
        OptionError: an option is unknown, or its value is not a number.
    """
    kinds = {option.name: type(getattr(options, option.name)) for option in fields(options)}
    given: dict[str, Any] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, _, value = part.partition("=")
        require_option(
            name in kinds and bool(value),
            f"{baseline} takes {', '.join(f'{kind}=…' for kind in kinds)}, with commas between",
            part,
        )
        try:
            given[name] = kinds[name](value)
        except ValueError as error:
            raise OptionError(f"{baseline}'s {name} must be a number. Received: {value}") from error
    return given


def write_options(options: Options) -> str:
    """Write options as `parse_options` reads them, as in "k=50,sample=500"."""
    return ",".join(
        f"{option.name}={_short(getattr(options, option.name))}" for option in fields(options)
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
