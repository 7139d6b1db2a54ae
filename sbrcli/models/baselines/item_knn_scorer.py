"""Item-kNN: items that share sessions with the last one."""

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays
from sbrcli.models.baselines.incidence import session_items
from sbrcli.models.baselines.item_knn import ItemKnnConfig
from sbrcli.models.baselines.last_item import LastItemScorer, restore_last_item
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]

# The number of item pairs that are counted at a time (100 MB).
_PAIRS_AT_A_TIME = 2**23


def fit(training: Sessions, num_items: int, config: ItemKnnConfig) -> LastItemScorer:
    """Find each item's most similar items, by the sessions that contain both.

    The similarity of items i and j is their damped cosine (Hidasi et al. 2016, arXiv 1511.06939),
    with n(…) the number of sessions that contain an item, or both:

        n(i, j) / sqrt((n(i) + damping) * (n(j) + damping))

    An item is not a neighbour of itself. Among equally similar items, the lower index comes first.

    Args:
        training: sessions, every item index below `num_items`.
        num_items: how many items are scored.
        config: the number of neighbours of an item, and the damping.
    """
    incidence = session_items(training, num_items)
    by_item = incidence.T.tocsr()
    norms = np.sqrt(np.diff(by_item.indptr) + config.damping)
    norms[norms == 0] = 1  # for an item without sessions, without damping
    kept = [
        _keep_best(similarities, config.neighbours)
        for similarities in _similarities(by_item, incidence, norms)
    ]
    return LastItemScorer(sparse.csr_array(sparse.vstack(kept, format="csr")))


def restore(arrays: Arrays, num_items: int, config: ItemKnnConfig) -> LastItemScorer:  # noqa: ARG001
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    return restore_last_item(arrays, num_items)


def _similarities(
    by_item: sparse.csr_array, incidence: sparse.csr_array, norms: npt.NDArray[np.floating]
) -> Iterator[sparse.csr_array]:
    """Yield the similarities of consecutive items to all items: (some, num_items)."""
    pairs = by_item @ np.diff(incidence.indptr)  # at most, of each item
    blocks = np.cumsum(pairs) // _PAIRS_AT_A_TIME
    begins = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(pairs)]
    for begin, end in itertools.pairwise(begins):
        shared = sparse.csr_array(by_item[begin:end] @ incidence)
        rows = np.repeat(np.arange(begin, end), np.diff(shared.indptr))
        shared.data /= norms[rows] * norms[shared.indices]
        shared.data[rows == shared.indices] = 0
        yield shared


def _keep_best(similarities: sparse.csr_array, most: int) -> sparse.csr_array:
    """Keep the greatest entries of each row, without zeros."""
    similarities.eliminate_zeros()
    similarities.sort_indices()
    data = similarities.data
    cuts = similarities.indptr
    for row in np.flatnonzero(np.diff(cuts) > most).tolist():
        own = data[cuts[row] : cuts[row + 1]]
        own[np.argsort(np.negative(own), kind="stable")[most:]] = 0
    similarities.eliminate_zeros()
    return similarities
