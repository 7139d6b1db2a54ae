"""Where some events alone are asked for, these are ranked, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.evaluation.evaluate import Evaluation, summarise
from sbrcli.evaluation.ranks import Ranks, rank_targets
from sbrcli.evaluation.scoring import rank_split
from sbrcli.evaluation.top_lists import TopLists
from sbrcli.evaluation.validation import validate
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import BASELINES, fit_baseline, fit_partner
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions
from sbrcli.workflow import choose_blend as hybrid
from tests.builders import dataset_manifest, make_sessions, run_manifest
from tests.evaluation.test_ranks import TABLE, LastItemScorer
from tests.models.baselines.logs import random_log, scores_by_position

NUM_ITEMS = 30


def asked_last(*sessions: list[int]) -> Sessions:
    """Make sessions of which the last event alone is asked for."""
    made = make_sessions(*sessions)
    targets = np.zeros(len(made.item_indices), np.bool_)
    targets[made.offsets[1:] - 1] = True
    return replace(made, targets=targets)


def evaluated(scorer: Scorer, sessions: Sessions, **options: object) -> Evaluation:
    config = EvaluateConfig(**({"ks": (1, 2)} | options))  # pyright: ignore
    answers = rank_split("m", scorer, sessions, config)
    return summarise(answers, sessions, config, run="r", dataset="user")


def make_scorer(name: str) -> Scorer:
    training = make_sessions(*random_log(1, sessions=60, num_items=NUM_ITEMS))
    if name in BASELINES:
        return fit_baseline(name, training, NUM_ITEMS, default_options())
    shape = GruShape(NUM_ITEMS, (4,), "shared")
    network = GruScorer(shape, initialise_weights(shape, seed=1), batch_size=7)
    if name == "gru4rec":
        return network
    partner = fit_partner(name.removeprefix("hybrid-"), training, NUM_ITEMS, default_options())
    return HybridScorer(network, partner, 0.3)


MODELS: tuple[str, ...] = (*BASELINES, "gru4rec", "hybrid-markov", "hybrid-vsknn")


def test_only_targets_are_ranked_watched_and_reported():
    shown: list[int] = []
    told: list[int] = []
    ranks = rank_targets(
        LastItemScorer(TABLE),
        asked_last([0, 1, 0], [2, 1, 1], [0, 2]),
        on_block=lambda scores, _: shown.append(len(scores)),
        advance=told.append,
    )
    #                                 1>0 is 2nd, 1>1 3rd, 0>2 2nd
    assert ranks.positions.tolist() == [2, 5, 7]
    assert ranks.ranks.tolist() == [2, 3, 2]
    assert ranks.seen.tolist() == [True, True, False]
    assert sum(shown) == sum(told) == 3


def test_any_event_but_a_sessions_first_can_be_a_target():
    sessions = make_sessions([0, 1, 2], [2, 0])
    ranks = rank_targets(
        LastItemScorer(TABLE),
        replace(sessions, targets=np.array([False, True, False, False, True])),
    )
    assert ranks.positions.tolist() == [1, 4]


@pytest.mark.parametrize("exclude_seen", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_each_model_ranks_the_last_items_as_it_does_among_all_next_items(name, exclude_seen):
    scorer = make_scorer(name)
    # Items from 30 on are unknown, and stand at every place.
    log = random_log(2, sessions=40, num_items=NUM_ITEMS + 9, longest=12)
    asked = asked_last(*log)
    every = rank_targets(scorer, replace(asked, targets=None), exclude_seen=exclude_seen)
    lists = [TopLists(NUM_ITEMS, 5), TopLists(NUM_ITEMS, 5)]
    found = rank_targets(scorer, asked, exclude_seen=exclude_seen, on_block=lists[0].add_block)
    assert asked.targets is not None
    expected = every.only(asked.targets[every.positions])
    assert 10 < len(found.ranks) < len(log)
    for field in Ranks.__dataclass_fields__:
        assert np.array_equal(getattr(found, field), getattr(expected, field)), field
    # The same lists come of the last steps alone.
    ends = [session for session in log if session[-1] < NUM_ITEMS]
    rank_targets(scorer, asked_last(*ends), exclude_seen=exclude_seen, on_block=lists[1].add_block)
    assert lists[0].counts.tolist() == lists[1].counts.tolist()
    assert lists[0].counts.sum() <= 5 * len(found.ranks)


@pytest.mark.parametrize("name", MODELS)
def test_no_model_scores_what_nobody_asks_for(name):
    log = random_log(3, sessions=20, num_items=NUM_ITEMS)
    asked = asked_last(*log)
    scorer = make_scorer(name)
    found = scores_by_position(scorer, asked)
    assert sorted(found) == (asked.offsets[1:] - 2).tolist()
    every = scores_by_position(scorer, replace(asked, targets=None))
    assert all(np.array_equal(row, every[position]) for position, row in found.items())


def test_a_last_item_that_is_unknown_does_not_make_the_one_before_the_last():
    # Of the first session 1 is known and stands before the unknown 7, which alone is asked for.
    sessions = asked_last([0, 1, 7], [0, 7, 1], [7, 8, 1], [7, 7])
    found = evaluated(LastItemScorer(TABLE), sessions)
    # Nothing known stands before the third session's 1.
    assert (found.protocol.events, found.protocol.unknown_events) == (1, 2)
    assert found.protocol.unreachable_events == 1
    assert found.protocol.sessions == 1
    assert found.metrics["recall@1"] == 1  # 0>1, over the unknown 7
    assert found.metrics_unknown_as_miss["recall@1"] == pytest.approx(1 / 4)


def test_unknown_items_that_nobody_asks_for_are_not_counted():
    found = evaluated(LastItemScorer(TABLE), asked_last([7, 0, 8, 1], [7, 8, 2, 0]))
    assert (found.protocol.events, found.protocol.unknown_events) == (2, 0)


def test_the_ranks_of_popularity_are_those_counted_by_hand():
    # Item 0 occurs 4 times, 1 and 2 twice, 3 once: 1 and 2 tie, and count against each other.
    training = make_sessions([0, 1, 0, 2], [0, 2, 3], [0, 1])
    popularity = fit_baseline("popularity", training, 4, default_options())
    sessions = asked_last([3, 3, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3])
    ranks = rank_targets(popularity, sessions)
    assert ranks.ranks.tolist() == [1, 3, 3, 4]
    assert ranks.tied.tolist() == [False, True, True, False]
    figures = validate(popularity, sessions)
    assert figures["mrr@20"] == pytest.approx((1 + 1 / 3 + 1 / 3 + 1 / 4) / 4)
    assert evaluated(popularity, sessions).metrics["recall@2"] == pytest.approx(1 / 4)


def test_the_protocol_says_what_was_requested():
    found = evaluated(LastItemScorer(TABLE), asked_last([0, 1, 2], [2, 0]))
    assert found.protocol.coverage == "the last event of every session"
    assert (found.protocol.events, found.protocol.sessions) == (2, 2)


def test_the_notebooks_coverage_is_refused_where_last_events_are_left_out():
    with pytest.raises(ConfigError) as raised:
        evaluated(LastItemScorer(TABLE), asked_last([0, 1, 2], [2, 0]), notebook_coverage=True)
    assert str(raised.value) == (
        "notebook-coverage requires a split by date; of this dataset the last event of every "
        "session is scored"
    )
    assert raised.value.hint == "leave --notebook-coverage out"


def test_without_known_targets_nothing_can_be_evaluated():
    with pytest.raises(DataError) as raised:
        evaluated(LastItemScorer(TABLE), asked_last([0, 1, 7], [2, 0, 8]))
    assert str(raised.value) == "the run knows no next item of the test split"
    assert raised.value.hint == "prepare the dataset with a higher --min-item-support"


def test_a_valid_split_of_which_no_target_is_known_chooses_no_hybrid(tmp_path, monkeypatch):
    monkeypatch.setattr(hybrid, "load_split", lambda *_: asked_last([0, 1, 99], [98, 1]))
    run, dataset = (
        Run.from_document(tmp_path, run_manifest()),
        Dataset.from_document(tmp_path, dataset_manifest()),
    )
    with pytest.raises(DataError) as raised:
        hybrid.choose_hybrid(
            run,
            Workspace(tmp_path),
            dataset,
            make_scorer("gru4rec"),
            default_options(),
            lambda _: None,
        )
    assert str(raised.value) == (
        "the run knows no next item of the valid split, on which a hybrid is chosen"
    )
    assert raised.value.hint == "prepare the dataset with a higher --min-item-support"
