"""V-SKNN: what sessions hold that resemble this one, and the more its latest events.

Vector multiplication session kNN of Ludewig & Jannach 2018 (arXiv 1803.09587). Of
the training sessions that share an item with the session so far, the `sample` most recent are
compared with it. A session's similarity is the sum over the shared items of the weight of their
position, the last where an item came more than once. The `k` most similar are the neighbours; of
two equally similar, the more recent one. Each neighbour gives all its items its similarity,
weighted by the position of the last item that it shares, as S-SKNN does there.

The published form walks every item of every sampled session for each event. Here a session is
followed event by event:

- A weight p/t has the numerator p, which does not change as the session grows, so that an event at
  position t adds t to the similarity of the sessions that hold its item, and that is all.
  The numerators are whole numbers, so that sums are exact and ties are ties.
- Of an item's sessions only the `sample` most recent matter: where one beyond these shares it, so
  do `sample` sessions that are more recent. And a session that has fallen out of the sample
  never returns, as the sessions that share an item only become more.
- Neighbours are written as sparse rows, and their items summed up in one product a block.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.baseline_config import NeighbourDecay, PositionWeighting, VsknnConfig
from sbrcli.dataset.storage import Sessions
from sbrcli.models.baselines.blocks import matrix_arrays, rows_of_matrix
from sbrcli.models.baselines.incidence import session_items
from sbrcli.models.sparse_rows import SparseRows, SparseScorer, block_rows

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating]
Neighbours = tuple[IntArray, FloatArray]
"""Rows of the training sessions, the most recent first, and the weight of each."""

_POWERS: dict[PositionWeighting, int] = {"same": 0, "linear": 1, "quadratic": 2}


def fit_vsknn(training: Sessions, num_items: int, config: VsknnConfig) -> "VsknnScorer":
    """Note which sessions hold which items.

    Args:
        training: the sessions among which neighbours are sought.
        num_items: how many items are scored.
        config: neighbours, sample and weights.
    """
    incidence = session_items(training, num_items)
    by_item = sparse.csr_array(incidence.T)
    holders, cuts = _first_of_each_row(by_item, config.sample)
    num_sessions, sessions_of = len(incidence.indptr) - 1, np.diff(by_item.indptr)
    factors = 1 + config.idf * np.log(max(1, num_sessions) / np.maximum(sessions_of, 1))
    incidence.data = factors[incidence.indices]
    return VsknnScorer(incidence, holders, cuts, config)


class VsknnScorer(SparseScorer):
    """Scores items by the sessions nearest to the session so far.

    Args:
        incidence: (sessions, num_items) sparse, the most recent session first: what an item gains
            from a neighbour that holds it.
        holders: each item's most recent sessions, item by item, the most recent first.
        cuts: (num_items + 1,); item i is held by `holders[cuts[i]:cuts[i + 1]]`.
        config: neighbours, sample and weights.
    """

    def __init__(
        self, incidence: sparse.csr_array, holders: IntArray, cuts: IntArray, config: VsknnConfig
    ) -> None:
        super().__init__(np.zeros(len(cuts) - 1, np.float32))
        self._incidence, self._config = incidence, config
        self._holders, self._cuts = holders, cuts
        self._num_sessions = len(incidence.indptr) - 1

    def arrays(self) -> dict[str, npt.NDArray]:
        """Give all that was fitted, by name, as `VsknnScorer` takes it."""
        return {
            **matrix_arrays("incidence", self._incidence),
            "holders": self._holders,
            "cuts": self._cuts,
        }

    def score_sparsely(self, sessions: Sessions) -> Iterator[tuple[IntArray, SparseRows]]:
        """Score what follows each event, as sparse rows."""
        walk, rows = self._walk(sessions), block_rows(self.num_items)
        while block := list(itertools.islice(walk, rows)):
            positions, found = zip(*block, strict=True)
            yield np.array(positions), rows_of_matrix(self._score(found), self.common)

    def score_next(self, items: IntArray) -> FloatArray:
        """Score what follows the session `items`: (num_items,)."""
        return self.sparse_next(items).astype(np.float32).toarray()[0]

    def sparse_rows(self, sessions: Sessions) -> Callable[[IntArray], sparse.csr_array]:
        """Give what gives the sparse scores of what follows events of these sessions.

        The neighbours of all their events are found at once, and kept.
        """
        found = dict(self._walk(sessions))
        return lambda positions: self._score([found[place] for place in positions.tolist()])

    def sparse_next(self, items: IntArray) -> sparse.csr_array:
        """Score what follows the session `items`, as one sparse row."""
        is_last = np.arange(len(items)) == len(items) - 1
        return self._score(list(self._follow(items, is_last, _Traces(self._num_sessions))))

    def _walk(self, sessions: Sessions) -> Iterator[tuple[int, Neighbours]]:
        """Give each position before an event that is asked for, with the neighbours after it."""
        traces, cuts = _Traces(self._num_sessions), sessions.offsets.tolist()
        is_asked = sessions.next_items
        for begin, end in itertools.pairwise(cuts):
            followed = sessions.items[begin : max(begin, end - 1)]
            asked = is_asked[begin + 1 : end]
            places = (begin + np.flatnonzero(asked)).tolist()
            yield from zip(places, self._follow(followed, asked, traces), strict=True)

    def _score(self, found: Sequence[Neighbours]) -> sparse.csr_array:
        """Sum up the items of each row's neighbours: (rows, num_items)."""
        cuts = np.cumsum([0, *(len(sessions) for sessions, _ in found)])
        columns = np.concatenate([sessions for sessions, _ in found])
        weights = np.concatenate([weights for _, weights in found])
        shape = (len(found), self._num_sessions)
        return sparse.csr_array(
            sparse.csr_array((weights, columns, cuts), shape=shape) @ self._incidence
        )

    def _follow(self, items: IntArray, asked: BoolArray, traces: "_Traces") -> Iterator[Neighbours]:
        """Give the neighbours after events of a session, where asked; `traces` are left clean.

        Args:
            items: (events,), those of a session.
            asked: (events,), after which of them.
            traces: clean ones.
        """
        config, power = self._config, _POWERS[self._config.weighting]
        sampled = np.empty(0, np.int64)
        latest: dict[int, int] = {}
        events = zip(items.tolist(), asked.tolist(), strict=True)
        for position, (item, is_asked) in enumerate(events, start=1):
            holders = self._holders[self._cuts[item] : self._cuts[item + 1]]
            before = latest.get(item)
            if before is None:
                added = holders[traces.similarity[holders] == 0]
                sampled = np.sort(np.concatenate((sampled, added)))[: config.sample]
            traces.similarity[holders] += position**power - (before**power if before else 0)
            traces.last_shared[holders] = position
            latest[item] = position
            if not is_asked:
                continue
            nearest = _nearest(traces.similarity[sampled], config.k)
            sessions = sampled[nearest]
            shares = traces.similarity[sessions] / position**power
            yield sessions, shares * _decay(config.decay, traces.last_shared[sessions], position)
        for item in latest:
            traces.similarity[self._holders[self._cuts[item] : self._cuts[item + 1]]] = 0


