"""Declare item-kNN: items that share sessions with the last one."""

from dataclasses import dataclass

from sbrcli.config.options import Options, option
from sbrcli.models.baselines.baseline import Baseline


@dataclass(frozen=True, kw_only=True)
class ItemKnnConfig(Options):
    """Items that share sessions with the last item, by cosine similarity.

    The defaults are those of the item-kNN that GRU4Rec was first compared with (Hidasi et al.
    2016, arXiv 1511.06939, and its published code).
    """

    neighbours: int = option(100, minimum=1, maximum=1_000_000)
    """Number of most similar items stored for each item."""

    damping: float = option(20.0, minimum=0)
    """Added to each item's number of sessions, against chance similarities of rare items."""


BASELINE = Baseline(
    name="item-knn",
    title="Item-kNN",
    scorer="sbrcli.models.baselines.item_knn_scorer",
    options=ItemKnnConfig,
    help="Number of neighbours, and damping.",
    # A list of 20 items consists of the 20 nearest neighbours, so that more change nothing.
    grid={"damping": (0.0, 5.0, 20.0, 50.0, 100.0, 200.0)},
)
