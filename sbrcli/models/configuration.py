"""The training configuration of each family of networks; loads neither TensorFlow nor NumPy."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from sbrcli.config.presets import resolve_options
from sbrcli.config.training import FitConfig, training_config
from sbrcli.errors import OptionError
from sbrcli.models.registry import DEFAULT_FAMILY, FAMILIES, find_family


def config_class_of(model: str) -> type[FitConfig]:
    """Return the training configuration of a family.

    Args:
        model: the family's name.

    Raises:
        OptionError: there is no such family.
    """
    return training_config(find_family(model).options)


def configure_training(
    options: Mapping[str, Any],
    preset: str | None,
    *,
    short_sessions: bool = False,
    model: str = DEFAULT_FAMILY,
) -> FitConfig:
    """Return the options to train with: explicit ones first, then the preset, then defaults.

    Args:
        options: the user's options; None for those not given.
        preset: the name of a preset of the family, or None.
        short_sessions: use the defaults for short sessions, unless a preset sets all of them.
        model: the name of the family.

    Raises:
        OptionError: there is no such family or preset, an option is another family's, or options
            do not fit together.
        ConfigError: an option is out of bounds.
    """
    given = {name: value for name, value in options.items() if value is not None}
    presets = find_family(model).presets
    if preset is not None and preset not in presets:
        names = ", ".join(presets) or f"those of --model {model}, which has none"
        raise OptionError(f"preset must be one of {names}. Received: {preset}")
    require_own_options(model, given)
    named = presets[preset] if preset else {}
    config_class = config_class_of(model)
    return resolve_options(config_class, given, named, short_sessions=short_sessions)


def require_own_options(model: str, given: Collection[str]) -> None:
    """Check that a family has the options that the user gave.

    Args:
        model: the family's name.
        given: the options' names in Python.

    Raises:
        OptionError: another family has one of them, and this one has not.
    """
    foreign = [name for name in given if name not in _option_names(model)]
    owners = [other for other in FAMILIES if _option_names(other) & set(foreign)]
    # Of several families with some of the options, those with all of them.
    owners = [other for other in owners if set(foreign) <= _option_names(other)] or owners
    if not owners:  # an unknown name is a bug, of which the configuration's class complains
        return
    flags = [name.replace("_", "-") for name in foreign]
    are = "is an option" if len(flags) == 1 else "are options"
    theirs = " and ".join(f"--model {owner}" for owner in owners)
    raise OptionError(
        f"{', '.join(flags)} {are} of {theirs}, not of --model {model}",
        hint=f"leave {', '.join(f'--{flag}' for flag in flags)} out, or choose {theirs}",
    )


def family_with(given: Collection[str]) -> str:
    """Return the first family that has all of some options; the default one if none has."""
    names = set(given)
    return next((model for model in FAMILIES if names <= _option_names(model)), DEFAULT_FAMILY)


def _option_names(model: str) -> set[str]:
    return {field.name for field in fields(config_class_of(model))}
