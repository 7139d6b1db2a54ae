"""Item-kNN: items that share sessions with the last one."""

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays
from sbrcli.models.baselines.incidence import last_places, stack_rows, sum_matrices
from sbrcli.models.baselines.item_knn import ItemKnnConfig
from sbrcli.models.baselines.last_item import LastItemScorer, restore_last_item
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]

# The number of item pairs that are counted at a time (100 MB).
_PAIRS_AT_A_TIME = 2**23

_GROUP_ENTRIES = 2**22
"""Items of sessions that are multiplied at once; the counts of several groups are added up."""

Group = tuple[sparse.csr_array, sparse.csr_array]
"""The incidence of items and sessions, and that of sessions and items."""


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
    groups = _make_groups(training, num_items)
    sessions_of = np.zeros(num_items, np.int64)
    for by_item, _ in groups:
        sessions_of += np.diff(by_item.indptr)
    norms = np.sqrt(sessions_of + config.damping)
    norms[norms == 0] = 1  # for an item without sessions, without damping
    kept = [
        _keep_best(similarities, config.neighbours) for similarities in _similarities(groups, norms)
    ]
    return LastItemScorer(sparse.csr_array(sparse.vstack(kept, format="csr")))


def restore(arrays: Arrays, num_items: int, config: ItemKnnConfig) -> LastItemScorer:  # noqa: ARG001
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    return restore_last_item(arrays, num_items)


def _make_groups(training: Sessions, num_items: int) -> list[Group]:
    """Return the incidence of sessions and items, in 8 bytes for each item of a session.

    The entries, all 1, share one array: only their places take memory.
    """
    incidences, blocks, entries = [], [], 0
    for block in training.blocks():
        blocks.append(last_places(block, num_items))
        entries += blocks[-1].nnz
        if entries >= _GROUP_ENTRIES:
            incidences.append(stack_rows(blocks, num_items))
            entries = 0
    if blocks or not incidences:
        incidences.append(stack_rows(blocks, num_items))
    ones = np.ones(max(incidence.nnz for incidence in incidences))
    groups = []
    for incidence in incidences:
        incidence.data = ones[: incidence.nnz]
        by_item = sparse.csr_array(incidence.T)
        by_item.data = incidence.data
        groups.append((by_item, incidence))
    return groups


def _similarities(
    groups: list[Group], norms: npt.NDArray[np.floating]
) -> Iterator[sparse.csr_array]:
    """Yield the similarities of consecutive items to all items: (some, num_items)."""
    pairs = np.zeros(len(norms), np.int64)  # at most, of each item
    for by_item, incidence in groups:
        pairs += (by_item @ np.diff(incidence.indptr)).astype(np.int64)
    blocks = np.cumsum(pairs) // _PAIRS_AT_A_TIME
    begins = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(pairs)]
    for begin, end in itertools.pairwise(begins):
        shared = sum_matrices(
            sparse.csr_array(by_item[begin:end] @ incidence) for by_item, incidence in groups
        )
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
