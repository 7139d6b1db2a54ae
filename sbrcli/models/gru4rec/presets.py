"""Named sets of options of GRU4Rec: the source notebook's, published ones, and the best found."""

from typing import Any

_OFFICIAL: dict[str, Any] = {
    "layers": 1,
    "embedding": "shared",
    "n_sample": 2048,
    "optimizer": "adagrad",
    "epochs": 10,
    "bptt": 1,
    "repeats": "off",
    "residual": False,
    "average_weights": 0.0,
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
        "repeats": "off",
        "residual": False,
        "average_weights": 0.0,
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
