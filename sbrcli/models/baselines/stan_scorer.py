"""STAN: the items of sessions that resemble this one, by order and by time.

Sequence and time aware neighbourhood of Garg et al. 2019 (Sequence and Time Aware Neighborhood for
Session-based Recommendations, SIGIR). As in V-SKNN, the `sample` most recent of the training
sessions that share an item with the session so far, s, are compared with it. With i* the last event
of s whose item a session n contains too, and p the last position of an item, the similarity and the
score are

    sim(s, n) = sum over shared items i of exp((p(i, s) - |s|) / lambda1)
                / sqrt(items of s * items of n) * exp(-(time of s - time of n) / lambda2)
    score(i)  = sum over the k most similar n that hold i
                of sim(s, n) * exp(-|p(i, n) - p(i*, n)| / lambda3)

A session's time is that of its last event. Factors that are the same for all candidates are left
out: the number of items of s, and the time of s, which is replaced by that of the most recent
sampled session. So the model does not need the times of s.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.baselines.fitted import (
    Arrays,
    matrix_arrays,
    read_matrix,
    read_numbers,
)
from sbrcli.models.baselines.incidence import find_holders, find_recent_sessions
from sbrcli.models.baselines.session_knn import (
    Found,
    SessionKnnScorer,
    Traces,
    nearest,
)
from sbrcli.models.baselines.stan import StanConfig
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

_DAY = 86_400

_LONGEST = 10_000_000
"""Events of a session: beyond, a place is damage, for which no memory should be taken."""


def fit(training: Sessions, num_items: int, config: StanConfig) -> "StanScorer":
    """Fit the model: store the items of all sessions with their positions, and their ends.

    Args:
        training: the sessions among which neighbours are searched.
        num_items: how many items are scored.
        config: neighbours, sample and the three lambdas.
    """
    recent = find_recent_sessions(training, num_items, config.sample)
    return StanScorer(recent.places, recent.ends, num_items, config)


def restore(arrays: Arrays, num_items: int, config: StanConfig) -> "StanScorer":
    """Restore the fitted model from its arrays; see `sbrcli.models.baselines.baseline`."""
    places = read_matrix(arrays, "places", num_items, of_integers=True)
    if not np.all((places.data >= 1) & (places.data <= _LONGEST)):
        raise ValueError(f"places/data is not made of places from 1 to {_LONGEST:,}")
    ends, num_sessions = read_numbers(arrays, "ends"), len(places.indptr) - 1
    if len(ends) != num_sessions:
        raise ValueError(f"ends has {len(ends)} entries for {num_sessions} sessions")
    return StanScorer(places, ends, num_items, config)


class StanScorer(SessionKnnScorer):
    """Scores items by the sessions nearest to the session so far.

    Args:
        places: (sessions, num_items) sparse, the most recent session first: the last position of an
            item in a session, from 1.
        ends: (sessions,) the times of their last events, in seconds, descending.
        num_items: the number of items.
        config: neighbours, sample and the three lambdas.
    """

    def __init__(
        self, places: sparse.csr_array, ends: FloatArray, num_items: int, config: StanConfig
    ) -> None:
        holders = find_holders(places, num_items, config.sample)
        super().__init__(holders.sessions, holders.cuts, len(ends))
        self._holder_places = holders.data
        self._places, self._ends, self._config = places, ends, config
        self._sizes = np.sqrt(np.diff(places.indptr))
        longest = int(places.data.max(initial=0))
        self._by_distance = np.exp(-np.arange(longest + 1) / config.lambda3)

    def arrays(self) -> Arrays:
        """Return the arguments of `StanScorer` as arrays, by name."""
        return {**matrix_arrays("places", self._places), "ends": self._ends}

    @property
    def memory_bytes(self) -> int:
        """The bytes of the fitted arrays and of those derived from them."""
        made = (self._holders, self._holder_places, self._cuts, self._sizes)
        return super().memory_bytes + sum(array.nbytes for array in made)

    def _follow(self, items: IntArray, asked: BoolArray, traces: Traces) -> Iterator[Found]:
        """Yield the items of the neighbours after events, and their scores."""
        config = self._config
        sampled = np.empty(0, np.int64)
        latest: dict[int, int] = {}
        events = zip(items.tolist(), asked.tolist(), strict=True)
        for position, (item, is_asked) in enumerate(events, start=1):
            held = slice(self._cuts[item], self._cuts[item + 1])
            holders, before = self._holders[held], latest.get(item)
            last_shared = traces.last_shared[holders]
            if before is None:
                sampled = np.sort(np.concatenate((sampled, holders[last_shared == 0])))
                sampled = sampled[: config.sample]
            # The similarity at the last shared item, from which it decays.
            fading = np.exp((last_shared - position) / config.lambda1)
            gain = 1 - np.exp((before - position) / config.lambda1) if before else 1
            traces.similarity[holders] = traces.similarity[holders] * fading + gain
            traces.last_shared[holders] = position
            traces.place[holders] = self._holder_places[held]
            latest[item] = position
            if is_asked:
                yield self._items_after(position, sampled, traces)

    def _items_after(self, position: int, sampled: IntArray, traces: Traces) -> Found:
        """Score the items of the nearest sampled sessions, after an event."""
        fading = np.exp((traces.last_shared[sampled] - position) / self._config.lambda1)
        ends = self._ends[sampled]
        ageing = np.exp((ends - ends[:1]) / (_DAY * self._config.lambda2))
        similarity = traces.similarity[sampled] * fading * ageing / self._sizes[sampled]
        chosen = nearest(similarity, self._config.k)
        sessions, similarity = sampled[chosen], similarity[chosen]
        rows = self._places[sessions]
        lengths = np.diff(rows.indptr)
        distance = np.abs(rows.data - np.repeat(traces.place[sessions], lengths))
        weights = np.repeat(similarity, lengths) * self._by_distance[distance]
        sums = np.bincount(rows.indices, weights, minlength=self.num_items)
        items = np.flatnonzero(sums)
        return items.astype(np.int32), sums[items].astype(np.float64, copy=False)

    def _score(self, found: Sequence[Found]) -> sparse.csr_array:
        """Return the items after events as rows: (events, num_items)."""
        cuts = np.cumsum([0, *(len(items) for items, _ in found)])
        items = np.concatenate([items for items, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        return sparse.csr_array((scores, items, cuts), shape=(len(found), self.num_items))
