"""Baselines by name, and the sessions they are fitted to."""

import numpy as np
import pytest

from sbrcli.artefacts.run import Run
from sbrcli.dataset.storage import load_split
from sbrcli.dataset.unions import load_training_sessions
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import BASELINES, fit_baseline
from tests.builders import make_sessions, run_manifest
from tests.chains import make_workspace
from tests.models.baselines.logs import scores_by_position


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_scores_every_next_item_among_all_items(name):
    scorer = fit_baseline(name, make_sessions([0, 1, 2], [2, 1]), 4, default_options())
    found = scores_by_position(scorer, make_sessions([0, 1, 2], [3, 1]))
    assert scorer.num_items == 4
    assert scorer.memory_bytes > 0
    assert sorted(found) == [0, 1, 3]
    assert all(row.shape == (4,) and np.isfinite(row).all() for row in found.values())


def test_a_run_has_learned_from_train_and_a_refitted_one_from_valid_too(tmp_path):
    dataset = make_workspace(tmp_path).open("dataset").path
    train, valid = load_split(dataset, "train"), load_split(dataset, "valid_full")
    runs = [
        Run.from_document(tmp_path, run_manifest(**entries))
        for entries in ({}, {"refit": None}, {"refit": {"epochs": []}})
    ]
    fitted, also_fitted, refitted = (load_training_sessions(dataset, run) for run in runs)
    assert len(fitted.item_indices) == len(also_fitted.item_indices) == len(train.item_indices)
    assert len(refitted.item_indices) == len(train.item_indices) + len(valid.item_indices)
    assert refitted.num_sessions == train.num_sessions + valid.num_sessions
