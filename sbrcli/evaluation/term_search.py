"""Search for the terms of a hybrid: its partner's weight, and what the session's items gain.

The search maximises mrr@20 on sessions that no model was trained on. A term that gains little there
may gain nothing elsewhere, so each must gain more than one standard error, by resampling sessions.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.confidence import resample_means, session_sums
from sbrcli.evaluation.metrics import metric_at, metric_values
from sbrcli.evaluation.repeat_ranks import DEPTH, RepeatRanks
from sbrcli.evaluation.scoring import session_of
from sbrcli.models.blend.repeats import RepeatTerms
from sbrcli.sessions import Sessions

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]

TERMS = ("partner", "last", "earlier")
"""The terms: the partner's scores, and what the last item and the earlier items gain."""

STEPS = (0, -0.5, 0.5, -1, 1, -2, 2, -3, 3, -4, 4, -6, 6, -8, -12, -30)
"""What an item of the session may gain; of equally good ones the first is chosen."""

_WORDS = {"partner": "the partner", "last": "the last item", "earlier": "earlier items"}

_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Point:
    """A blend that was tried, and how it ranks the targets."""

    partner: str
    weight: float
    repeats: RepeatTerms
    ranks: IntArray
    """(targets,) in the order of the events."""

    mrr: float


@dataclass(frozen=True, slots=True)
class Term:
    """What a term of a hybrid is worth."""

    term: str
    value: float
    """The weight of the partner, or what the items gain."""

    gain: float
    """What mrr@20 gains by it: the best blend with the term minus the best without it."""

    standard_error: float | None
    """Standard error of the gain; None if there is only one session."""

    is_kept: bool


@dataclass(slots=True)
class TermSearch:
    """Stores the best blend of each choice of terms.

    Args:
        sessions: what the blends are tried on.
    """

    sessions: Sessions
    _best: dict[frozenset[str], Point] = field(default_factory=dict)
    _positions: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, partner: str, weight: float, ranks: RepeatRanks) -> Point:
        """Try a partner with a weight, with all terms for repeats; return the best point."""
        self._positions = ranks.positions
        points = list(_search_repeats(partner, weight, ranks))
        for subset in _subsets():
            allowed = [point for point in points if _terms_of(point) <= subset]
            if allowed:
                best = max(allowed, key=lambda point: point.mrr)
                if subset not in self._best or best.mrr > self._best[subset].mrr:
                    self._best[subset] = best
        return max(points, key=lambda point: point.mrr)

    def choose(self) -> tuple[Point, tuple[Term, ...]]:
        """Return the best blend of the terms that gain enough, and what each term gains.

        Starting from all terms, the least certain one is left out, and the others are chosen again,
        until each gains more than one standard error.
        """
        kept = frozenset(TERMS)
        left_out: dict[str, Term] = {}
        while True:
            terms = [self._judge(name, kept) for name in TERMS if name in kept]
            doubtful = [term for term in terms if not term.is_kept]
            if not doubtful:
                break
            weakest = min(doubtful, key=_certainty)
            left_out[weakest.term] = weakest
            kept -= {weakest.term}
        found = left_out | {term.term: term for term in terms}
        return self._best[kept], tuple(found[name] for name in TERMS)

    def _judge(self, name: str, kept: frozenset[str]) -> Term:
        """Compare the best blend of some terms with the best without one of them."""
        full, without = self._best[kept], self._best[kept - {name}]
        gain = full.mrr - without.mrr
        error = self._standard_error(full.ranks, without.ranks)
        value = {"partner": full.weight}.get(name)
        if value is None:
            value = getattr(full.repeats, name)
        return Term(name, value, gain, error, error is not None and gain > error)

    def _standard_error(self, ranks: IntArray, others: IntArray) -> float | None:
        """Return the standard error of a difference in mrr@20, by resampling sessions."""
        session = session_of(self.sessions, self._positions)
        values = [metric_values("mrr", one, DEPTH) for one in (ranks, others)]
        sums = session_sums(session, values)
        if len(sums) < 2:
            return None
        means = resample_means(sums, _RESAMPLES)
        return float((means[:, 0] - means[:, 1]).std(ddof=1))


def describe_terms(terms: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what each term gains on valid, and which are left out.

    Args:
        terms: `Term`s as dictionaries.
    """
    kept, left_out = (
        [_in_words(term) for term in terms if term["is_kept"] == is_kept]
        for is_kept in (True, False)
    )
    words = "gains of the hybrid's terms in mrr@20 on valid (standard error): "
    words += ", ".join(kept) or "none above one standard error"
    return words + (f"; left out: {', '.join(left_out)}" if left_out else "")


def _in_words(term: Mapping[str, Any]) -> str:
    error = term["standard_error"]
    uncertain = "unknown" if error is None else f"{error:.4f}"
    return f"{_WORDS[term['term']]} {term['gain']:+.4f} ({uncertain})"


def _certainty(term: Term) -> float:
    return term.gain - (term.standard_error or 0)


def _search_repeats(partner: str, weight: float, ranks: RepeatRanks) -> Iterator[Point]:
    """Yield the best point without terms for repeats, with either, and with both."""

    def best_of(tried: Iterable[RepeatTerms]) -> Point:
        return max(map(try_terms, tried), key=lambda point: point.mrr)

    def try_terms(terms: RepeatTerms) -> Point:
        if terms not in known:
            found = ranks.ranks(terms)
            mrr = metric_at("mrr", found, DEPTH)
            known[terms] = Point(partner, weight, terms, found, mrr)
        return known[terms]

    known: dict[RepeatTerms, Point] = {}
    one_each = [
        try_terms(RepeatTerms()),
        best_of(RepeatTerms(last=step) for step in STEPS),
        best_of(RepeatTerms(earlier=step) for step in STEPS),
    ]
    yield from one_each
    best = max(one_each, key=lambda point: point.mrr)
    is_better = True
    while is_better:  # one coordinate after the other, until neither gains
        last, earlier = best.repeats.last, best.repeats.earlier
        found = best_of([best.repeats, *(RepeatTerms(step, earlier) for step in STEPS)])
        last = found.repeats.last
        found = best_of([found.repeats, *(RepeatTerms(last, step) for step in STEPS)])
        is_better = found.mrr > best.mrr
        best = found
    yield best


def _terms_of(point: Point) -> frozenset[str]:
    values = (point.weight, point.repeats.last, point.repeats.earlier)
    return frozenset(name for name, value in zip(TERMS, values, strict=True) if value)


def _subsets() -> list[frozenset[str]]:
    """Return every choice of terms."""
    sizes = range(len(TERMS) + 1)
    return [frozenset(some) for size in sizes for some in itertools.combinations(TERMS, size)]
