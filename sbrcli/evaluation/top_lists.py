"""How often a model recommends each item: counts over its top lists.

An item is in the top list of a target if it would be a hit at k: if at most k candidates, itself
included, have its score or a better one. Items that tie at the cut are all left out, because ties
count against the target too, so that a list may be shorter than k.
"""

import itertools
from time import perf_counter

import numpy as np
import numpy.typing as npt

from sbrcli.models.sparse_rows import SparseRows

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

# The maxima of chunks of this many columns bound the k-th best of all.
_CHUNK = 64


class TopLists:
    """Counts how often each item is in a top list.

    Args:
        num_items: the number of items.
        k: the maximum length of a list.
    """

    def __init__(self, num_items: int, k: int) -> None:
        self.counts = np.zeros(num_items, np.int64)
        self.seconds = 0.0
        """The time spent on counting."""

        self._k = k

    def add_block(self, scores: FloatArray | SparseRows, excluded: BoolArray | None) -> None:
        """Count the lists of one block.

        Args:
            scores: (batch, num_items), higher is better.
            excluded: (batch, num_items), items that are no candidates; None for sparse rows.
        """
        begun = perf_counter()
        if isinstance(scores, SparseRows):
            self._count_sparse(scores)
        else:
            if excluded is not None:
                scores = np.where(excluded, -np.inf, scores)
            for row in scores:
                self.counts[top_list(row, self._k)] += 1
        self.seconds += perf_counter() - begun

    def _count_sparse(self, rows: SparseRows) -> None:
        common = rows.common
        is_held = np.zeros(len(common.scores), np.bool_)
        for begin, end in itertools.pairwise(rows.cuts.tolist()):
            items, values = rows.items[begin:end], rows.values[begin:end]
            # Of the other items the best k + 1 suffice: the last of these is in no list.
            is_held[items] = True
            best = common.best_first[: self._k + 1 + len(items)]
            best = best[~is_held[best]][: self._k + 1]
            is_held[items] = False
            scores = np.concatenate((values, common.scores[best]))
            self.counts[np.concatenate((items, best))[top_list(scores, self._k)]] += 1


def top_list(scores: FloatArray, k: int) -> IntArray:
    """Return the items of a top list, (k or fewer,), ascending.

    Args:
        scores: (num_items,); -inf is no candidate.
        k: at least 1.
    """
    bound = _lower_bound(scores, k + 1)
    above = np.flatnonzero(scores > bound)
    if len(above) <= k:  # so the (k + 1)-th best is the bound itself
        return above
    own = scores[above]
    return above[own > np.partition(own, len(own) - k - 1)[len(own) - k - 1]]


def _lower_bound(scores: FloatArray, place: int) -> float:
    """Return a score that at least `place` items reach; -inf if there are fewer items.

    The `place`-th best of the maxima of many chunks is such a score, and costs one pass.
    """
    whole = len(scores) // _CHUNK * _CHUNK
    bests = scores[:whole].reshape(_CHUNK, -1).max(axis=0) if whole else scores
    if len(bests) < place:
        bests = scores
    if len(bests) < place:
        return -np.inf
    return np.partition(bests, len(bests) - place)[len(bests) - place].item()


def coverage_share(counts: IntArray) -> float:
    """Return the share of the items that are in at least one list; counts (num_items,)."""
    return float(np.count_nonzero(counts) / len(counts))


def mean_popularity(counts: IntArray, train_count: IntArray) -> float:
    """Return the mean popularity of the recommended items, each as often as it is recommended.

    An item's popularity is its number of events in training as a share of that of the most popular
    item, as in Ludewig & Jannach 2018 (arXiv 1803.09587). 0 if nothing is recommended.

    Args:
        counts: (num_items,) how often each item was recommended.
        train_count: (num_items,) events in training.
    """
    total = counts.sum() * train_count.max(initial=0)
    return float(counts @ train_count / total) if total else 0.0


def gini_index(counts: IntArray) -> float:
    """Return the Gini index of recommendations: 0 if all items come equally often, else up to 1.

    With counts c ascending and n items it is the sum of (2 i - n - 1) c_i, divided by n times the
    sum of c (Shani & Gunawardana 2011, Evaluating Recommendation Systems, section 8.3.2.1).

    Args:
        counts: (num_items,) how often each item was recommended.
    """
    total, number = counts.sum(), len(counts)
    places = 2 * np.arange(1, number + 1) - number - 1
    return float(places @ np.sort(counts) / (number * total)) if total else 0.0
