"""The options of the optimizer and of its learning rate."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, SearchRange, option

PANEL = "Optimizer"

Optimizer = Literal["adagrad", "adam"]
Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Options):
    """How the weights follow the gradients; every network takes these."""

    optimizer: Optimizer = option("adagrad", "Optimizer.", panel=PANEL, choices=get_args(Optimizer))
    learning_rate: float = option(
        0.07,
        "Initial learning rate; see --schedule. With adam the default is 0.002.",
        panel=PANEL,
        short_sessions=0.1,
        above=0,
        expected="a number above 0",
        search=SearchRange(0.01, 0.3, is_log=True),
    )
    schedule: Schedule = option(
        "constant",
        "Learning rate schedule; linear and cosine reach 0 in the last epoch.",
        panel=PANEL,
        choices=get_args(Schedule),
    )
    clip_norm: float = option(0.0, "Clip gradients to this norm; 0 is off.", panel=PANEL, minimum=0)
    """Of all weights taken together."""

    momentum: float = option(
        0.3,
        "Momentum, with adagrad.",
        panel=PANEL,
        minimum=0,
        below=1,
        search=SearchRange(0.0, 0.6),
    )

    average_weights: float = option(
        0.2,
        "Judge and keep the average of the weights over about this share of an epoch; 0 is off.",
        panel=PANEL,
        short_sessions=0.0,
        before=0.0,
        minimum=0,
        maximum=100,
    )

    def check_together(self) -> None:
        """Check that only adagrad has momentum."""
        require_option(
            self.momentum == 0 or self.optimizer == "adagrad",
            "momentum goes with --optimizer adagrad alone",
            f"--optimizer {self.optimizer} --momentum {self.momentum}",
        )
        super().check_together()

    def without_effect(self, num_items: int) -> frozenset[str]:
        """Return the momentum where the optimizer has none."""
        names = set() if self.optimizer == "adagrad" else {"momentum"}
        return super().without_effect(num_items) | names
