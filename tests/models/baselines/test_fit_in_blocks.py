"""Baselines fitted block by block: the model is the same, and few events are in memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.models.baselines import incidence, item_knn_scorer
from sbrcli.models.baselines.fitted import FittedBaseline
from sbrcli.models.baselines.incidence import find_recent_sessions
from sbrcli.models.baselines.options import parse_options
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.sessions import Sessions
from tests.models.baselines.logs import scores_by_position
from tests.random_sessions import BLOCKS, any_sessions

NUM_ITEMS = 6
MODELS = {
    "popularity": [""],
    "session-popularity": [""],
    "markov": ["steps=1", "steps=3", "steps=4,decay=same"],
    "item-knn": ["neighbours=2", "neighbours=9,damping=0"],
    "vsknn": ["sample=2,k=2", "sample=3,idf=2", "sample=50"],
    "stan": ["sample=2,k=2", "sample=50"],
}
CASES = [(name, text) for name, texts in MODELS.items() for text in texts]


def fit(name: str, text: str, training: Sessions, num_items: int = NUM_ITEMS) -> FittedBaseline:
    baseline = find_baseline(name)
    options = parse_options(name, text, baseline.options()) if text else baseline.options()
    return baseline.fit(training, num_items, options)


def in_blocks(patch: pytest.MonkeyPatch, block: int) -> None:
    patch.setattr("sbrcli.sessions._BLOCK", block)
    patch.setattr(incidence, "_BLOCK", block)
    patch.setattr(item_knn_scorer, "_GROUP_ENTRIES", block)


@pytest.mark.parametrize(("name", "text"), CASES)
@given(training=any_sessions(most_items=NUM_ITEMS), block=BLOCKS)
def test_a_model_is_the_same_whatever_the_blocks(name, text, training, block):
    whole = fit(name, text, training).arrays()
    with pytest.MonkeyPatch.context() as patch:
        in_blocks(patch, block)
        found = fit(name, text, training).arrays()
    assert found.keys() == whole.keys()
    for key, array in whole.items():
        np.testing.assert_array_equal(found[key], array, strict=True)


@given(any_sessions(most_items=NUM_ITEMS), BLOCKS, st.integers(1, 4))
def test_recent_sessions_are_the_latest_ones_with_one_of_their_items(sessions, block, most):
    with pytest.MonkeyPatch.context() as patch:
        in_blocks(patch, block)
        found = find_recent_sessions(sessions, NUM_ITEMS, most)
    bounds = list(pairwise(sessions.offsets.tolist()))
    filled = [at for at, (begin, end) in enumerate(bounds) if end > begin]
    # Of sessions that end at the same time, the later one in the dataset comes first.
    order = sorted(filled, key=lambda at: (sessions.timestamps[bounds[at][1] - 1], at))[::-1]
    items_of = {at: sessions.item_indices[slice(*bounds[at])].tolist() for at in order}
    having = [[at for at in order if item in items_of[at]] for item in range(NUM_ITEMS)]
    recent = [at for at in order if any(at in own[:most] for own in having)]
    places = np.zeros((len(recent), NUM_ITEMS), np.int32)
    for row, at in enumerate(recent):
        for place, item in enumerate(items_of[at], start=1):
            places[row, item] = place
    np.testing.assert_array_equal(found.places.toarray(), places, strict=True)
    assert found.ends.tolist() == [sessions.timestamps[bounds[at][1] - 1] for at in recent]
    assert found.sessions_of.tolist() == [len(own) for own in having]
    assert found.num_sessions == len(order)


@pytest.mark.parametrize("name", ["vsknn", "stan"])
@given(training=any_sessions(most_items=NUM_ITEMS), sessions=any_sessions(most_items=NUM_ITEMS))
def test_sessions_that_are_never_sampled_change_no_score(name, training, sessions):
    baseline = find_baseline(name)
    options = parse_options(name, "sample=2,k=2", baseline.options())
    # A model that holds all sessions, as those of earlier versions do.
    arrays = fit(name, "sample=1000", training).arrays()
    if name == "vsknn":
        first = [arrays["holders"][b:e][:2] for b, e in pairwise(arrays["cuts"])]
        arrays["holders"] = np.concatenate(first)
        arrays["cuts"] = np.cumsum([0, *map(len, first)])
    whole = scores_by_position(baseline.restore(arrays, NUM_ITEMS, options), sessions)
    found = scores_by_position(baseline.fit(training, NUM_ITEMS, options), sessions)
    assert found.keys() == whole.keys()
    for position, scores in whole.items():
        np.testing.assert_array_equal(found[position], scores)


def test_an_item_index_beyond_the_items_is_an_error():
    with pytest.raises(ValueError, match=r"item indices must be 0 to 5\. Received: 49"):
        fit("vsknn", "", many_sessions(2**10))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("popularity", ""),
        ("session-popularity", ""),
        ("markov", "steps=2"),
        ("item-knn", ""),
        ("vsknn", "sample=20"),
        ("stan", "sample=20"),
    ],
)
def test_the_memory_of_a_fit_hardly_grows_with_the_events(monkeypatch, name, text):
    in_blocks(monkeypatch, 2**13)
    monkeypatch.setattr(item_knn_scorer, "_GROUP_ENTRIES", 2**15)
    fit(name, text, many_sessions(2**10), 50)  # loads what it needs
    small, large = (peak_bytes(name, text, many_sessions(count)) for count in (2**16, 2**18))
    # Item-kNN holds 8 bytes of each item of a session, V-SKNN and STAN some of each session.
    assert (large - small) / (2**18 - 2**16) < 12


def many_sessions(num_events: int) -> Sessions:
    """Make sessions of 8 events."""
    rng = np.random.default_rng(1)
    items = rng.integers(0, 50, num_events).astype(np.int32)
    return Sessions(items, np.arange(0, num_events + 1, 8), np.arange(num_events))


def peak_bytes(name: str, text: str, training: Sessions) -> int:
    tracemalloc.start()
    try:
        fit(name, text, training, 50)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
