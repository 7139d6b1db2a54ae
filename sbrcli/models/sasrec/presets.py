"""Named sets of options of SASRec."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "best": {
        "gates": True,
        "dropout": 0.1,
        "embedding_dropout": 0.0,
        "learning_rate": 0.03,
        "average_weights": 0.2,
    },
}
"""Named sets of options of `sbr train`; explicit options take precedence."""
