"""Whether a model's lists depend on the session."""

from collections.abc import Iterator

import numpy as np
import pytest

from sbrcli.evaluation.list_variety import ListVariety, measure_variety
from sbrcli.sessions import Sessions

ITEMS, LENGTH = 200, 101
SESSIONS = Sessions(np.arange(LENGTH), np.array([0, LENGTH]), np.arange(LENGTH, dtype=np.float64))
"""One session of 100 targets."""

TRAIN_COUNT = np.arange(ITEMS)[::-1]
"""The first items are the most popular."""


class ShiftedScorer:
    """Recommends 20 items in a row, which begin `step` items later after each event."""

    def __init__(self, step: int, num_items: int = ITEMS) -> None:
        self.step, self.num_items = step, num_items

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        events = np.arange(len(sessions.item_indices) - 1)
        distance = (np.arange(self.num_items) - self.step * events[:, None]) % self.num_items
        yield events, -distance.astype(np.float32)


def variety(step: int) -> ListVariety:
    found = measure_variety(ShiftedScorer(step), SESSIONS, TRAIN_COUNT)
    assert found is not None
    return found


def test_the_same_popular_list_for_everybody_is_near_popularity():
    assert variety(0) == ListVariety(
        lists=100, distinct_share=1 / 100, coverage=20 / 200, popular_share=1.0
    )
    assert variety(0).is_near_popularity


def test_lists_that_go_through_the_items_are_not():
    # The lists begin at the items 0, 2, … 198: the first 20 items stand in 20 lists' worth of 100,
    # of which a tenth of all places are theirs.
    found = variety(2)
    assert (found.distinct_share, found.coverage) == (1.0, 1.0)
    assert found.popular_share == pytest.approx(20 / 200)
    assert not found.is_near_popularity


def test_few_distinct_lists_are_near_popularity_whatever_they_hold():
    # The lists begin at 0, 50, 100 and 150 in turn: 4 of 100, a fourth of them the popular one.
    found = variety(50)
    assert found.distinct_share == 4 / 100
    assert found.popular_share == pytest.approx(1 / 4)
    assert ListVariety(100, 0.49, 1.0, 0.1).is_near_popularity
    assert not ListVariety(100, 0.5, 1.0, 0.2).is_near_popularity


@pytest.mark.parametrize(("num_items", "length"), [(199, LENGTH), (ITEMS, LENGTH - 1)])
def test_of_few_items_or_few_targets_nothing_is_judged(num_items: int, length: int):
    few = Sessions(np.arange(length), np.array([0, length]), np.arange(length, dtype=np.float64))
    assert measure_variety(ShiftedScorer(0, num_items), few, TRAIN_COUNT[:num_items]) is None
