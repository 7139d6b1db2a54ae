"""The blend of a run with a baseline, as a user meets it."""

import json

import pytest

from tests.evaluation.test_tuning import workspace  # noqa: F401  a fixture

EVALUATE = ("evaluate", "--workdir", "work", "--hybrid", "--json")


@pytest.mark.usefixtures("workspace")
def test_the_hybrid_stands_in_the_leaderboard_beside_both_that_it_is_made_of(sbr):
    found = json.loads(sbr(*EVALUATE).stdout)
    rows = {row["model"]: row for row in found["leaderboard"]}
    assert set(rows) == {"gru4rec", "markov", "hybrid"}
    assert rows["hybrid"]["options"].startswith("partner=markov,weight=")
    total = rows["gru4rec"]["memory_bytes"] + rows["markov"]["memory_bytes"]
    assert rows["hybrid"]["memory_bytes"] == total
    assert "; hybrid " in found["verdict"]


@pytest.mark.usefixtures("workspace")
def test_the_choice_is_made_once(sbr, tmp_path):
    sbr(*EVALUATE)
    kept = tmp_path / "work/runs/user-1x4/hybrid.json"
    document = json.loads(kept.read_text())
    assert document["partner"] == "markov"
    kept.write_text(json.dumps(document | {"partner": "vsknn", "weight": 0.3}))
    found = json.loads(sbr(*EVALUATE, "--baselines", "popularity").stdout)
    rows = {row["model"]: row for row in found["leaderboard"]}
    assert set(rows) == {"gru4rec", "popularity", "hybrid"}
    assert rows["hybrid"]["options"] == "partner=vsknn,weight=0.3"
