"""Scores by the training sessions nearest to the session so far, for V-SKNN and STAN.

The published implementations visit every item of every sampled session for each event. Here the
state of a session is updated event by event:

- Of an item's sessions only the `sample` most recent matter, as these share the item too and are
  more recent than any other. A session that has left the sample never returns, because the sessions
  that share an item only increase.
- The overlap of a training session with the session changes with an event only if it contains the
  event's item.
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
"""The findings after an event, such as neighbours or items, and the weight of each."""


class SessionKnnScorer(SparseScorer):
    """Processes sessions event by event; a subclass finds the neighbours and scores them.

    Args:
        holders: each item's most recent sessions, item by item, the most recent first.
        cuts: (num_items + 1,); the sessions with item i are `holders[cuts[i]:cuts[i + 1]]`.
        num_sessions: the number of training sessions.
    """

    def __init__(self, holders: IntArray, cuts: IntArray, num_sessions: int) -> None:
        super().__init__(np.zeros(len(cuts) - 1, np.float32))
        self._holders, self._cuts = holders, cuts
        self._num_sessions = num_sessions

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score the items after each event, as sparse rows."""
        walk, rows = self._walk(sessions), block_rows(self.num_items)
        while block := list(itertools.islice(walk, rows)):
            positions, found = zip(*block, strict=True)
            yield np.array(positions), rows_of_matrix(self._score(found), self.common)

    def sparse_rows(self, sessions: Sessions) -> Callable[[IntArray], sparse.csr_array]:
        """Return a function that computes sparse scores at positions of the sessions.

        The findings after all events are computed at once, and stored.
        """
        found = dict(self._walk(sessions))
        return lambda positions: self._score([found[place] for place in positions.tolist()])

    def score_next(self, items: IntArray) -> FloatArray:
        """Score the items after the session `items`: (num_items,)."""
        return self.sparse_next(items).astype(np.float32).toarray()[0]

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score the items after the session `items`, as one sparse row."""
        is_last = np.arange(len(items)) == len(items) - 1
        return self._score(list(self._follow(items, is_last, Traces(self._num_sessions))))

    def _walk(self, sessions: Sessions) -> Iterator[tuple[int, Found]]:
        """Yield each position before a target, with the findings after it."""
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
        """Return the findings after the requested events of a session.

        Args:
            items: (events,), the items of a session.
            asked: (events,), which events are requested.
            traces: reset traces.
        """

    @abstractmethod
    def _score(self, found: Sequence[Found]) -> sparse.csr_array:
        """Return the scores of the findings after events: (events, num_items)."""


class Traces:
    """The overlap of each training session with the session that is processed."""

    def __init__(self, sessions: int) -> None:
        self.similarity = np.zeros(sessions)
        """The similarity, as the model defines it; 0 if no item is shared."""

        self.last_shared = np.zeros(sessions, np.int64)
        """The position, from 1, of the last shared event; 0 if there is none."""

        self.place = np.zeros(sessions, np.int64)
        """The position of that event's item in the training session, for models that need it."""

    def wipe(self, sessions: IntArray) -> None:
        """Reset the traces of training sessions, for another session."""
        for trace in (self.similarity, self.last_shared, self.place):
            trace[sessions] = 0


def nearest(similarities: FloatArray, k: int) -> IntArray | slice:
    """Return the indices of the k greatest, ascending; among equals, the first ones."""
    count = len(similarities)
    if count <= k:
        return slice(None)
    least = np.partition(similarities, count - k)[count - k]
    chosen = similarities > least
    alike = np.flatnonzero(similarities == least)
    chosen[alike[: k - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)
