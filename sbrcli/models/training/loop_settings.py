"""What the epochs of a training need, and what they report while they run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbrcli.arrays import IntArray
from sbrcli.artefacts.run import Phase
from sbrcli.config.training import TrainConfig
from sbrcli.models.network import Network
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions

Validate = Callable[[Scorer], dict[str, float]]
Watch = Callable[[str, int, dict[str, Any]], None]
"""Called with what happens, in order; `at` is {"epoch": n, "epochs": n, "phase": phase}.

- ("loading", 0, {}): TensorFlow is about to be imported.
- ("resumed", pairs walked in this epoch before, at | {"share": of the epoch's pairs}).
- ("epoch", pairs that the epoch has, at), then often ("pairs", pairs just walked, {"loss": mean}).
- ("validation", next items to rank, at), then often ("ranked", next items just ranked, {}).
- ("epoch_end", pairs, at | {"row": as in history.csv, "is_best": bool, "seconds_left": float}).
- ("stopping", 0, {}): Ctrl-C was pressed, and training stops as soon as its place is saved.
"""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """All that the epochs need, and that stays the same while they run."""

    folder: Path
    """Where checkpoint and history lie, and the best epoch's weights but for those of a refit."""

    config: TrainConfig
    network: Network
    """Holds the initial weights; training changes them."""

    sessions: Sessions
    train_count: IntArray
    """(num_items,) events of each item in the sessions: what negatives are drawn by."""

    validate: Validate | None
    watch: Watch
    num_valid: int = 0
    """Next items that `validate` ranks."""

    checkpoint_seconds: float = 300.0
    """Within an epoch, the place is saved this often."""

    phase: Phase = "fit"
    epochs: int | None = None
    """Train this many epochs; the schedule still ends on the configuration's last one. None trains
    all of the configuration's epochs."""

    warn: Callable[[str], None] = lambda _: None
    """Called where training cannot go on from its checkpoint and starts from scratch."""

    @property
    def num_epochs(self) -> int:
        """How many epochs are trained at most."""
        return self.config.epochs if self.epochs is None else self.epochs