def _first_of_each_row(matrix: sparse.csr_array, most: int) -> tuple[IntArray, IntArray]:
    """Keep the first columns of each row: the columns, row by row, and (rows + 1,) the cuts."""
    counts = np.diff(matrix.indptr)
    places = np.arange(len(matrix.indices)) - np.repeat(matrix.indptr[:-1], counts)
    return matrix.indices[places < most], np.cumsum([0, *np.minimum(counts, most)])


class _Traces:
    """What each training session has in common with the session that is followed."""

    def __init__(self, sessions: int) -> None:
        self.similarity = np.zeros(sessions, np.int64)
        """The numerators of similarities; 0 where nothing is shared."""

        self.last_shared = np.zeros(sessions, np.int64)
        """Where something is shared: the position of the last such event, from 1."""


def _nearest(similarities: IntArray, k: int) -> IntArray | slice:
    """Choose the k greatest, and of equals the first; the choice is in ascending order."""
    count = len(similarities)
    if count <= k:
        return slice(None)
    # Distinct keys, so that exactly k are at or above the k-th greatest.
    keys = similarities * count - np.arange(count)
    return np.flatnonzero(keys >= np.partition(keys, count - k)[count - k])


def _decay(decay: NeighbourDecay, last_shared: IntArray, length: int) -> FloatArray | float:
    """Weigh neighbours by the position, (neighbours,) from 1, of the last item they share."""
    if decay == "same":
        return 1.0
    if decay == "linear":
        return last_shared / length
    steps_back = 1.0 / (length - last_shared + 1)
    return steps_back if decay == "div" else steps_back**2
