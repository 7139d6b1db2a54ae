"""Validation by several processes, each of which ranks a part of the sessions."""

from typing import Any

import numpy as np
import pytest

from sbrcli.evaluation.validation import Part, validate
from sbrcli.sessions import Sessions

NUM_ITEMS = 30


class LastItemScorer:
    """Scores an item by a table, from the last item alone: exact, however sessions are divided."""

    num_items = NUM_ITEMS
    table = np.random.default_rng(3).integers(0, 12, (NUM_ITEMS, NUM_ITEMS)).astype(np.float32)

    def score_sessions(self, sessions: Sessions) -> Any:
        for start, end in zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True):
            positions = np.arange(start, max(start, end - 1))
            yield positions, self.table[sessions.item_indices[positions]]

    def score_next(self, items: Any) -> Any:
        return self.table[items[-1]]


def make_sessions(lengths: list[int], *, has_context: bool = False) -> Sessions:
    """Draw sessions, a few of whose items are unknown to the scorer."""
    rng, events = np.random.default_rng(1), sum(lengths)
    items = rng.integers(0, NUM_ITEMS + 3, events).astype(np.int32)
    targets = rng.random(events) < 0.5 if has_context else None
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Sessions(items, offsets, np.arange(events), targets)


def validate_in(sessions: Sessions, processes: int) -> list[dict[str, float]]:
    """Return what each of several processes gets."""
    sent: list[Any] = []

    def keep(ranks: Any) -> Any:
        sent.append(ranks)
        return ranks

    for process in range(processes):
        validate(LastItemScorer(), sessions, part=Part(process, processes, keep))
    ranks = np.sum(sent, axis=0)
    parts = [Part(process, processes, lambda _: ranks) for process in range(processes)]
    return [validate(LastItemScorer(), sessions, part=part) for part in parts]


@pytest.mark.parametrize("has_context", [False, True])
@pytest.mark.parametrize("processes", [2, 3, 7])
def test_the_metrics_are_those_of_one_process(processes, has_context):
    sessions = make_sessions([2, 9, 3, 40, 5, 5, 1, 17, 0, 6], has_context=has_context)
    alone = validate(LastItemScorer(), sessions)
    assert 0 < alone["mrr@20"] < 1
    assert validate_in(sessions, processes) == [alone] * processes


def test_a_process_without_sessions_takes_part():
    sessions = make_sessions([8, 5])
    assert validate_in(sessions, 4) == [validate(LastItemScorer(), sessions)] * 4


def test_each_session_is_in_one_part_and_the_parts_are_about_as_long():
    lengths = [100, 1, 90, 2, 50, 80, 3, 60]
    sessions = make_sessions(lengths)
    chosen = [Part(process, 2, lambda ranks: ranks).choose(sessions) for process in range(2)]
    np.testing.assert_array_equal(chosen[0], ~chosen[1])
    # In the order of length: 100 | 90 80 | 60 50 | 3 2 | 1
    assert [int(np.array(lengths)[one].sum()) for one in chosen] == [100 + 60 + 50 + 1, 90 + 80 + 5]


def test_progress_counts_the_own_targets():
    done: list[int] = []
    sessions = make_sessions([4, 4])
    part = Part(0, 2, lambda ranks: ranks)
    known = int((sessions.item_indices[1:4] < NUM_ITEMS).sum())
    validate(LastItemScorer(), sessions, lambda count, /, **_: done.append(count), part)
    assert sum(done) == known
