"""The values of a training's options: the user's first, then a preset's, then the defaults."""

from collections.abc import Mapping
from typing import Any

from sbrcli.config.options import declared_options
from sbrcli.config.training import FitConfig

OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adagrad": {},
    "adam": {"learning_rate": 0.002, "momentum": 0.0},
}
"""Defaults that differ from `FitConfig`'s with each optimizer."""

SHORT_SESSION_EVENTS = 20
"""Sessions are short if those of train have fewer events on average."""

_DEFAULTS = FitConfig()
_GO_WITH = {"optimizer": ("learning_rate", "momentum"), "loss": ("logq", "bpreg", "elu")}
"""Options of a preset that apply only with its own optimizer or loss."""


def short_session_defaults(config_class: type[FitConfig]) -> dict[str, Any]:
    """Return the defaults that differ if sessions are short."""
    return {
        field.name: declared.short_sessions
        for field, declared in declared_options(config_class)
        if declared.short_sessions is not None
    }


def resolve_options(
    config_class: type[FitConfig],
    given: Mapping[str, Any],
    preset: Mapping[str, Any],
    *,
    short_sessions: bool = False,
) -> FitConfig:
    """Return the configuration that the user's options, a preset and the defaults make.

    Args:
        config_class: the training configuration of a family, see `training_config`.
        given: the user's options. An `n_sample` of "auto" lets the number of items decide, even
            if the preset has a number.
        preset: the options of a preset; empty without one.
        short_sessions: use the defaults for short sessions, unless a preset sets all of them.

    Raises:
        OptionError: options do not fit together.
        ConfigError: an option is out of bounds.
    """
    chosen = dict(preset)
    for name, company in _GO_WITH.items():
        theirs = chosen.get(name, getattr(_DEFAULTS, name))
        if given.get(name, theirs) != theirs:
            chosen = {option: value for option, value in chosen.items() if option not in company}
    chosen |= {**given, **config_class.implied_by(given)}
    if chosen.get("n_sample") == "auto":
        chosen["n_sample"] = None
    suited = short_session_defaults(config_class) if short_sessions else {}
    if suited.keys() <= preset.keys():
        suited = {}
    # An unknown optimizer has no defaults; the configuration refuses it.
    its_own = OPTIMIZER_DEFAULTS.get(chosen.get("optimizer", ""), {})
    return config_class(**suited | its_own | config_class.own_defaults(chosen) | chosen)
