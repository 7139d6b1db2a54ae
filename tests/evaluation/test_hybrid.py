"""The choice of a blend on valid, and what is kept of it."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.manifests import MANIFEST, write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.dataset.unions import load_training_sessions
from sbrcli.errors import ArtefactError, ConfigError, DataError, UsageError
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.baselines.options import configure_baselines, default_options
from sbrcli.models.baselines.registry import fit_partner, partner_names
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.blend.files import load_hybrid
from sbrcli.models.blend.repeats import NO_TERMS
from sbrcli.models.loading import load_scorer
from sbrcli.workflow import choose_blend as hybrid
from sbrcli.workflow.choose_blend import (
    choose_hybrid,
    copy_hybrid,
    count_trial_targets,
    find_hybrid,
)
from tests.evaluation.test_tuning import workspace  # noqa: F401  a fixture

OPTIONS = default_options()


@pytest.fixture
def run(workspace) -> Run:  # noqa: F811
    return workspace.open("run")


@pytest.fixture
def dataset(workspace) -> Dataset:  # noqa: F811
    return workspace.open("dataset")


def workspace_of(run: Run) -> Workspace:
    return Workspace(run.path.parent.parent)


def choose(run: Run, dataset: Dataset) -> hybrid.Hybrid:
    network = load_scorer(run.path)
    return choose_hybrid(run, workspace_of(run), dataset, network, OPTIONS, lambda _done: None)


def take(run: Run, other: Run, dataset: Dataset, said: dict[str, str]) -> hybrid.Hybrid:
    return copy_hybrid(run, workspace_of(run), other, dataset, said)


def copy_of(run: Run, name: str, **changes: object) -> Run:
    """Copy a run, and change what its manifest says."""
    path = run.path.parent / name
    shutil.copytree(run.path, path)
    write_json(path / MANIFEST, run.document | changes)
    return Run.read(path)


def test_the_best_on_valid_is_chosen_but_for_terms_of_no_worth(run, dataset):
    found = choose(run, dataset)
    best = max(trial["mrr@20"] for trial in found.trials)
    valid, network = load_split(dataset.path, "valid"), load_scorer(run.path)
    partner = fit_partner(found.partner, load_split(dataset.path, "train"), 40, OPTIONS)
    for scorer in (network, partner):
        assert best >= metrics_at(rank_targets(scorer, valid).ranks, [20])["mrr@20"] - 1e-9
    both = HybridScorer(network, partner, found.weight, 1.0, found.repeats)
    missed = sum(term["gain"] for term in found.terms if not term["is_kept"])
    mrr = metrics_at(rank_targets(both, valid).ranks, [20])["mrr@20"]
    assert mrr == pytest.approx(best - missed)
    for term in found.terms:
        assert term["is_kept"] == (term["gain"] > term["standard_error"])
    values = {term["term"]: term["value"] * term["is_kept"] for term in found.terms}
    assert values == {"partner": found.weight, "last": found.last, "earlier": found.earlier}


def test_a_choice_by_an_earlier_version_is_found_and_has_no_terms_for_repeats(run, dataset):
    choose(run, dataset)
    path = run.path / "hybrid.json"
    kept = json.loads(path.read_text())
    write_json(path, {name: kept[name] for name in ("partner", "weight", "options", "checksum")})
    found = find_hybrid(run, OPTIONS, {})
    assert found is not None
    assert (found.repeats, found.terms) == (NO_TERMS, [])
    network = load_scorer(run.path)
    partner = fit_partner(found.partner, load_split(dataset.path, "train"), 40, OPTIONS)
    session = np.array([3, 5])
    expected = HybridScorer(network, partner, found.weight).score_next(session)
    np.testing.assert_array_equal(load_hybrid(run.path, network).score_next(session), expected)


def test_a_choice_from_before_an_option_was_added_is_found_again(run, dataset):
    choose(run, dataset)
    path = run.path / "hybrid.json"
    kept = json.loads(path.read_text())
    # As if idf had come since: it was at its default, 0.
    assert kept["options"]["vsknn"].endswith(",idf=0")
    kept["options"]["vsknn"] = kept["options"]["vsknn"].removesuffix(",idf=0")
    write_json(path, kept)
    found = find_hybrid(run, OPTIONS, {})
    assert found is not None and found.options == kept["options"]
    assert find_hybrid(run, configure_baselines({"vsknn": "idf=1"}), {}) is None


def test_on_a_chain_that_the_network_does_not_know_the_chain_is_chosen(run, dataset):
    # The network's weights are random, and the log is a Markov chain.
    found = choose(run, dataset)
    assert (found.partner, found.weight > 0) == ("markov", True)


@pytest.fixture
def refitted(run) -> Run:
    return copy_of(run, "rf", refit={"epochs": []})


def test_the_choice_is_kept_and_found_again_unless_the_options_have_changed(run, dataset):
    assert find_hybrid(run, OPTIONS, {}) is None
    chosen = choose(run, dataset)
    assert find_hybrid(run, OPTIONS, {}) == chosen
    kept = json.loads((run.path / "hybrid.json").read_text())
    assert kept.pop("checksum").startswith("crc32:")
    assert kept == asdict(chosen)
    said = {"markov": "steps=3"}
    assert find_hybrid(run, configure_baselines(said), said) is None
    assert find_hybrid(run, configure_baselines({}, said), {}) is None


def test_as_many_targets_are_reported_as_there_are_to_try(run, dataset):
    told = []
    choose_hybrid(run, workspace_of(run), dataset, load_scorer(run.path), OPTIONS, told.append)
    assert sum(told) == count_trial_targets(dataset)


def test_of_a_large_valid_split_sessions_with_enough_next_items_are_tried(
    run, dataset, monkeypatch
):
    valid = load_split(dataset.path, "valid")
    enough = valid.num_targets // 2
    monkeypatch.setattr(hybrid, "_SUBSAMPLE_TARGETS", enough)
    judges = valid.subsample(enough)
    assert enough <= judges.num_targets < valid.num_targets
    assert count_trial_targets(dataset) == len(partner_names()) * judges.num_targets
    assert choose(run, dataset).trials


def test_a_run_that_was_trained_on_valid_has_none_to_choose_by(run, dataset):
    refitted = run.with_entries(refit={"epochs": []})
    with pytest.raises(ConfigError) as error:
        choose(refitted, dataset)
    assert str(error.value) == (
        "run user-1x4 was trained on the valid split too (--refit), on which the weight of a "
        "hybrid is chosen"
    )
    assert error.value.hint == "take that of a run that was not, with --hybrid-from RUN"


@pytest.mark.parametrize(
    ("are_last", "hint"),
    [
        (False, "prepare the dataset with more --valid-days"),
        (True, "prepare the dataset with a higher --min-item-support"),
    ],
)
def test_a_valid_split_that_the_run_knows_nothing_of_has_none_to_choose_by(
    run, dataset, monkeypatch, are_last, hint
):
    splits = load_split(dataset.path, "train"), load_split(dataset.path, "valid")
    items = np.full_like(splits[1].item_indices, 10**6)
    targets = np.zeros(len(items), np.bool_) if are_last else None
    unknown = replace(splits[1], item_indices=items, targets=targets)
    monkeypatch.setattr(
        hybrid, "load_split", lambda _, name: {"train": splits[0]}.get(name, unknown)
    )
    with pytest.raises(DataError) as error:
        choose(run, dataset)
    assert str(error.value) == (
        "the run knows no next item of the valid split, on which a hybrid is chosen"
    )
    assert error.value.hint == hint


def test_another_runs_choice_is_taken_over_with_the_partner_fitted_as_this_run_was(
    run, dataset, refitted
):
    chosen = choose(run, dataset)
    taken = take(refitted, run, dataset, {})
    assert (taken.partner, taken.weight, taken.taken_from) == (
        chosen.partner,
        chosen.weight,
        "user-1x4",
    )
    # What is taken over stays, whatever is tuned for this run.
    assert find_hybrid(refitted, configure_baselines({"markov": "steps=3"}), {}) == taken
    training = load_training_sessions(dataset.path, refitted)
    expected = fit_partner(chosen.partner, training, 40, OPTIONS).score_next(np.array([3]))
    network = load_scorer(refitted.path)
    both = load_hybrid(refitted.path, network).score_next(np.array([3]))
    own = (1 - chosen.weight) * network.score_next(np.array([3]))
    own[3] += chosen.last
    gained = np.log1p(40 * expected / expected.sum())
    np.testing.assert_allclose(both, own + chosen.weight * gained, rtol=1e-5)


def test_a_run_without_a_hybrid_has_none_to_be_taken(run, dataset):
    with pytest.raises(ArtefactError) as error:
        take(run, run, dataset, {})
    assert str(error.value) == "run user-1x4 has no hybrid"


TAKEN = (
    "the hybrid of run rf is the one that was chosen for run user-1x4 with markov's "
    "steps=1,decay=div: --markov steps=3 has no effect"
)
ANEW = (
    "choose again with: sbr evaluate --run user-1x4 --hybrid --markov steps=3; then take it over "
    "with: sbr evaluate --run rf --hybrid-from user-1x4"
)


def test_no_choice_is_taken_over_with_other_options_than_it_was_made_with(run, dataset, refitted):
    choose(run, dataset)
    with pytest.raises(UsageError) as error:
        take(refitted, run, dataset, {"markov": "steps=3"})
    assert (str(error.value), error.value.hint) == (TAKEN, ANEW)
    assert take(refitted, run, dataset, {"markov": "decay=div"}).taken_from == "user-1x4"


def test_a_refitted_run_refuses_options_that_its_choice_was_not_made_with(run, dataset, refitted):
    choose(run, dataset)
    taken = take(refitted, run, dataset, {})
    with pytest.raises(UsageError) as error:
        find_hybrid(refitted, OPTIONS, {"vsknn": "k=100", "markov": "steps=3"})
    assert (str(error.value), error.value.hint) == (TAKEN, ANEW)
    assert find_hybrid(refitted, OPTIONS, {"vsknn": "k=100", "markov": "steps=1"}) == taken


def test_an_ordinary_run_with_a_choice_taken_over_chooses_again_by_other_options(run, dataset):
    choose(run, dataset)
    ordinary = copy_of(run, "rf")
    taken = take(ordinary, run, dataset, {})
    assert find_hybrid(ordinary, OPTIONS, {"vsknn": "k=100"}) == taken
    said = {"vsknn": "k=7"}
    assert find_hybrid(ordinary, configure_baselines(said), said) is None


def test_nothing_is_added_to_a_run_that_was_replaced_meanwhile(run, dataset):
    before = choose(run, dataset)
    write_json(run.path / MANIFEST, run.document | {"seed": 2})
    for add in (lambda: choose(run, dataset), lambda: take(run, run, dataset, {})):
        with pytest.raises(ArtefactError) as error:
            add()
        assert str(error.value) == "run user-1x4 has been replaced meanwhile"
        assert error.value.hint == "run the same command again"
    assert find_hybrid(run, OPTIONS, {}) == before
