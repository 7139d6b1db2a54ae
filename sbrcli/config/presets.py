"""Named sets of training options: what each optimizer needs, and what others have published."""

from collections.abc import Mapping
from typing import Any

from sbrcli.config.options import declared_options
from sbrcli.config.training import TrainConfig
from sbrcli.errors import OptionError

OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adagrad": {},
    "adam": {"learning_rate": 0.002, "momentum": 0.0},
}
"""What differs from `TrainConfig`'s defaults with each optimizer."""

SHORT_SESSION_EVENTS = 20
"""Where train's sessions have fewer events on average, they are short."""

SHORT_SESSIONS: dict[str, Any] = {
    field.name: declared.short_sessions
    for field, declared in declared_options(TrainConfig)
    if declared.short_sessions is not None
}
"""What differs from `TrainConfig`'s defaults where sessions are short."""

_OFFICIAL: dict[str, Any] = {
    "layers": 1,
    "embedding": "shared",
    "n_sample": 2048,
    "optimizer": "adagrad",
    "epochs": 10,
    "bptt": 1,
}
"""What the official GRU4Rec's best settings have in common."""


def _official(
    hsz: int, batch_size: int, drops: tuple[float, float], rate: float, alpha: float, **other: Any
) -> dict[str, Any]:
    """Write the official settings as a row of their table; `drops` are embedding's, hidden's."""
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
"""Named sets of options of `sbr train`; what the user says himself goes before them."""

_DEFAULTS = TrainConfig()
_GO_WITH = {"optimizer": ("learning_rate", "momentum"), "loss": ("logq", "bpreg", "elu")}
"""What a preset says for its own optimizer or loss, and for no other."""


def configure_training(
    given: Mapping[str, Any], preset: str | None, *, short_sessions: bool = False
) -> TrainConfig:
    """Put what the user says before the preset, and that before the defaults.

    Args:
        given: the user's options; None where he says nothing. An `n_sample` of "auto" lets the
            number of items decide, also where the preset names a number. Several sizes in `hsz`
            are as many layers.
        preset: a name of `PRESETS`, or None.
        short_sessions: let `SHORT_SESSIONS` be the defaults, unless a preset says all that they do.

    Raises:
        ConfigError: there is no such preset, or an option is out of bounds.
    """
    if preset is not None and preset not in PRESETS:
        raise OptionError(f"preset must be one of {', '.join(PRESETS)}. Received: {preset}")
    said = {name: value for name, value in given.items() if value is not None}
    chosen = dict(PRESETS[preset]) if preset else {}
    for name, company in _GO_WITH.items():
        theirs = chosen.get(name, getattr(_DEFAULTS, name))
        if said.get(name, theirs) != theirs:
            chosen = {option: value for option, value in chosen.items() if option not in company}
    chosen |= said
    if "layers" not in said and len(said.get("hsz", ())) > 1:
        chosen["layers"] = len(said["hsz"])
    if chosen.get("n_sample") == "auto":
        chosen["n_sample"] = None
    suited = SHORT_SESSIONS if short_sessions and preset in (None, "best") else {}
    # An unknown optimizer has no defaults; TrainConfig refuses it.
    its_own = OPTIMIZER_DEFAULTS.get(chosen.get("optimizer", ""), {})
    return TrainConfig(**suited | its_own | chosen)
