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
        "learned",
        "Learn a term for the scores of items that the session already contains, by the number "
        "of events since: 1, 2, 3, 4, 5, or 6 and more.",
        short_sessions="off",
        before="off",
        panel=PANEL,
        choices=get_args(Repeats),
    )
