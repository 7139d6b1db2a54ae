"""What the epochs of a training need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import IntArray
from sbrcli.artefacts.run import Phase
from sbrcli.config.training import FitConfig
from sbrcli.models.network import Network
from sbrcli.models.scorer import Scorer
from sbrcli.models.training.events import OnEvent, ignore_event
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    from sbrcli.models.training.team import Team

Validate = Callable[[Scorer], dict[str, float]]


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """All that the epochs need, and that stays the same while they run."""

    folder: Path
    """Where checkpoint and history lie, and the best epoch's weights but for those of a refit."""

    config: FitConfig
    network: Network
    """Holds the initial weights; training changes them."""

    sessions: Sessions
    train_count: IntArray
    """(num_items,) events of each item in the sessions: what negatives are drawn by."""

    validate: Validate | None
    on_event: OnEvent = ignore_event
    num_valid: int = 0
    """Next items that `validate` ranks."""

    checkpoint_seconds: float = 300.0
    """Within an epoch, the state is saved this often."""

    phase: Phase = "fit"
    epochs: int | None = None
    """Train this many epochs; the schedule still ends on the configuration's last one. None trains
    all of the configuration's epochs."""

    slots: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """What the optimizer remembers when training begins, by slot; zeros by default."""

    warn: Callable[[str], None] = lambda _: None
    """Called where training cannot resume from its checkpoint and starts from scratch."""

    team: "Team | None" = None
    """The workers that divide the lanes; None if this process trains alone."""

    copies: Sequence[Network] = ()
    """The network once for each device of the team in this process, itself first."""

    @property
    def num_epochs(self) -> int:
        """How many epochs are trained at most."""
        return self.config.epochs if self.epochs is None else self.epochs
