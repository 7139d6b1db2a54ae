"""Stored evaluations are read, and damaged ones are errors."""

import json

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.evaluation import metrics
from sbrcli.evaluation.leaderboard import Difference, LeaderboardRow
from sbrcli.evaluation.slices import Slice
from sbrcli.report.evaluation_section import describe_evaluation
from sbrcli.report.slices_section import describe_slices
from sbrcli.report.stored_evaluation import cuts_of, read_stored_evaluation
from tests.builders import make_run

METRICS = {"recall@5": 0.5, "mrr@5": 0.25, "ndcg@5": 0.3}
INTERVAL = {name: [0.1, 0.6] for name in METRICS}
TO_BEST = {
    "model": "gru4rec",
    "metric": "mrr@5",
    "share": -0.5,
    "interval": [-0.6, -0.4],
    "absolute": -0.1,
    "absolute_interval": [-0.2, -0.05],
    "p_value": 0.01,
}
STANDING = {
    "model": "markov",
    "metrics": METRICS,
    "interval": INTERVAL,
    "to_best": TO_BEST,
    "coverage": 0.5,
    "mean_popularity": 0.25,
    "gini": 0.125,
    "events_per_second": 1000.0,
    "memory_bytes": 64,
    "options": "steps=1,decay=div",
}
EVALUATION = {
    "metrics": METRICS,
    "metrics_unknown_as_miss": METRICS,
    "protocol": {"events": 7, "unknown_events": 0},
}
BEST = STANDING | {"model": "gru4rec", "to_best": None, "options": None}
FULL = EVALUATION | {
    "leaderboard": [BEST, STANDING],
    "verdict": "gru4rec beats markov",
    "slices": [{"slice": "item", "value": "new", "events": 7, "metrics": METRICS}],
}


def keep(tmp_path, document: object):
    run = make_run(tmp_path)
    (run / "evaluation.json").write_text(json.dumps(document))
    return Workspace(tmp_path).open("run")


def test_a_run_that_was_not_evaluated_on_test_keeps_nothing(tmp_path):
    assert read_stored_evaluation(keep(tmp_path, {"valid": EVALUATION})) is None


def test_figures_alone_come_without_leaderboard_and_slices(tmp_path):
    stored = read_stored_evaluation(keep(tmp_path, {"test": EVALUATION}))
    assert stored is not None
    assert stored.metrics == METRICS
    assert (stored.leaderboard, stored.verdict, stored.slices) == ((), "", ())


def test_the_verdict_of_an_earlier_version_is_reported_in_the_current_wording(tmp_path):
    earlier = "a beats b by 2.0 % of mrr@20, 95 % interval 1.0 to 3.0 %: the difference is real"
    stored = read_stored_evaluation(keep(tmp_path, {"test": FULL | {"verdict": earlier}}))
    assert stored is not None
    assert stored.verdict == (
        "a beats b by 2.0 % of mrr@20, 95 % interval 1.0 to 3.0 %: significant at 5 % (sessions "
        "resampled; one training seed)"
    )


def test_all_that_was_kept_is_read_and_keys_that_came_later_are_skipped(tmp_path):
    stored = read_stored_evaluation(keep(tmp_path, {"test": FULL | {"new": 1}}))
    assert stored is not None
    assert stored.slices == (Slice("item", "new", 7, METRICS),)
    assert stored.leaderboard[1] == LeaderboardRow(
        model="markov",
        metrics=METRICS,
        interval=dict.fromkeys(METRICS, (0.1, 0.6)),
        to_best=Difference("gru4rec", "mrr@5", -0.5, (-0.6, -0.4), -0.1, (-0.2, -0.05), 0.01),
        coverage=0.5,
        mean_popularity=0.25,
        gini=0.125,
        events_per_second=1000.0,
        memory_bytes=64,
        options="steps=1,decay=div",
    )


def test_the_interval_of_a_slice_is_read_if_it_was_stored(tmp_path):
    row = {"slice": "item", "value": "new", "events": 7, "metrics": METRICS}
    rows = [row | {"interval": {"mrr@5": [0.2, 0.3], "later": 1}}]
    stored = read_stored_evaluation(keep(tmp_path, {"test": FULL | {"slices": rows}}))
    assert stored is not None
    assert stored.slices == (Slice("item", "new", 7, METRICS, {"mrr@5": (0.2, 0.3)}),)


def test_metrics_that_a_later_version_adds_are_skipped(tmp_path):
    later = METRICS | {"map@5": 0.2, "map@7": None, "mean_rank": [3, 4], "recall@top": 1}
    slices = [{"slice": "item", "value": "new", "events": 7, "metrics": later}]
    both = {"metrics": later, "metrics_unknown_as_miss": later, "slices": slices}
    board = [BEST | {"metrics": later}, STANDING | {"metrics": later}]
    stored = read_stored_evaluation(
        keep(tmp_path, {"test": FULL | both | {"leaderboard": board}, "format": 2})
    )
    assert stored is not None
    assert stored.metrics == stored.metrics_unknown_as_miss == stored.slices[0].metrics == METRICS
    assert [row.metrics for row in stored.leaderboard] == [METRICS, METRICS]


def test_an_earlier_version_s_figures_lack_a_metric_that_was_added_since(tmp_path, monkeypatch):
    monkeypatch.setitem(metrics.METRICS, "map", metrics.METRICS["mrr"])
    stored = read_stored_evaluation(keep(tmp_path, {"test": FULL}))
    assert stored is not None
    assert stored.metrics == METRICS
    page = describe_evaluation(stored, "sbr evaluate").content
    assert '<td class="number"></td>' in page  # map@5 is empty, and the others are there
    assert '<td class="number" data-value="0.5">0.5000</td>' in page
    assert "<td" in describe_slices(stored.slices, "sbr evaluate").content


@pytest.mark.parametrize(
    "document",
    [
        {"metrics": {"recall@5": 0.5}},
        {"metrics": {"recall": 0.5}},
        {"metrics": {}},
        {"leaderboard": 3},
        {"leaderboard": [STANDING | {"interval": {}}]},
        {"leaderboard": [STANDING | {"memory_bytes": "much"}]},
        {"slices": [{}]},
    ],
)
def test_a_damaged_file_is_an_artefact_error(tmp_path, document):
    run = keep(tmp_path, {"test": FULL | document})
    with pytest.raises(ArtefactError) as caught:
        read_stored_evaluation(run)
    path = run.path / "evaluation.json"
    assert str(caught.value) == f"{path} is damaged: it is not what sbr evaluate writes"
    assert caught.value.hint == "delete it; sbr evaluate writes it again"


def test_metrics_are_cut_where_their_names_say():
    assert cuts_of({"mrr@20": 0.1, "recall@5": 0.1, "recall@20": 0.2}) == (5, 20)
