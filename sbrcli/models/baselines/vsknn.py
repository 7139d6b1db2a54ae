"""Declare V-SKNN: training sessions that share the session's latest items."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, option
from sbrcli.models.baselines.baseline import Baseline

PositionWeighting = Literal["same", "linear", "quadratic"]
NeighbourDecay = Literal["same", "linear", "div", "quadratic"]


@dataclass(frozen=True, kw_only=True)
class VsknnConfig(Options):
    """Vector multiplication session kNN (Ludewig & Jannach 2018, arXiv 1803.09587).

    The defaults are those of the authors' published code, whose `div` position weighting is the
    paper's linear one.
    """

    k: int = option(100, minimum=1, maximum=1_000_000)
    """Number of neighbours: the most similar of the sampled sessions."""

    sample: int = option(1_000, minimum=1, maximum=1_000_000)
    """Number of most recent sessions that share an item, among which neighbours are searched."""

    weighting: PositionWeighting = option("linear", choices=get_args(PositionWeighting))
    """Weight in the similarity of the item at position p of t: 1, p/t, or (p/t)^2."""

    decay: NeighbourDecay = option("div", choices=get_args(NeighbourDecay))
    """Weight of a neighbour whose last shared item is at position p of t: 1 (same), p/t
    (linear), 1/(t - p + 1) (div), or the square of that (quadratic)."""

    idf: float = option(0.0, minimum=0)
    """Multiply item scores by 1 + idf * log(sessions / sessions with the item); 0 is off."""


BASELINE = Baseline(
    name="vsknn",
    title="V-SKNN",
    scorer="sbrcli.models.baselines.vsknn_scorer",
    options=VsknnConfig,
    help="Number of neighbours, recent sessions sampled, position weighting (same, linear, "
    "quadratic), decay by the last shared item (same, linear, div, quadratic), weight of idf.",
    grid={
        "weighting": ("same", "linear", "quadratic"),
        "decay": ("same", "linear", "div", "quadratic"),
        "sample": (500, 1_000, 2_500, 5_000),
        "k": (50, 100, 200, 500),
        "idf": (0.0, 1.0, 5.0, 20.0),
    },
    is_partner=True,
)
