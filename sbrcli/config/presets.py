"""Named sets of training options: those that an optimizer needs, and published ones."""

from collections.abc import Mapping
from typing import Any

from sbrcli.config.options import declared_options
from sbrcli.config.training import TrainConfig
from sbrcli.errors import OptionError

OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adagrad": {},
    "adam": {"learning_rate": 0.002, "momentum": 0.0},
}
"""Defaults that differ from `TrainConfig`'s with each optimizer."""

SHORT_SESSION_EVENTS = 20
"""Sessions are short if those of train have fewer events on average."""

SHORT_SESSIONS: dict[str, Any] = {
    field.name: declared.short_sessions
    for field, declared in declared_options(TrainConfig)
    if declared.short_sessions is not None
}
"""Defaults that differ from `TrainConfig`'s if sessions are short."""

_OFFICIAL: dict[str, Any] = {
    "layers": 1,
    "embedding": "shared",
    "n_sample": 2048,
    "optimizer": "adagrad",
    "epochs": 10,
    "bptt": 1,
}
"""Options that the best settings of the official GRU4Rec have in common."""


def _official(
    hsz: int, batch_size: int, drops: tuple[float, float], rate: float, alpha: float, **other: Any
) -> dict[str, Any]:
    """Return a row of the official settings; `drops` are those of the embedding and the layers."""
    return {
        **_OFFICIAL,
        "hsz": (hsz,),
        "batch_size": batch_size,
        "embedding_dropout": drops[0],
        "dropout": drops[1],
        "learning_rate": rate,
        "sample_alpha": alpha,
        "momentum": 0.0,
        **other,
    }


_XE: dict[str, Any] = {"loss": "cross-entropy", "logq": 1.0}


def _bpr_max(bpreg: float, elu: float, momentum: float) -> dict[str, Any]:
    return {"loss": "bpr-max", "bpreg": bpreg, "elu": elu, "momentum": momentum}


PRESETS: dict[str, dict[str, Any]] = {
    "notebook": {
        "hsz": (50,),
        "dropout": 0.1,
        "embedding_dropout": 0.0,
        "embedding": "none",
        "optimizer": "adam",
        "learning_rate": 0.001,
        "momentum": 0.0,
        "batch_size": 64,
        "bptt": 1,
        "epochs": 3,
        "n_sample": 0,
    },
    "best": {"hsz": (192,), "dropout": 0.3, "epochs": 12},
    "rsc15": _official(100, 32, (0.1, 0.0), 0.1, 0.75, **_XE),
    "yoochoose": _official(480, 48, (0.0, 0.2), 0.07, 0.2, **_XE),
    "rees46": _official(512, 240, (0.45, 0.0), 0.065, 0.5, **_XE),
    "coveo": _official(512, 144, (0.35, 0.0), 0.05, 0.2, **_bpr_max(1.85, 1.0, 0.4)),
    "retailrocket": _official(224, 80, (0.5, 0.05), 0.05, 0.4, **_bpr_max(1.95, 0.5, 0.4)),
    "diginetica": _official(512, 128, (0.5, 0.3), 0.05, 0.3, **_bpr_max(0.9, 1.0, 0.15)),
}
"""Named sets of options of `sbr train`; explicit options take precedence."""

_DEFAULTS = TrainConfig()
_GO_WITH = {"optimizer": ("learning_rate", "momentum"), "loss": ("logq", "bpreg", "elu")}
"""Options of a preset that apply only with its own optimizer or loss."""


def configure_training(
    options: Mapping[str, Any], preset: str | None, *, short_sessions: bool = False
) -> TrainConfig:
    """Return the options to train with: explicit ones first, then the preset, then defaults.

    Args:
        options: the user's options; None for those not given. An `n_sample` of "auto" lets the
            number of items decide, even if the preset has a number. Several sizes in `hsz` are as
            many layers.
        preset: a name of `PRESETS`, or None.
        short_sessions: use the defaults of `SHORT_SESSIONS`, unless a preset sets all of them.

    Raises:
        OptionError: there is no such preset, or options do not fit together.
        ConfigError: an option is out of bounds.
    """
    if preset is not None and preset not in PRESETS:
        raise OptionError(f"preset must be one of {', '.join(PRESETS)}. Received: {preset}")
    explicit = {name: value for name, value in options.items() if value is not None}
    chosen = dict(PRESETS[preset]) if preset else {}
    for name, company in _GO_WITH.items():
        theirs = chosen.get(name, getattr(_DEFAULTS, name))
        if explicit.get(name, theirs) != theirs:
            chosen = {option: value for option, value in chosen.items() if option not in company}
    chosen |= explicit
    if "layers" not in explicit and len(explicit.get("hsz", ())) > 1:
        chosen["layers"] = len(explicit["hsz"])
    if chosen.get("n_sample") == "auto":
        chosen["n_sample"] = None
    suited = SHORT_SESSIONS if short_sessions and preset in (None, "best") else {}
    # An unknown optimizer has no defaults; TrainConfig refuses it.
    its_own = OPTIMIZER_DEFAULTS.get(chosen.get("optimizer", ""), {})
    return TrainConfig(**suited | its_own | chosen)
