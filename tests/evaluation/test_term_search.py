"""Which terms a hybrid keeps: those whose gain on valid is more than one standard error."""

import numpy as np
import pytest

from sbrcli.evaluation.metrics import metric_at
from sbrcli.evaluation.repeat_ranks import RepeatRanks, SeenItems
from sbrcli.evaluation.term_search import STEPS, TermSearch, describe_terms
from sbrcli.models.blend.repeats import NO_TERMS, RepeatTerms
from sbrcli.sessions import Sessions
from tests.builders import make_sessions

NUM_ITEMS = 8


def add(search: TermSearch, partner: str, weight: float, scores_of) -> RepeatRanks:
    """Try a blend whose scores before each target are those of a function of the session."""
    sessions = search.sessions
    positions = np.flatnonzero(sessions.target_mask) - 1
    scores = np.array([scores_of(sessions, position) for position in positions], np.float32)
    seen = SeenItems.before(sessions, positions, NUM_ITEMS)
    ranks = RepeatRanks.join([RepeatRanks.gather(scores, seen)])
    search.add(partner, weight, ranks)
    return ranks


def same_scores(_sessions: Sessions, _position: int) -> np.ndarray:
    """Score item 0 best, and item 7 last, whatever the session."""
    return -np.arange(NUM_ITEMS, dtype=np.float32) / 10


def knows_the_target(sessions: Sessions, position: int) -> np.ndarray:
    scores = same_scores(sessions, position)
    scores[sessions.item_indices[position + 1]] = 5
    return scores


WITHOUT_REPEATS = [[0, 1, 2, 3], [0, 2, 1, 3], [1, 0, 2, 3], [2, 1, 0, 3], [0, 1, 3, 2]] * 4


def terms_by_name(search: TermSearch) -> dict:
    return {term.term: term for term in search.choose()[1]}


def test_where_nothing_is_repeated_the_sessions_items_are_pushed_down():
    search = TermSearch(make_sessions(*WITHOUT_REPEATS))
    add(search, "markov", 0, same_scores)
    best, terms = search.choose()
    assert (best.weight, best.repeats.last < 0, best.repeats.earlier < 0) == (0, True, True)
    assert [term.is_kept for term in terms] == [False, True, True]
    # What is worth its standard error, each beside the best without it.
    last, earlier = terms[1:]
    assert last.standard_error is not None and last.gain > last.standard_error > 0
    assert last.gain == pytest.approx(best.mrr - with_terms(search, RepeatTerms(0, -1)))
    assert earlier.gain == pytest.approx(best.mrr - with_terms(search, RepeatTerms(-1, 0)))


def with_terms(search: TermSearch, terms: RepeatTerms) -> float:
    ranks = add(TermSearch(search.sessions), "markov", 0, same_scores)
    return metric_at("mrr", ranks.ranks(terms), 20)


def test_where_every_click_returns_the_last_item_is_raised():
    search = TermSearch(make_sessions(*[[item] * 3 for item in range(NUM_ITEMS)] * 3))
    add(search, "markov", 0, same_scores)
    best, _ = search.choose()
    assert best.repeats.last > 0
    assert (best.repeats.earlier, best.mrr) == (0, 1)


def test_a_partner_that_knows_the_target_is_kept_and_no_term_is_added_to_it():
    search = TermSearch(make_sessions(*WITHOUT_REPEATS))
    add(search, "markov", 0, same_scores)
    add(search, "markov", 0.5, same_scores)
    add(search, "stan", 0.5, knows_the_target)
    best, terms = search.choose()
    assert (best.partner, best.weight, best.repeats, best.mrr) == ("stan", 0.5, NO_TERMS, 1)
    assert [(term.term, term.is_kept) for term in terms] == [
        ("partner", True),
        ("last", False),
        ("earlier", False),
    ]


def test_a_gain_of_less_than_one_standard_error_is_left_out():
    # Raised above item 0, the last item gains 1 - 1/4 twice and loses 1 - 1/2 twice.
    search = TermSearch(make_sessions(*[[3, 3], [3, 0]] * 2, *[[7, 0]] * 16))
    add(search, "markov", 0, same_scores)
    best, _ = search.choose()
    last = terms_by_name(search)["last"]
    assert best.repeats == NO_TERMS
    assert (last.value, last.gain, last.is_kept) == (0.5, pytest.approx((1.5 - 1) / 20), False)
    # sqrt(mean of squares - square of the mean) / sqrt(sessions), about 0.062.
    expected = ((2 * 0.75**2 + 2 * 0.5**2) / 20 - last.gain**2) ** 0.5 / 20**0.5
    assert last.standard_error == pytest.approx(expected, rel=0.1)


def test_of_one_session_no_term_can_be_judged():
    search = TermSearch(make_sessions([0, 1, 2, 3, 4]))
    add(search, "markov", 0, same_scores)
    best, terms = search.choose()
    assert best.repeats == NO_TERMS
    assert [(term.standard_error, term.is_kept) for term in terms] == [(None, False)] * 3


def test_steps_are_from_minus_30_to_6_and_prefer_none():
    assert (min(STEPS), max(STEPS), STEPS[0]) == (-30, 6, 0)
    assert sorted(STEPS, key=abs) == list(STEPS)


def test_the_terms_in_words():
    kept = {"term": "partner", "gain": 0.01234, "standard_error": 0.001, "is_kept": True}
    last = {"term": "last", "gain": 0.0, "standard_error": None, "is_kept": False}
    earlier = {"term": "earlier", "gain": 0.0004, "standard_error": 0.002, "is_kept": False}
    assert describe_terms([kept, last, earlier]) == (
        "gains of the hybrid's terms in mrr@20 on valid (standard error): the partner +0.0123 "
        "(0.0010); left out: the last item +0.0000 (unknown), earlier items +0.0004 (0.0020)"
    )
    assert describe_terms([last]) == (
        "gains of the hybrid's terms in mrr@20 on valid (standard error): none above one standard "
        "error; left out: the last item +0.0000 (unknown)"
    )
