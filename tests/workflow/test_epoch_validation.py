"""What each process of a training ranks of the valid split; no TensorFlow."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from sbrcli.evaluation.validation import Part
from sbrcli.reporter import ignore_progress
from sbrcli.sessions import Sessions
from sbrcli.workflow.epoch_validation import measure_on

LENGTHS = (7, 2, 4, 3)
VALID = Sessions(np.zeros(16, np.int32), np.cumsum((0, *LENGTHS)), np.arange(16))


def merge(ranks: Any) -> Any:
    return ranks


def measured(team: Any) -> tuple[int, tuple[Any, ...]]:
    """Return the number of targets that this process ranks, and what `validate` gets."""
    seen: list[tuple[Any, ...]] = []

    def validate(*given: Any) -> dict[str, float]:
        seen.append(given)
        return {"mrr@20": 0.5}

    settings = measure_on(VALID, validate, team, ignore_progress)
    assert settings["validate"]("a scorer") == {"mrr@20": 0.5}
    return settings["num_valid"], seen[0]


def test_one_process_ranks_all_sessions():
    assert measured(None) == (12, ("a scorer", VALID, ignore_progress))


def test_two_processes_divide_the_sessions():
    # The first one ranks the longest and the shortest session.
    for process, num_targets in ((0, 6 + 1), (1, 3 + 2)):
        team = SimpleNamespace(process=process, num_processes=2, merged=merge)
        given = ("a scorer", VALID, ignore_progress, Part(process, 2, merge))
        assert measured(team) == (num_targets, given)


def test_without_a_valid_split_nothing_is_ranked():
    assert measure_on(None, lambda: {}, None) == {"validate": None, "num_valid": 0}
