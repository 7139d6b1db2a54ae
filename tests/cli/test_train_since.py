"""`sbr train --since` and `--last-days`: the newest part of train alone."""

import json

import numpy as np
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.dataset.unions import load_train_full
from sbrcli.models.configuration import configure_training
from sbrcli.sessions import Sessions
from sbrcli.workflow.training_data import load_training_data
from sbrcli.workflow.training_job import make_job
from tests.chains import DAY, make_workspace
from tests.cli.small_run import SMALL


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return make_workspace(tmp_path / "sbr-work")


def test_sessions_since_a_moment_have_their_last_earlier_events_as_context():
    sessions = Sessions(
        np.array([1, 2, 3, 4, 5, 6, 7, 8, 9], np.int32),
        np.array([0, 2, 6, 8, 9]),
        np.array([1, 2, 1, 3, 5, 6, 5, 9, 9]),
    )
    part = sessions.since(5, 1)
    # [1 2] is too early; 3 is too far back; 7 and 9 follow nothing.
    assert part.item_indices.tolist() == [4, 5, 6, 7, 8]
    assert part.offsets.tolist() == [0, 3, 5]
    assert part.timestamps.tolist() == [3, 5, 6, 5, 9]
    assert part.target_mask.tolist() == [False, True, True, False, True]
    assert sessions.since(10, 1).num_sessions == 0


def test_the_last_days_are_measured_back_from_the_end_of_what_is_trained_on(workspace):
    config = configure_training({"last_days": 10.0, "refit": True}, None)
    job = make_job(workspace, "user", config, "run")
    folder = job.dataset.path
    both = {"fit": load_split(folder, "train"), "refit": load_train_full(folder)}
    for phase, sessions in both.items():
        since = sessions.timestamps.max() - 10 * DAY
        expected = np.count_nonzero(sessions.target_mask & (sessions.timestamps >= since))
        found = load_training_data(job, phase).sessions  # pyright: ignore
        assert 0 < found.num_targets == expected < sessions.num_targets / 2


def test_a_run_of_the_newest_part_says_so_in_its_name_and_its_plan(sbr, workspace):
    said = sbr("train", *SMALL, "--since", "1970-02-20", "--json", "--dry-run")
    plan = json.loads(said.stdout)["plan"]
    train = load_split(workspace.path_of("dataset", "user"), "train")
    since = 50 * DAY
    targets = np.count_nonzero(train.target_mask & (train.timestamps.astype(float) >= since))
    assert plan["next_items_per_epoch"] == targets
    assert plan["name"].endswith("-since-1970-02-20")
    said = sbr("train", *SMALL, "--since", "1970-02-20", "--refit", "--json")
    assert said.code == 0, said.stderr
    assert len(json.loads(said.stdout)["refit"]["epochs"]) >= 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("--since", "yesterday"),
            2,
            "since must be a date, as in 2026-11-01 or 2026-11-01T08:00:00. Received: yesterday",
        ),
        (
            ("--since", "2026-11-01", "--last-days", 3),
            2,
            "since and last-days exclude each other. Received: --since 2026-11-01 --last-days 3.0",
        ),
        (
            ("--since", "2026-11-01"),
            4,
            "nothing of dataset user is as new as that: what is trained on ends at "
            "1970-03-08T16:07:00+00:00",
        ),
    ],
)
def test_a_part_that_cannot_be_is_refused(sbr, workspace, words, code, message):
    said = sbr("train", *SMALL, *words, "--name", "run")
    assert (said.code, said.stdout) == (code, "")
    assert said.stderr.splitlines()[0] == f"error: {message}"
    if code == 4:
        assert said.stderr.splitlines()[1] == "hint: give an earlier --since, or more --last-days"
    assert not (workspace.root / "runs" / "run").exists()


def test_a_dataset_without_times_has_no_newest_part(sbr, workspace):
    path = workspace.path_of("dataset", "user") / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["no_time"] = True
    path.write_text(json.dumps(manifest))
    said = sbr("train", *SMALL, "--last-days", 3)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.splitlines() == [
        "error: dataset user has no times, which --since and --last-days go by",
        "hint: leave them out: all events are trained on",
    ]
