"""Baselines by name."""

from typing import Protocol

from sbrcli.config.baselines import BaselineConfig, BaselineName
from sbrcli.models.baselines.item_knn import fit_item_knn
from sbrcli.models.baselines.last_item import LastItemScorer
from sbrcli.models.baselines.markov import fit_markov
from sbrcli.models.baselines.popularity import PopularityScorer, SessionPopularityScorer
from sbrcli.models.baselines.stan import StanScorer, fit_stan
from sbrcli.models.baselines.vsknn import VsknnScorer, fit_vsknn
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions


class Baseline(Scorer, Protocol):
    """A scorer that says how much memory it takes."""

    @property
    def memory_bytes(self) -> int:
        """The bytes of the fitted model's arrays."""
        ...


def fit_baseline(
    name: BaselineName, training: Sessions, num_items: int, config: BaselineConfig
) -> Baseline:
    """Fit a baseline.

    Args:
        name: which one.
        training: sessions, every item index below `num_items`.
        num_items: how many items are scored.
        config: the baselines' options.
    """
    match name:
        case "popularity":
            return PopularityScorer(training, num_items)
        case "session-popularity":
            return SessionPopularityScorer(training, num_items)
        case "markov":
            return fit_markov(training, num_items, config.markov)
        case "item-knn":
            return fit_item_knn(training, num_items, config.item_knn)
        case "vsknn":
            return fit_vsknn(training, num_items, config.vsknn)
        case "stan":
            return fit_stan(training, num_items, config.stan)


def fit_partner(
    name: str, training: Sessions, num_items: int, config: BaselineConfig
) -> LastItemScorer | VsknnScorer | StanScorer:
    """Fit a baseline that a network can be blended with: markov, vsknn or stan."""
    match name:
        case "markov":
            return fit_markov(training, num_items, config.markov)
        case "vsknn":
            return fit_vsknn(training, num_items, config.vsknn)
        case _:
            return fit_stan(training, num_items, config.stan)
