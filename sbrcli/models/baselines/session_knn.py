"""Scores by the training sessions nearest to the session so far: what V-SKNN and STAN share.

The published forms walk every item of every sampled session for each event. Here a session is
followed event by event:

- Of an item's sessions only the `sample` most recent matter: where one beyond these shares it, so
  do `sample` sessions that are more recent. And a session that has fallen out of the sample
  never returns, as the sessions that share an item only become more.
- What a training session has in common with the session changes with an event only if it holds
  the event's item.
"""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.blocks import rows_of_matrix
from sbrcli.models.sparse_rows import SparseRows, SparseScorer, block_rows
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]
Found = tuple[IntArray, FloatArray]
"""What was found after an event: what, and the weight of each."""


class SessionKnnScorer(SparseScorer):
    """Follows sessions; what is found after each event, and how it is scored, is the model's.

    Args:
        holders: each item's most recent sessions, item by item, the most recent first.
        cuts: (num_items + 1,); item i is held by `holders[cuts[i]:cuts[i + 1]]`.
        num_sessions: how many training sessions there are.
    """

    def __init__(self, holders: IntArray, cuts: IntArray, num_sessions: int) -> None:
        super().__init__(np.zeros(len(cuts) - 1, np.float32))
        self._holders, self._cuts = holders, cuts
        self._num_sessions = num_sessions

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score what follows each event, as sparse rows."""
        walk, rows = self._walk(sessions), block_rows(self.num_items)
        while block := list(itertools.islice(walk, rows)):
            positions, found = zip(*block, strict=True)
            yield np.array(positions), rows_of_matrix(self._score(found), self.common)

    def sparse_rows(self, sessions: Sessions) -> Callable[[IntArray], sparse.csr_array]:
        """Return a function that computes sparse scores of what follows events of the sessions.

        What follows all their events is sought at once, and kept.
        """
        found = dict(self._walk(sessions))
        return lambda positions: self._score([found[place] for place in positions.tolist()])

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        return self.sparse_next(items).astype(np.float32).toarray()[0]

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score what follows the session `items`, as one sparse row."""
        is_last = np.arange(len(items)) == len(items) - 1
        return self._score(list(self._follow(items, is_last, Traces(self._num_sessions))))

    def _walk(self, sessions: Sessions) -> Iterator[tuple[int, Found]]:
        """Yield each position before an event that is asked for, with what was found after it."""
        traces, cuts = Traces(self._num_sessions), sessions.offsets.tolist()
        is_asked = sessions.target_mask
        for begin, end in itertools.pairwise(cuts):
            followed = sessions.item_indices[begin : max(begin, end - 1)]
            asked = is_asked[begin + 1 : end]
            places = (begin + np.flatnonzero(asked)).tolist()
            yield from zip(places, self._follow(followed, asked, traces), strict=True)
            for item in set(followed.tolist()):
                traces.wipe(self._holders_of(item))

    def _holders_of(self, item: int) -> IntArray:
        return self._holders[self._cuts[item] : self._cuts[item + 1]]

    @abstractmethod
    def _follow(self, items: IntArray, asked: BoolArray, traces: "Traces") -> Iterator[Found]:
        """Return what is found after events of a session, where asked.

        Args:
            items: (events,), those of a session.
            asked: (events,), after which of them.
            traces: clean ones.
        """

    @abstractmethod
    def _score(self, found: Sequence[Found]) -> sparse.csr_array:
        """Turn what was found after events into their scores: (events, num_items)."""


class Traces:
    """What each training session has in common with the session that is followed."""

    def __init__(self, sessions: int) -> None:
        self.similarity = np.zeros(sessions)
        """In the model's own terms; 0 where nothing is shared."""

        self.last_shared = np.zeros(sessions, np.int64)
        """The position, from 1, of the last event that it shares; 0 where there is none."""

        self.place = np.zeros(sessions, np.int64)
        """Where in the training session that event's item stands, for a model that asks."""

    def wipe(self, sessions: IntArray) -> None:
        """Forget training sessions, so that another session can be followed."""
        for trace in (self.similarity, self.last_shared, self.place):
            trace[sessions] = 0


def first_of_each_row(matrix: sparse.csr_array, most: int) -> tuple[IntArray, IntArray]:
    """Return which entries are the first `most` of their row, and the (rows + 1,) row borders."""
    counts = np.diff(matrix.indptr)
    places = np.arange(len(matrix.indices)) - np.repeat(matrix.indptr[:-1], counts)
    return np.flatnonzero(places < most), np.cumsum([0, *np.minimum(counts, most)])


def nearest(similarities: FloatArray, k: int) -> IntArray | slice:
    """Choose the k greatest, and of equals the first; the choice is in ascending order."""
    count = len(similarities)
    if count <= k:
        return slice(None)
    least = np.partition(similarities, count - k)[count - k]
    chosen = similarities > least
    alike = np.flatnonzero(similarities == least)
    chosen[alike[: k - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)
