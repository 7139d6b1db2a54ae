"""Declare STAN: training sessions that resemble the session by order and by time."""

from dataclasses import dataclass

from sbrcli.config.options import Options, option
from sbrcli.models.baselines.baseline import Baseline


@dataclass(frozen=True, kw_only=True)
class StanConfig(Options):
    """Sequence and time aware neighbourhood (Garg et al. 2019, SIGIR).

    The defaults are those of the implementation that later comparisons use (session-rec, Ludewig
    et al. 2021).
    """

    k: int = option(100, minimum=1, maximum=1_000_000)
    """Number of neighbours: the most similar of the sampled sessions."""

    sample: int = option(5_000, minimum=1, maximum=1_000_000)
    """Number of most recent sessions that share an item, among which neighbours are searched."""

    lambda1: float = option(1.02, above=0)
    """Events back in the session at which an item's weight falls to 1/e."""

    lambda2: float = option(5.0, above=0)
    """Days between two sessions at which the older one's weight falls to 1/e."""

    lambda3: float = option(2.05, above=0)
    """Places from the shared item at which the weight of a neighbour's item falls to 1/e."""


BASELINE = Baseline(
    name="stan",
    title="STAN",
    scorer="sbrcli.models.baselines.stan_scorer",
    options=StanConfig,
    help="Number of neighbours, recent sessions sampled, and the distances at which a weight "
    "falls to 1/e: events back in the session (lambda1), days between sessions (lambda2), "
    "places from the shared item (lambda3).",
    grid={
        "lambda2": (5.0, 20.0, 100.0, 500.0, 2_500.0),
        "lambda1": (0.25, 0.5, 1.02, 2.0, 4.0),
        "lambda3": (0.5, 1.02, 2.05, 4.0, 8.0),
        "k": (100, 200, 500),
        "sample": (1_000, 2_500, 5_000),
    },
    is_partner=True,
)
