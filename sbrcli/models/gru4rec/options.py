"""The options of the GRU4Rec network itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sbrcli.config.checks import require, require_option
from sbrcli.config.network import PANEL, dropout_option, sizes_option
from sbrcli.config.options import Options, option
from sbrcli.config.output import PANEL as OUTPUT_PANEL

Embedding = Literal["none", "separate", "shared"]


@dataclass(frozen=True, kw_only=True)
class Gru4RecConfig(Options):
    """The layers of a GRU4Rec, how items enter them, and their dropout."""

    layers: int = option(
        1,
        "Number of GRU layers; by default one per number of --hsz.",
        panel=PANEL,
        minimum=1,
        maximum=50,
    )
    hsz: tuple[int, ...] = sizes_option(
        100, "Units per layer: one number for all layers, or one for each."
    )
    dropout: float = dropout_option(0.2, "Dropout on the output of each layer.")
    embedding_dropout: float = dropout_option(0.1, "Dropout on the input embedding.")
    embedding: Embedding = option(
        "shared",
        "Input embedding: none (one-hot), separate (its own table) or shared (the output's table).",
        panel=PANEL,
        choices=get_args(Embedding),
    )
    residual: bool = option(
        True,
        "Add the last item's embedding, times a learned matrix, to the last layer's output. "
        "Not with --embedding none.",
        short_sessions=False,
        before=False,
        panel=OUTPUT_PANEL,
    )

    @classmethod
    def implied_by(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what follows from --hsz and --embedding: layers, and no residual.

        Raises:
            OptionError: a residual is given, and no embedding.
        """
        sizes = given.get("hsz", ())
        implied: dict[str, Any] = {}
        if len(sizes) > 1 and "layers" not in given:
            implied["layers"] = len(sizes)
        if given.get("embedding") == "none":
            require_option(
                not given.get("residual"),
                "residual needs an embedding of the items: separate or shared",
                "--residual --embedding none",
            )
            implied["residual"] = False
        return implied

    def check_together(self) -> None:
        """Check that there is a size for each layer."""
        sizes = ",".join(map(str, self.hsz))
        require(bool(self.hsz), "hsz must be 1 to 100,000", sizes)
        require_option(
            len(self.hsz) in (1, self.layers),
            "hsz must be one number for all layers, or one for each",
            f"--layers {self.layers} --hsz {sizes}",
        )
        super().check_together()

    @property
    def has_residual(self) -> bool:
        """Whether there is a residual, and an embedding to add."""
        return self.residual and self.embedding != "none"

    @property
    def units(self) -> tuple[int, ...]:
        """Units of each layer, one number a layer."""
        return self.hsz * self.layers if len(self.hsz) == 1 else self.hsz
