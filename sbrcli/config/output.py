"""The options of the output layer, which all networks share."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, option

PANEL = "Output layer"

Repeats = Literal["off", "learned"]


@dataclass(frozen=True, kw_only=True)
class OutputConfig(Options):
    """What a network's output layer has besides a row and a bias for each item."""

    repeats: Repeats = option(
        "off",
        "Learn what an item's score gains or loses by the number of events since the session had "
        "it: 1, 2, 3, 4, 5, or 6 and more.",
        panel=PANEL,
        choices=get_args(Repeats),
    )
