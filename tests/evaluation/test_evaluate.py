"""The figures of a split and the protocol that stands beside them."""

from dataclasses import asdict
from typing import Any

import pytest

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import DataError
from sbrcli.evaluation.evaluate import Evaluation, summarise
from sbrcli.evaluation.scoring import rank_split
from tests.builders import make_sessions
from tests.evaluation.test_ranks import TABLE, LastItemScorer

# Of items 0, 1, 2 each foretells the next one round, and that alone.
ROUND = [[0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]]


def evaluated(table: list[list[float]], *sessions: list[int], **options) -> Evaluation:
    settings: dict[str, Any] = {"ks": (1, 2)} | options
    config = EvaluateConfig(**settings)
    split = make_sessions(*sessions)
    answers = rank_split("m", LastItemScorer(table), split, config)
    return summarise(answers, split, config, run="r", dataset="user")


def test_every_next_item_counts_once_whatever_its_session():
    #      0>1 hit, 1>0 rank 2;    2>0 hit
    found = evaluated(TABLE, [0, 1, 0], [2, 0])
    assert found.metrics["recall@1"] == pytest.approx(2 / 3)
    assert found.metrics["mrr@2"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert (found.protocol.events, found.protocol.sessions) == (3, 2)


def test_the_document_is_the_contract_of_scripts():
    document = asdict(evaluated(TABLE, [0, 1, 0], [2, 0], ks=(20,)))
    assert document.pop("events_per_second") > 0
    assert document == {
        "run": "r",
        "split": "test",
        "metrics": {
            "recall@20": 1.0,
            "mrr@20": pytest.approx(5 / 6),
            "ndcg@20": pytest.approx((2 + 0.6309297535714575) / 3),
        },
        "metrics_unknown_as_miss": {
            "recall@20": 1.0,
            "mrr@20": pytest.approx(5 / 6),
            "ndcg@20": pytest.approx((2 + 0.6309297535714575) / 3),
        },
        "protocol": {
            "dataset": "user",
            "events": 3,
            "sessions": 2,
            "unknown_events": 0,
            "unreachable_events": 0,
            "seen_targets": 1,
            "candidates": 3,
            "exclude_seen": False,
            "tie_rule": "ties count against the next item",
            "tie_share": 0.0,
            "coverage": "every next item of every session",
            "first_time": "1970-01-01T00:00:00+00:00",
            "last_time": "1970-01-01T00:00:04+00:00",
            "train_last_time": None,
            "first_target_time": None,
            "targets_after_train": None,
            "max_user_events": None,
        },
        "leaderboard": None,
        "verdict": None,
        "slices": None,
        "model": "m",
        "hybrid": None,
    }


def test_error_19_unknown_next_items_are_left_out_and_stated_as_misses_beside():
    # 0>1 hit, 1>2 hit over the unknown 7, the unknown 8 at the end; a session of unknown ones.
    found = evaluated(ROUND, [0, 1, 7, 2, 8], [9, 9])
    assert found.metrics["recall@1"] == 1
    assert found.metrics_unknown_as_miss["recall@1"] == pytest.approx(2 / 5)
    assert (found.protocol.events, found.protocol.unknown_events) == (2, 3)
    assert found.protocol.sessions == 1


def test_scored_and_unknown_next_items_are_together_all_of_the_split():
    sessions = [7, 0, 1], [0, 7, 7], [7, 7, 7], [0, 1]
    protocol = evaluated(ROUND, *sessions).protocol
    counts = (protocol.events, protocol.unknown_events, protocol.unreachable_events)
    assert counts == (2, 4, 1)
    assert sum(counts) == 2 + 2 + 2 + 1


def test_a_known_next_item_behind_unknown_items_alone_is_not_counted_as_unknown():
    # 7 0 7 1: 0 has nothing known before it, the second 7 is unknown, 0>1 is a hit.
    found = evaluated(ROUND, *[[7, 0, 7, 1]] * 5)
    protocol = found.protocol
    assert (protocol.events, protocol.unknown_events, protocol.unreachable_events) == (5, 5, 5)
    assert found.metrics_unknown_as_miss["recall@1"] == pytest.approx(5 / 15)


def test_a_seen_next_item_is_a_miss_where_seen_items_are_left_out():
    #                             0>1 hit, 1>2 hit, 2>0 seen
    found = evaluated(ROUND, [0, 1, 2, 0], exclude_seen=True)
    assert found.metrics["recall@2"] == pytest.approx(2 / 3)
    assert found.protocol.seen_targets == 1
    assert found.protocol.exclude_seen


def test_the_tie_share_is_that_of_next_items_with_the_score_of_another_candidate():
    #  of the others after 0, items 0 and 2 tie: 0>2 is tied, 0>1 is not
    found = evaluated(ROUND, [0, 1], [0, 2])
    assert found.protocol.tie_share == pytest.approx(1 / 2)


def test_error_22_a_model_with_constant_scores_earns_nothing_and_ties_everywhere():
    found = evaluated([[0.5] * 3] * 3, [0, 1, 2], [2, 1])
    assert found.metrics["recall@2"] == 0
    assert found.protocol.tie_share == 1


def test_the_notebooks_coverage_scores_what_its_loader_reached():
    sessions = [[0, 1]] * 63 + [[0, 2, 1, 0]] + [[1, 2]] * 2
    # Step 1: 63 hits and 0>2. 63 lanes are free for 2 sessions, so there it stops.
    found = evaluated(ROUND, *sessions, notebook_coverage=True)
    assert found.protocol.events == 64
    assert found.metrics["recall@1"] == pytest.approx(63 / 64)
    assert found.protocol.coverage == "the source notebook's: 1 steps of its 64 lanes"


def test_a_split_of_unknown_items_alone_is_a_data_error():
    with pytest.raises(DataError) as error:
        evaluated(ROUND, [7, 8], [0, 9])
    assert str(error.value) == "the run knows no next item of the test split"
    assert error.value.hint == "prepare the dataset with fewer --test-days or --valid-days"
