"""What follows the last item: sequential rules, of which one step ahead is a Markov chain."""

import numpy as np
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays
from sbrcli.models.baselines.last_item import LastItemScorer, restore_last_item
from sbrcli.models.baselines.markov import MarkovConfig
from sbrcli.sessions import Sessions


def fit(training: Sessions, num_items: int, config: MarkovConfig) -> LastItemScorer:
    """Count which items follow which, up to `steps` events later in the same session.

    These are the sequential rules of Ludewig & Jannach 2018 (arXiv 1803.09587): an
    item x steps ahead counts 1/x. A rule's weight is not divided by how often its first item
    occurs, which would be the same for all of a next item's candidates.

    Args:
        training: sessions, every item index below `num_items`.
        num_items: how many items are scored.
        config: how far ahead, and what distance costs.
    """
    rules = sparse.csr_array((num_items, num_items), dtype=np.float64)
    session = np.repeat(np.arange(training.num_sessions), np.diff(training.offsets))
    longest = int(np.diff(training.offsets).max(initial=0))
    for step in range(1, min(config.steps, longest - 1) + 1):
        in_one = session[step:] == session[:-step]
        before, after = training.item_indices[:-step][in_one], training.item_indices[step:][in_one]
        weight = 1 / step if config.decay == "div" else 1.0
        pairs = (np.full(len(before), weight), (before, after))
        rules = rules + sparse.coo_array(pairs, shape=rules.shape).tocsr()
    return LastItemScorer(rules)


def restore(arrays: Arrays, num_items: int, config: MarkovConfig) -> LastItemScorer:  # noqa: ARG001
    """Make the fitted rules of their stored arrays; see `sbrcli.models.baselines.baseline`."""
    return restore_last_item(arrays, num_items)
