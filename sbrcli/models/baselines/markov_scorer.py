"""Sequential rules: the items that follow the last item; with one step, a Markov chain."""

import numpy as np
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays
from sbrcli.models.baselines.incidence import sum_matrices
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
    longest = int(np.diff(training.offsets).max(initial=0))
    for step in range(1, min(config.steps, longest - 1) + 1):
        counts = sum_matrices(_count_pairs(block, num_items, step) for block in training.blocks())
        if config.decay == "div":
            counts.data /= step
        rules = counts if step == 1 else rules + counts
    return LastItemScorer(sparse.csr_array(rules))


def _count_pairs(sessions: Sessions, num_items: int, step: int) -> sparse.csr_array:
    """Count how often items follow each other, so many events later: (num_items, num_items)."""
    session = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
    in_one = session[step:] == session[:-step]
    before, after = sessions.item_indices[:-step][in_one], sessions.item_indices[step:][in_one]
    pairs = (np.ones(len(before)), (before, after))
    return sparse.coo_array(pairs, shape=(num_items, num_items)).tocsr()


def restore(arrays: Arrays, num_items: int, config: MarkovConfig) -> LastItemScorer:  # noqa: ARG001
    """Restore the fitted rules from their arrays; see `sbrcli.models.baselines.baseline`."""
    return restore_last_item(arrays, num_items)
