"""Sequential rules: the items that follow the last item; with one step, a Markov chain."""

import numpy as np
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays
from sbrcli.models.baselines.last_item import LastItemScorer, restore_last_item
from sbrcli.models.baselines.markov import MarkovConfig
from sbrcli.sessions import Sessions


def fit(training: Sessions, num_items: int, config: MarkovConfig) -> LastItemScorer:
    """Count how often items follow each other, up to `steps` events later in the same session.

    These are the sequential rules of Ludewig & Jannach 2018 (arXiv 1803.09587): an item x steps
    ahead counts 1/x. A rule's weight is not divided by the frequency of its first item, which is
    the same for all candidates.

    Args:
        training: sessions, every item index below `num_items`.
        num_items: how many items are scored.
        config: the number of steps, and the decay with distance.
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
    """Restore the fitted rules from their arrays; see `sbrcli.models.baselines.baseline`."""
    return restore_last_item(arrays, num_items)
