"""The blend of a run with a baseline, as a user meets it."""

import json
import shutil

import numpy as np
import pytest

from sbrcli.dataset.storage import load_split
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_partner
from tests.evaluation.test_tuning import workspace  # noqa: F401  a fixture

CHOICE = {
    "partner": "vsknn",
    "weight": 0.3,
    "last": -30,
    "earlier": 0.5,
    "terms": [
        {"term": name, "value": value, "gain": gain, "standard_error": error, "is_kept": is_kept}
        for name, value, gain, error, is_kept in (
            ("partner", 0.3, 0.001, 0.002, False),
            ("last", -30, 0.2, 0.05, True),
        )
    ],
}
EVALUATE = ("evaluate", "--workdir", "work", "--hybrid", "--json")


@pytest.mark.usefixtures("workspace")
def test_the_hybrid_stands_in_the_leaderboard_beside_both_that_it_is_made_of(sbr):
    found = json.loads(sbr(*EVALUATE).stdout)
    rows = {row["model"]: row for row in found["leaderboard"]}
    assert set(rows) == {"gru4rec", "markov", "hybrid"}
    assert rows["hybrid"]["options"].startswith("partner=markov,weight=")
    total = rows["gru4rec"]["memory_bytes"] + rows["markov"]["memory_bytes"]
    assert rows["hybrid"]["memory_bytes"] == total
    assert "hybrid" in found["verdict"].split(". ")[1]


@pytest.mark.usefixtures("workspace")
def test_the_choice_is_made_once(sbr, tmp_path):
    sbr(*EVALUATE)
    kept = tmp_path / "work/runs/user-1x4/hybrid.json"
    document = json.loads(kept.read_text())
    assert document["partner"] == "markov"
    kept.write_text(json.dumps(document | CHOICE))
    found = json.loads(sbr(*EVALUATE, "--baselines", "popularity").stdout)
    rows = {row["model"]: row for row in found["leaderboard"]}
    assert set(rows) == {"gru4rec", "popularity", "hybrid"}
    assert rows["hybrid"]["options"] == "partner=vsknn,weight=0.3,last=-30,earlier=0.5"
    assert found["hybrid"] == CHOICE | {"scale": 1.0, "taken_from": None}
    assert found["verdict"].endswith(
        ". gains of the hybrid's terms in mrr@20 on valid (standard error): the last item +0.2000 "
        "(0.0500); left out: the partner +0.0010 (0.0020)"
    )


@pytest.mark.usefixtures("workspace")
def test_what_the_hybrid_is_made_of_is_reported(sbr):
    found = json.loads(sbr(*EVALUATE).stdout)
    options = next(row["options"] for row in found["leaderboard"] if row["model"] == "hybrid")
    said = sbr(*EVALUATE[:-1])
    assert said.stderr == (
        f"run {found['run']} on dataset user\n{found['verdict']}\nthe hybrid has {options}\n"
    )


def test_recommendations_follow_the_chain_that_the_network_does_not_know(sbr, workspace):  # noqa: F811
    sbr(*EVALUATE)
    training = load_split(workspace.open("dataset").path, "train")
    chain = fit_partner("markov", training, 40, default_options())
    followers = np.array([chain.score_next(np.array([item])) for item in range(40)])
    best = np.sort(followers, axis=1)
    surest = int((best[:, -1] - best[:, -2]).argmax())  # ids are the indices of the items
    said = sbr("recommend", "--workdir", "work", "--items", surest, "-k", 1, "--hybrid")
    assert said.stdout.splitlines()[1].split("\t")[1] == str(followers[surest].argmax())


@pytest.mark.usefixtures("workspace")
def test_a_run_without_a_hybrid_cannot_recommend_by_it(sbr):
    said = sbr("recommend", "--workdir", "work", "--items", "7", "--hybrid")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: run user-1x4 has no hybrid\n"
        "hint: choose it with: sbr evaluate --hybrid --run user-1x4\n"
    )


@pytest.mark.usefixtures("workspace")
def test_the_choice_of_another_run_is_taken_over(sbr, tmp_path):
    runs = tmp_path / "work/runs"
    shutil.copytree(runs / "user-1x4", runs / "refitted")
    manifest = json.loads((runs / "refitted/manifest.json").read_text())
    (runs / "refitted/manifest.json").write_text(json.dumps(manifest | {"refit": {"epochs": []}}))
    refitted = ("evaluate", "--workdir", "work", "--run", "refitted", "--json")
    said = sbr(*refitted, "--hybrid")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: run refitted was trained on the valid split too (--refit), on which the weight of "
        "a hybrid is chosen\n"
        "hint: take that of a run that was not, with --hybrid-from RUN\n"
    )
    sbr("evaluate", "--workdir", "work", "--run", "user-1x4", "--hybrid")
    taken = json.loads(sbr(*refitted, "--hybrid-from", "user-1x4").stdout)
    assert "hybrid" in [row["model"] for row in taken["leaderboard"]]
    words = (*refitted, "--hybrid", "--baselines", "markov", "--markov", "steps=3")
    said = sbr(*words)
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        "error: the hybrid of run refitted is the one that was chosen for run user-1x4 with "
        "markov's steps=1,decay=div: --markov steps=3 has no effect\n"
        "hint: choose again with: sbr evaluate --run user-1x4 --hybrid --markov steps=3; then take "
        "it over with: sbr evaluate --run refitted --hybrid-from user-1x4\n"
    )
    sbr("evaluate", "--workdir", "work", "--run", "user-1x4", "--hybrid", "--markov", "steps=3")
    taken = json.loads(sbr(*refitted, "--hybrid-from", "user-1x4").stdout)
    # The partner beside it has the options that the hybrid was chosen with.
    assert options(taken, "markov") == "steps=3,decay=div"
    # From now on it is the run's own.
    assert sbr(*refitted, "--hybrid").code == 0
    assert (
        sbr("recommend", "--workdir", "work", "--run", "refitted", "--items", 3, "--hybrid").code
        == 0
    )


def options(found: dict, model: str) -> str:
    return next(row["options"] for row in found["leaderboard"] if row["model"] == model)
