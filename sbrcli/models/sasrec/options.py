"""The options of the SASRec network itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.config.checks import require, require_option
from sbrcli.config.network import PANEL, dropout_option, sizes_option
from sbrcli.config.options import Options, SearchRange, option

ADAGRAD_RATE = 0.02
"""The default learning rate of adagrad: the norms make the network sensitive to higher ones."""


@dataclass(frozen=True, kw_only=True)
class SasRecConfig(Options):
    """The blocks of a SASRec, how far they look back, and their dropout."""

    blocks: int = option(
        2,
        "Number of blocks: attention, then feed-forward.",
        panel=PANEL,
        minimum=1,
        maximum=30,
        search=SearchRange(1, 4),
    )
    hsz: tuple[int, ...] = sizes_option(64, "Units: one number.")
    heads: int = option(
        2,
        "Number of attention heads, which share the units equally.",
        panel=PANEL,
        minimum=1,
        maximum=1_000,
    )
    window: int = option(
        50,
        "Number of events that each block attends to, the current one included.",
        panel=PANEL,
        short_sessions=16,
        minimum=2,
        maximum=10_000,
        search=SearchRange(8, 200, is_log=True),
    )
    feed_forward: int = option(
        1,
        "Width of the feed-forward layer, as a multiple of --hsz.",
        panel=PANEL,
        minimum=1,
        maximum=16,
    )
    gates: bool = option(
        False,
        "Multiply each layer's output by a learned gate, computed from its input.",
        panel=PANEL,
    )
    dropout: float = dropout_option(0.2, "Dropout on the output of each layer.")
    embedding_dropout: float = dropout_option(0.1, "Dropout on the input embedding.")

    @classmethod
    def own_defaults(cls, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Return what other networks do otherwise: adagrad's rate, no average of the weights."""
        own: dict[str, Any] = {"average_weights": 0.0}
        if chosen.get("optimizer", "adagrad") == "adagrad":
            own["learning_rate"] = ADAGRAD_RATE
        return own

    @classmethod
    def fit_together(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with a drawn number of units that the number of heads divides."""
        fitted = super().fit_together(given)
        units, heads = fitted.get("hsz"), fitted.get("heads", cls.heads)
        if isinstance(units, int):
            fitted["hsz"] = heads * max(1, round(units / heads))
        return fitted

    def check_together(self) -> None:
        """Check that there is one size, and that the number of heads divides it."""
        sizes = ",".join(map(str, self.hsz))
        require_option(len(self.hsz) == 1, "hsz of --model sasrec must be one number", sizes)
        require(
            self.hsz[0] % self.heads == 0,
            "hsz must be a multiple of heads",
            f"--hsz {sizes} --heads {self.heads}",
        )
        super().check_together()

    @property
    def units(self) -> int:
        """Units of an event."""
        return self.hsz[0]
