"""V-SKNN: the items of sessions that resemble this one, especially its latest events.

Vector multiplication session kNN of Ludewig & Jannach 2018 (arXiv 1803.09587). Of the training
sessions that share an item with the session so far, the `sample` most recent are compared with it.
A session's similarity is the sum over the shared items of the weight of their last position. The
`k` most similar are the neighbours; among equally similar ones, the more recent. Each neighbour
adds its similarity to the scores of all its items, weighted by the position of the last shared
item, as in S-SKNN of that paper.

See `sbrcli.models.baselines.session_knn` for the processing of sessions. In addition:

- A weight p/t has the numerator p, which does not change as the session grows, so that an event at
  position t only adds t to the similarity of the sessions that contain its item. The numerators are
  whole numbers, so that sums and ties are exact.
- Neighbours are stored as sparse rows, and the scores of a block are one matrix product.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.fitted import Arrays, matrix_arrays, read_integers, read_matrix
from sbrcli.models.baselines.incidence import find_holders, find_recent_sessions
from sbrcli.models.baselines.session_knn import (
    Found,
    SessionKnnScorer,
    Traces,
    nearest,
)
from sbrcli.models.baselines.vsknn import NeighbourDecay, PositionWeighting, VsknnConfig
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating]

_POWERS: dict[PositionWeighting, int] = {"same": 0, "linear": 1, "quadratic": 2}


def fit(training: Sessions, num_items: int, config: VsknnConfig) -> "VsknnScorer":
    """Fit the model: store the items of the sessions that can be neighbours.

    Args:
        training: the sessions among which neighbours are searched.
        num_items: how many items are scored.
        config: neighbours, sample and weights.
    """
    recent = find_recent_sessions(training, num_items, config.sample)
    holders = find_holders(recent.places, num_items, config.sample)
    sessions, sessions_of = max(1, recent.num_sessions), np.maximum(recent.sessions_of, 1)
    factors = 1 + config.idf * np.log(sessions / sessions_of)
    places = recent.places
    incidence = sparse.csr_array(
        (factors[places.indices], places.indices, places.indptr), shape=places.shape
    )
    return VsknnScorer(incidence, holders.sessions, holders.cuts, config)


def restore(arrays: Arrays, num_items: int, config: VsknnConfig) -> "VsknnScorer":
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    incidence = read_matrix(arrays, "incidence", num_items)
    holders, cuts = read_integers(arrays, "holders"), read_integers(arrays, "cuts")
    if len(cuts) != num_items + 1:
        raise ValueError(f"cuts has {len(cuts)} entries for {num_items} items")
    if cuts[0] != 0 or cuts[-1] != len(holders) or (np.diff(cuts) < 0).any():
        raise ValueError("cuts do not cut holders")
    num_sessions = len(incidence.indptr) - 1
    if len(holders) and not 0 <= holders.min() <= holders.max() < num_sessions:
        raise ValueError(f"holders are not among the {num_sessions} sessions")
    return VsknnScorer(incidence, holders, cuts, config)


class VsknnScorer(SessionKnnScorer):
    """Scores items by the sessions nearest to the session so far.

    Args:
        incidence: (sessions, num_items) sparse, the most recent session first: the weight of an
            item in a neighbour that contains it.
        holders: each item's most recent sessions, item by item, the most recent first.
        cuts: (num_items + 1,); the sessions with item i are `holders[cuts[i]:cuts[i + 1]]`.
        config: neighbours, sample and weights.
    """

    def __init__(
        self, incidence: sparse.csr_array, holders: IntArray, cuts: IntArray, config: VsknnConfig
    ) -> None:
        super().__init__(holders, cuts, len(incidence.indptr) - 1)
        self._incidence, self._config = incidence, config

    def arrays(self) -> Arrays:
        """Return the arguments of `VsknnScorer` as arrays, by name."""
        return {
            **matrix_arrays("incidence", self._incidence),
            "holders": self._holders,
            "cuts": self._cuts,
        }

    def _score(self, found: Sequence[Found]) -> sparse.csr_array:
        """Sum the items of each row's neighbours: (rows, num_items)."""
        cuts = np.cumsum([0, *(len(sessions) for sessions, _ in found)])
        columns = np.concatenate([sessions for sessions, _ in found])
        weights = np.concatenate([weights for _, weights in found])
        shape = (len(found), self._num_sessions)
        return sparse.csr_array(
            sparse.csr_array((weights, columns, cuts), shape=shape) @ self._incidence
        )

    def _follow(self, items: IntArray, asked: BoolArray, traces: Traces) -> Iterator[Found]:
        """Yield the neighbours after events, the most recent first, and the weight of each."""
        config, power = self._config, _POWERS[self._config.weighting]
        sampled = np.empty(0, np.int64)
        latest: dict[int, int] = {}
        events = zip(items.tolist(), asked.tolist(), strict=True)
        for position, (item, is_asked) in enumerate(events, start=1):
            holders, before = self._holders_of(item), latest.get(item)
            if before is None:
                added = holders[traces.similarity[holders] == 0]
                sampled = np.sort(np.concatenate((sampled, added)))[: config.sample]
            traces.similarity[holders] += position**power - (before**power if before else 0)
            traces.last_shared[holders] = position
            latest[item] = position
            if is_asked:
                sessions = sampled[nearest(traces.similarity[sampled], config.k)]
                shares = traces.similarity[sessions] / position**power
                decay = _decay(config.decay, traces.last_shared[sessions], position)
                yield sessions, shares * decay


def _decay(decay: NeighbourDecay, last_shared: IntArray, length: int) -> FloatArray | float:
    """Return the weights of neighbours by the position, from 1, of the last shared item."""
    if decay == "same":
        return 1.0
    if decay == "linear":
        return last_shared / length
    steps_back = 1.0 / (length - last_shared + 1)
    return steps_back if decay == "div" else steps_back**2
