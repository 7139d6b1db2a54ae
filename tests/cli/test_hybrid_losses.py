"""The hybrid of a run of each loss, also where its scores are no logarithms of probabilities."""

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.loss import Loss
from sbrcli.dataset.storage import load_split
from sbrcli.evaluation.calibration import mean_loss
from sbrcli.models.baselines.options import configure_baselines
from sbrcli.models.baselines.registry import fit_partner
from sbrcli.models.loading import load_scorer
from tests.chains import make_workspace

WORK = ("--workdir", "work")
SMALL = "--hsz 8 --epochs 3 --batch-size 8 --bptt 4 --dropout 0 --quiet"
LEARNING_RATE = {"cross-entropy": "0.5"}


@pytest.fixture
def trained(sbr):
    """Give what trains a run of a loss on a chain."""
    make_workspace(Path("work"))

    def train(loss: str, name: str) -> Workspace:
        rate = LEARNING_RATE.get(loss, "0.2")
        words = f"train --name {name} --loss {loss} --learning-rate {rate} {SMALL}"
        assert sbr(*words.split(), *WORK).code == 0
        return Workspace(Path("work"))

    return train


def hybrid_of(workspace: Workspace, name: str) -> dict:
    return json.loads((workspace.path_of("run", name) / "hybrid.json").read_text())


@pytest.mark.parametrize("loss", get_args(Loss))
def test_the_hybrid_of_each_loss_is_chosen_on_probabilities(sbr, trained, loss):
    workspace = trained(loss, "run")
    said = sbr("evaluate", "--hybrid", "--json", *WORK)
    assert said.code == 0
    kept = hybrid_of(workspace, "run")
    # As good on valid as the best trial, but for what the terms that are left out gain there.
    best = max(trial["mrr@20"] for trial in kept["trials"])
    missed = sum(term["gain"] for term in kept["terms"] if not term["is_kept"])
    chosen = {(t["partner"], t["weight"]): t["mrr@20"] for t in kept["trials"]}
    assert chosen[kept["partner"], kept["weight"]] >= best - missed - 1e-9
    network = load_scorer(workspace.path_of("run", "run"))
    valid = load_split(workspace.path_of("dataset", "user"), "valid")
    losses = [mean_loss(network, valid, kept["scale"] * factor) for factor in (0.5, 1, 2)]
    if loss == "cross-entropy":
        assert kept["scale"] == 1.0
    else:
        assert losses[1] <= min(losses)
        assert np.log2(kept["scale"]) % 1 == 0
    made_of = next(
        row["options"] for row in json.loads(said.stdout)["leaderboard"] if row["model"] == "hybrid"
    )
    scale = "" if kept["scale"] == 1 else f",scale={kept['scale']:g}"
    repeats = "".join(f",{name}={kept[name]:g}" for name in ("last", "earlier") if kept[name])
    assert made_of == f"partner={kept['partner']},weight={kept['weight']:g}{scale}{repeats}"
    found = json.loads(sbr("recommend", "--items", 3, "-k", 1, "--hybrid", "--json", *WORK).stdout)
    (best_item,) = found["items"]
    expected, index_of = blend_by_hand(workspace, kept, "3")
    assert best_item["score"] == pytest.approx(expected[index_of[best_item["item"]]], rel=1e-5)


def blend_by_hand(
    workspace: Workspace, kept: dict, item_id: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Blend the scores of what follows one item, from the formula; and each item's index."""
    run, dataset = workspace.open("run"), workspace.open("dataset")
    index_of = load_items(run.path / ITEMS_FILE).index_of
    session = np.array([index_of[item_id]])
    training = load_split(dataset.path, "train")
    options = configure_baselines(kept["options"])
    partner = fit_partner(kept["partner"], training, len(index_of), options)
    given = partner.sparse_next(session).toarray()[0]
    scores = kept["scale"] * load_scorer(run.path).score_next(session)
    blended = (1 - kept["weight"]) * scores
    blended += kept["weight"] * np.log(1 + len(index_of) * given / given.sum())
    blended[session] += kept["last"]
    return blended, index_of


def test_a_choice_from_before_there_was_a_scale_is_made_again_for_such_losses_alone(sbr, trained):
    for loss, is_made_again in (("bpr", True), ("cross-entropy", False)):
        workspace = trained(loss, loss)
        assert sbr("evaluate", "--hybrid", "--run", loss, *WORK).code == 0
        path = workspace.path_of("run", loss) / "hybrid.json"
        kept = json.loads(path.read_text())
        earlier = {name: value for name, value in kept.items() if name != "scale"}
        write_json(path, earlier | {"trials": []})
        assert sbr("evaluate", "--hybrid", "--run", loss, *WORK).code == 0
        assert json.loads(path.read_text()) == (kept if is_made_again else earlier | {"trials": []})


def test_the_choice_for_another_loss_is_not_taken_over(sbr, trained):
    workspace = trained("cross-entropy", "one")
    trained("top1", "two")
    assert sbr("evaluate", "--hybrid", "--run", "one", *WORK).code == 0
    said = sbr("evaluate", "--run", "two", "--hybrid-from", "one", *WORK)
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: the hybrid of run one was chosen for the scores of its loss, cross-entropy; run "
        "two was trained with top1\n"
        "hint: name a run that was trained with top1\n"
    )
    # One from before there was a scale is of no use for another run.
    assert sbr("evaluate", "--hybrid", "--run", "two", *WORK).code == 0
    path = workspace.path_of("run", "two") / "hybrid.json"
    kept = json.loads(path.read_text())
    del kept["scale"]
    write_json(path, kept)
    said = sbr("evaluate", "--run", "two", "--hybrid-from", "two", *WORK)
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: the hybrid of run two was chosen by an earlier sbr, which took the scores of top1 "
        "for logarithms of probabilities\n"
        "hint: choose again with: sbr evaluate --run two --split valid --hybrid\n"
    )
